"""One command a verb, no logic: arguments in, a room's function called, its result printed.

In: the command line. Out: JSON lines or a table on stdout, messages on stderr, an exit code.
May import: everything, and only inside a command, so that `--help` stays light.
Source: section 7 of the format reference. Start reading at `main`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from decidua import __version__
from decidua.errors import DecidualError

REFUSED, MISUSED = 1, 2

app = App(
    name="decidua",
    version=__version__,
    help="From laboratory files to a Th1/Th2/Th17/Treg and NK profile on the pregnancy timeline. Research use only.",
)
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON lines on stdout.")]


@app.command
def run(study: Path, *, out: Path | None = None, json_lines: Json = False) -> int:
    """Take a study folder from its files to results and reports.

    Parameters
    ----------
    study
        Folder that holds study.toml.
    out
        Where results/ and reports/ go; the study folder by default.
    """
    from decidua.batch import run_study
    from decidua.show import error_line, progress_bar, run_summary
    from decidua.timeline.placement import placement_line

    with progress_bar(quiet=json_lines) as report:
        outcome = run_study(study, out, report)
    if json_lines:
        lines = [placement_line(p) for v in outcome.findings.visits for p in v.placements]
        _print_lines([*lines, *(error_line(e) for e in outcome.findings.refused)])
    else:
        run_summary(outcome)
    return outcome.exit_code


@app.command
def acquire(file: Path, *, json_lines: Json = False) -> int:
    """Look at a file: what it is and what it holds. Nothing is stored.

    Parameters
    ----------
    file
        An FCS tube, a FlowJo workspace, a count table or a results table.
    """
    from decidua import pipeline
    from decidua.show import acquired_line, show_lines

    line = acquired_line(pipeline.acquire(file, file.name))
    _print_lines([line]) if json_lines else show_lines([line])
    return 0


@app.command
def quantify(file: Path, *, gates: Path | None = None, events: Path | None = None, json_lines: Json = False) -> int:
    """Print every population of a tube or count table as a share of its parent, with its interval.

    Parameters
    ----------
    file
        An FCS tube with --gates, or a count table.
    gates
        The FlowJo workspace the tube was gated in.
    events
        Parquet file to write, one boolean column a gate.
    """
    from decidua import pipeline
    from decidua.show import error_line, gated_lines, population_lines, show_lines, write_events

    errors = []
    if gates is not None:
        acquisition, sample, counts = pipeline.gate(file, gates)
        lines = gated_lines(acquisition, sample, counts)
        if events is not None:
            write_events(counts, events)
    else:
        lines, refused = population_lines(pipeline.acquire(file, file.name))
        errors = [error_line(e) for e in refused]
    _print_lines([*lines, *errors]) if json_lines else show_lines([*lines, *errors])
    return REFUSED if errors else 0


def _print_lines(lines: Iterable[dict[str, Any]]) -> None:
    for line in lines:
        print(json.dumps(line, ensure_ascii=False, allow_nan=False))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Words after the program's name; those of the process by default.

    Returns
    -------
    int
        0 done, 1 something was refused, 2 misused, 3 done but quality control failed.
    """
    words = sys.argv[1:] if arguments is None else arguments
    try:
        result = app(words, exit_on_error=False, print_error=True, result_action="return_value")
        return result if isinstance(result, int) else 0
    except CycloptsError:
        return MISUSED
    except DecidualError as error:
        if "--json" in words:
            from decidua.show import error_line

            _print_lines([error_line(error)])
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return REFUSED


if __name__ == "__main__":
    sys.exit(main())

"""A made study written as a folder: tubes, workspace, killing tables, plates, sheet, references and truth."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path

import numpy as np

from decidua.cytometry.flowjo import WorkspaceSample
from decidua.cytometry.flowjo_writer import write_workspace
from decidua.errors import OutsideLimits
from decidua.study.sheet import COLUMNS
from decidua.synthetic.cells import tube_name, write_tube
from decidua.synthetic.controls import references_csv
from decidua.synthetic.draw import NEXT_DAY, TREATED, Draw
from decidua.synthetic.identities import BLOCKER, BLOOD, HOURS, LABORATORY, STIMULUS
from decidua.synthetic.killing import killing_csv, true_killing
from decidua.synthetic.panel import panel_toml
from decidua.synthetic.plates import (
    KIT,
    MATERIAL,
    MOST_SAMPLES,
    PLATFORM,
    Floats,
    Kit,
    draw_kit,
    draw_plate,
    draw_serum,
    true_serum,
)
from decidua.synthetic.responses import true_populations, true_responses
from decidua.synthetic.traits import DAYS, HELPER, LH_SURGE_DAY, RESPONSES
from decidua.synthetic.truth import TrueValue, Truth
from decidua.synthetic.tubes import Tube
from decidua.synthetic.women import CONTROL_SUBJECT, draw_controls, draw_women
from decidua.synthetic.xponent_writer import xponent_csv

Progress = Callable[[str, int, int], None]

WORKSPACE = "tubes/p1.wsp"
_WOMEN, _CONTROLS, _REFERENCES, _KIT, _SERUM, _KILLING, _PLATE, _TUBE = range(8)
_EARLIER_RUNS, _RUN_SD = 24, 0.09


def write_study(
    folder: Path, *, seed: int = 1, events: int = 60_000, women: int = 6, progress: Progress | None = None
) -> Truth:
    """Write a study whose truth is known.

    Parameters
    ----------
    folder : Path
        Where to; made where absent, files in it are replaced.
    seed : int
        Decides everything: the same seed gives the same bytes.
    events : int
        Events a tube.
    women : int
        How many women, four visits each. The first three are planted; traps befall the fourth to sixth.
    progress : callable, optional
        Called with stage, done and total.

    Returns
    -------
    Truth
        What stands in ``truth.csv``.

    Raises
    ------
    OutsideLimits
        Negative seed, no woman or more than a plate holds, or fewer than 100 events.
    OSError
        The folder cannot be written.
    """
    if seed < 0 or not 1 <= women < MOST_SAMPLES or events < 100:
        raise OutsideLimits(
            f"no study of {women} women with {events} events a tube from seed {seed}.",
            remedy=f"Give 1 to {MOST_SAMPLES - 1} women, 100 events or more and a seed not below 0.",
        )
    draws = draw_women(women, _chance(seed, _WOMEN)) + draw_controls(len(DAYS), _chance(seed, _CONTROLS))
    kit = draw_kit(_chance(seed, _KIT))
    serum = draw_serum(kit, draws, _chance(seed, _SERUM))
    truth = Truth(seed, tuple(_values(draws, serum)))
    for room in ("panels", "tubes", "killing", "plates"):
        (folder / room).mkdir(parents=True, exist_ok=True)
    _write_tubes(folder / "tubes", draws, seed, events, progress)
    for number, run in enumerate(dict.fromkeys(draw.run for draw in draws)):
        mine = [draw for draw in draws if draw.run == run]
        _write_run(folder, run, mine, kit, serum, (_chance(seed, _KILLING, number), _chance(seed, _PLATE, number)))
    texts = {
        "study.toml": _study_toml(seed, list(dict.fromkeys(draw.run for draw in draws))),
        "panels/p1.toml": panel_toml(),
        "samples.csv": _sheet(draws),
        "references.csv": references_csv(kit, _chance(seed, _REFERENCES)),
        "truth.csv": truth.to_csv(),
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    return truth


def _chance(seed: int, *part: int) -> np.random.Generator:
    """Give each part its own stream, so that more events in one tube change no other part."""
    return np.random.default_rng([seed, *part])


def _values(draws: Sequence[Draw], serum: Mapping[tuple[str, str], Floats]) -> Iterator[TrueValue]:
    for draw in draws:
        yield from true_responses(draw)
        yield from true_populations(draw)
        yield from true_killing(draw)
        yield from true_serum(draw, serum[draw.subject, draw.visit])


def _write_tubes(folder: Path, draws: Sequence[Draw], seed: int, events: int, progress: Progress | None) -> None:
    samples: list[WorkspaceSample] = []
    for draw in draws:
        for stimulated in (False, True):
            if progress:
                progress("make", len(samples), 2 * len(draws))
            number = len(samples) + 1
            tube = Tube(events, stimulated)
            samples.append(write_tube(folder, draw, tube, number, _chance(seed, _TUBE, number)))
    write_workspace(folder / Path(WORKSPACE).name, samples)


def _write_run(
    folder: Path,
    run: str,
    draws: Sequence[Draw],
    kit: Kit,
    serum: Mapping[tuple[str, str], Floats],
    chance: tuple[np.random.Generator, np.random.Generator],
) -> None:
    killing = killing_csv([(_accession(draw, "B"), draw) for draw in draws], chance[0])
    (folder / "killing" / f"{run}.csv").write_bytes(killing.encode())
    samples = [(_accession(draw, "S"), serum[draw.subject, draw.visit]) for draw in draws]
    (folder / "plates" / f"{run}.csv").write_bytes(xponent_csv(draw_plate(run, kit, samples, chance[1])))


def _accession(draw: Draw, fluid: str) -> str:
    return f"{draw.subject}-{draw.visit}-{fluid}"


def _study_toml(seed: int, runs: Sequence[str]) -> str:
    lines = [
        f'study = {{ schema = 1, id = "made-{seed}", laboratory = "{LABORATORY}" }}',
        'sheet = { file = "samples.csv", kind = "samples" }',
        'panels = { P1 = "panels/p1.toml" }',
    ]
    for run in runs:
        lines += ["", "[[plates]]", f'file = "plates/{run}.csv"', f'kit = "{KIT}"', f'platform = "{PLATFORM}"']
    lines += ["", "[controls]"]
    for trait in RESPONSES:
        if trait.parent == HELPER and trait.axis:
            mean = round(math.log(trait.medians[0]), 3)
            history = f"{{ mean = {mean}, sd = {_RUN_SD}, n = {_EARLIER_RUNS} }}"
            lines.append(f'"{trait.numerator}.share {trait.parent}" = {history}')
    return "\n".join(lines) + "\n"


def _sheet(draws: Sequence[Draw]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for draw in draws:
        writer.writerows(_rows(draw))
    return text.getvalue()


def _rows(draw: Draw) -> Iterator[dict[str, object]]:
    control = draw.subject == CONTROL_SUBJECT
    day = 7 * int(draw.run[1:]) if control else DAYS[draw.phase]
    shared = {"subject": draw.subject, "visit": draw.visit, "run": draw.run, "collected": f"d{day}T09:00"}
    shared["role"] = "healthy_control" if control else "sample"
    blood: dict[str, object] = {
        **shared,
        "specimen": _accession(draw, "B"),
        "material": BLOOD,
        "set_up": f"d{day + 1}T11:00" if draw.trap == NEXT_DAY else f"d{day}T12:30",
        "kept": "room",
    }
    blood |= _person(draw, day, control)
    culture = {"panel": "P1", "workspace": WORKSPACE, "stimulus_h": f"{HOURS:g}", "blocker": BLOCKER}
    for stimulated in (False, True):
        stimulus = STIMULUS if stimulated else "none"
        yield {**blood, **culture, "file": f"tubes/{tube_name(draw, stimulated)}", "stimulus": stimulus}
    killing = {"file": f"killing/{draw.run}.csv", "sample": blood["specimen"], "stimulus": "k562"}
    yield {**blood, **killing, "stimulus_h": f"{HOURS:g}", "blocker": "none"}
    serum = {"specimen": _accession(draw, "S"), "sample": _accession(draw, "S"), "material": MATERIAL}
    yield {**shared, **serum, "file": f"plates/{draw.run}.csv", "spun": f"d{day}T10:00", "kept": "room"}


def _person(draw: Draw, day: int, control: bool) -> dict[str, object]:
    taken = f"prednisolone 10 mg/d @d{day - 1}" if draw.trap == TREATED else "none"
    if control:
        return {"medicines": taken}
    return {"dating": "lh_surge", "dating_at": f"d{LH_SURGE_DAY}", "medicines": taken}

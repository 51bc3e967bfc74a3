"""What must hold between results: one unit a measurand, one value a visit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from decidua.errors import Ambiguous, BrokenStudy, DecidualError
from decidua.measurement.nouns import Measurement, VisitKey


def one_unit(measurements: Iterable[Measurement]) -> tuple[list[Measurement], list[DecidualError]]:
    """Refuse every measurand that is given in two units.

    Parameters
    ----------
    measurements : iterable of Measurement
        Results of a study.

    Returns
    -------
    tuple of list of Measurement and list of DecidualError
        Results in one unit, and an error for each measurand in several: none of its results is used.
    """
    every = list(measurements)
    units: dict[str, set[str]] = defaultdict(set)
    files: dict[str, set[str]] = defaultdict(set)
    for m in every:
        units[m.measurand.id].add(m.quantity.unit)
        files[m.measurand.id].add(m.source.file)
    refused: list[DecidualError] = [
        BrokenStudy(
            f"{name} is given in {' and in '.join(sorted(found))}.",
            file=", ".join(sorted(files[name])),
            place="unit",
            remedy="Give one measurand in one unit; none of its results is used.",
        )
        for name, found in units.items()
        if len(found) > 1
    ]
    return [m for m in every if len(units[m.measurand.id]) == 1], refused


def one_value(measurements: Iterable[Measurement]) -> tuple[list[Measurement], list[DecidualError]]:
    """Refuse two values of one measurand for one specimen and run of a visit.

    Parameters
    ----------
    measurements : iterable of Measurement
        Results of a study.

    Returns
    -------
    tuple of list of Measurement and list of DecidualError
        Results that stand alone, and an error for each that does not: neither value is used.
    """
    groups: dict[tuple[VisitKey, str, str, str], list[Measurement]] = defaultdict(list)
    for m in measurements:
        groups[m.key, m.measurand.id, m.specimen, m.run].append(m)
    refused: list[DecidualError] = [
        Ambiguous(
            f"two values of {name} for visit {key}.",
            file=same[0].source.file,
            place=" and ".join(m.source.place for m in same),
            remedy="Keep one.",
        )
        for (key, name, _, _), same in groups.items()
        if len(same) > 1
    ]
    return [same[0] for same in groups.values() if len(same) == 1], refused

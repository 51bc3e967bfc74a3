"""Which standards, curves and runs are accepted: the rules of ICH M10 for ligand-binding assays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from decidua.knowledge import constant, table


class Verdict(StrEnum):
    """Why a standard is accepted or not."""

    ACCEPTED = "accepted"
    OFF = "reads back more than 20 % (25 % at a limit) from its nominal concentration"
    ANCHOR = "anchor: lies outside the limits of quantification"
    HOOK = "falls below the next lower standard"
    NO_NUMBER = "its signal gives no concentration"


@dataclass(frozen=True, slots=True)
class Level:
    """One standard: all its wells.

    Attributes
    ----------
    standard : str
        Name as printed.
    dose : float
        Nominal concentration [unit of the analyte].
    wells : tuple of str
        Where it stands.
    signal : float
        Mean raw signal [MFI].
    recovery : float or None
        Concentration read back over nominal; None where there is none.
    cv : float or None
        Coefficient of variation of a sample read back at this dose; None for a vendor's recipe.
    verdict : Verdict
        Whether it is accepted, and why not.
    """

    standard: str
    dose: float
    wells: tuple[str, ...]
    signal: float
    recovery: float | None
    cv: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """What the standards of one curve allow.

    Attributes
    ----------
    levels : tuple of Level
        Every standard with its verdict, by rising dose.
    lloq, uloq : float or None
        Limits of quantification, undiluted [unit of the analyte]; None where the curve is not accepted.
    reasons : tuple of str
        Why the curve is not accepted; empty where it is.
    """

    levels: tuple[Level, ...]
    lloq: float | None
    uloq: float | None
    reasons: tuple[str, ...]


UNJUDGED = Limits((), None, None, ())


def rule(name: str) -> float:
    """Look a rule up.

    Parameters
    ----------
    name : str
        Key of `knowledge/constants.csv`.

    Returns
    -------
    float
        In the unit of its row; a percentage as a fraction.

    Raises
    ------
    BrokenKnowledge
        Where there is no such rule.
    """
    value = constant(name)
    return value / 100.0 if table("constants")[name]["unit"] == "%" else value


def judge(levels: Sequence[Level]) -> Limits:
    """Find the widest range whose standards hold, and judge each standard.

    Both ends read back within 25 % and carry a CV of at most 25 %; between them at least three levels in four, and at
    least six, read back within 20 %, and no CV exceeds 20 % (`knowledge/constants.csv`). Standards outside the range
    are anchors.

    Parameters
    ----------
    levels : sequence of Level
        By rising dose; those that fall are marked already.

    Returns
    -------
    Limits
        The range, or the reasons why there is none.

    Raises
    ------
    BrokenKnowledge
        Where a rule is missing.

    Sources
    -------
    ICHM10
    """
    sound = [level for level in levels if level.verdict is not Verdict.HOOK]
    fewest = int(rule("standards_minimum"))
    ranges = [
        (last - first, -first)
        for first in range(len(sound))
        for last in range(first + fewest - 1, len(sound))
        if _holds(sound[first : last + 1], fewest)
    ]
    if not ranges:
        within = sum(_near(level, rule("recovery_within")) for level in sound)
        count = f"{within} of {len(levels)} standards read back near nominal"
        reason = f"no range of {fewest} standards holds: {count}"
        return Limits(tuple(_marked(level, False) for level in levels), None, None, (reason,))
    width, start = max(ranges)
    inside = sound[-start : width - start + 1]
    ends = (inside[0].dose, inside[-1].dose)
    judged = tuple(
        _marked(level, level.dose in ends)
        if ends[0] <= level.dose <= ends[1] or level.verdict is Verdict.HOOK
        else replace(level, verdict=Verdict.ANCHOR)
        for level in levels
    )
    return Limits(judged, ends[0], ends[1], ())


def _holds(levels: Sequence[Level], fewest: int) -> bool:
    within, at_limits = rule("recovery_within"), rule("recovery_within_at_limits")
    ends, between = (levels[0], levels[-1]), levels[1:-1]
    if not all(_near(level, at_limits) and _tight(level, at_limits) for level in ends):
        return False
    accepted = 2 + sum(_near(level, within) for level in between)
    enough = max(fewest, rule("standards_share") * len(levels))
    return accepted >= enough and all(_tight(level, within) for level in between)


def _near(level: Level, limit: float) -> bool:
    return level.recovery is not None and abs(level.recovery - 1.0) <= limit


def _tight(level: Level, limit: float) -> bool:
    return level.cv is None or level.cv <= limit


def _marked(level: Level, at_limit: bool) -> Level:
    if level.verdict is Verdict.HOOK:
        return level
    if level.recovery is None:
        return replace(level, verdict=Verdict.NO_NUMBER)
    near = _near(level, rule("recovery_within_at_limits" if at_limit else "recovery_within"))
    return replace(level, verdict=Verdict.ACCEPTED if near else Verdict.OFF)


def judge_controls(recoveries: Sequence[tuple[str, float | None]]) -> tuple[str, ...]:
    """Judge the controls of one analyte.

    At least two in three, and at least half of each level, must read back within 20 % of nominal.

    Parameters
    ----------
    recoveries : sequence of (control, recovery)
        A pair for each control well; None where it gives no number.

    Returns
    -------
    tuple of str
        Why the run is not accepted; empty where it is.

    Raises
    ------
    BrokenKnowledge
        Where a rule is missing.

    Sources
    -------
    ICHM10
    """
    if not recoveries:
        return ("no control was read",)
    levels: dict[str, list[bool]] = {}
    for control, recovery in recoveries:
        levels.setdefault(control, []).append(recovery is not None and abs(recovery - 1.0) <= rule("recovery_within"))
    every = [good for found in levels.values() for good in found]
    reasons = []
    if sum(every) < rule("controls_share") * len(every):
        reasons.append(f"{sum(every)} of {len(every)} controls read back near nominal")
    reasons += [
        f"{control}: {sum(found)} of {len(found)} near nominal"
        for control, found in levels.items()
        if sum(found) < rule("controls_share_each") * len(found)
    ]
    return tuple(reasons)

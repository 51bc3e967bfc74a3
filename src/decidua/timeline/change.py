"""Whether a repeat differs by more than usual variation: yes, no, or cannot say.

Usual variation is learnt from women seen more than once, of one measurand in one laboratory; none is borrowed. A
repeat regresses to the mean of the women tested, not of the healthy: where only healthy controls were seen twice, the
prediction is a range, from regression to their mean to none at all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.stats import f as f_distribution

from decidua.errors import OutsideLimits
from decidua.measurement import Censoring, Measurand, Measurement, Moment
from decidua.measurement.nouns import FloatArray
from decidua.statistics import Interval, WomenTested, repeat_interval
from decidua.timeline.references import Reference, Repeat

MIN_REPEATED = 20
"""Fewest women seen more than once that usual variation is learnt from."""

LARGEST_ICC = 0.999
"""Greatest ICC that a prediction is made with."""


class MoreThanUsual(StrEnum):
    """The answer of the report's column "more than usual variation"."""

    YES = "yes"
    NO = "no"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True, slots=True)
class UsualVariation:
    """How one measurand varies within and between women, on the log scale, phase by phase about its mean.

    Attributes
    ----------
    geometric_means : dict of str to float
        By phase, of the women it was learnt from [unit of the measurand].
    within_log_sd, between_log_sd : float
        Standard deviations of the natural logarithm within a woman, assay included, and between women [1].
    icc, icc_lower, icc_upper : float
        Share of the log variance between women, and its 95 % limits [1].
    n_women, n_values : int
        Women seen more than once, and their values.
    of_women_tested : bool
        Whether they are women who were tested; False for healthy controls.
    """

    geometric_means: dict[str, float]
    within_log_sd: float
    between_log_sd: float
    icc: float
    icc_lower: float
    icc_upper: float
    n_women: int
    n_values: int
    of_women_tested: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A repeat held against what was to be expected with nothing changed.

    Attributes
    ----------
    more_than_usual : MoreThanUsual
        The answer.
    expected : Interval or None
        Expected repeat, a median, with the limits of 95 % of repeats [unit of the measurand]; None where there is
        no prediction.
    widest, narrowest : tuple of float or None
        The outermost and innermost limits over the 95 % limits of the ICC, and over means from that of the controls
        to her own where the mean of the women tested is not known [unit of the measurand].
    reason : str
        Why nothing can be said; empty otherwise.
    """

    more_than_usual: MoreThanUsual
    expected: Interval | None = None
    widest: tuple[float, float] | None = None
    narrowest: tuple[float, float] | None = None
    reason: str = ""


def repeats_of(references: Iterable[Reference], measurand: Measurand) -> list[Repeat]:
    """Collect the laboratory's controls of one measurand that name their woman.

    Parameters
    ----------
    references : iterable of Reference
        Of the study.
    measurand : Measurand
        Of one laboratory.

    Returns
    -------
    list of Repeat
        Of references of women's values whose every identity field agrees, laboratory included.
    """
    return [r for reference in references if reference.measurand == measurand for r in reference.repeats]


def usual_variation(repeats: Sequence[Repeat], *, of_women_tested: bool) -> UsualVariation:
    """Learn usual variation from women seen more than once.

    Phase means are removed first, so that what pregnancy does to everyone is not taken for one woman's variation.
    Women seen once count for nothing.

    Parameters
    ----------
    repeats : sequence of Repeat
        Values above zero of one measurand in one laboratory.
    of_women_tested : bool
        Whether these are women who were tested; False for healthy controls.

    Returns
    -------
    UsualVariation
        By analysis of variance of the logarithms; an ICC below zero counts as none.

    Raises
    ------
    OutsideLimits
        Fewer than `MIN_REPEATED` women have two values, a value is not above zero, or values never differ.

    Sources
    -------
    Searle1971
    """
    times = Counter(r.woman for r in repeats)
    used = [r for r in repeats if times[r.woman] > 1]
    owners, owner = np.unique([r.woman for r in used], return_inverse=True)
    if owners.size < MIN_REPEATED:
        raise OutsideLimits(
            f"{owners.size} women with repeats are fewer than {MIN_REPEATED}.",
            place="repeats",
            remedy="Say that the change cannot be judged, or see more women twice.",
        )
    values = np.array([r.value for r in used])
    if not np.all(np.isfinite(values) & (values > 0)):
        raise OutsideLimits("A value with a logarithm is finite and above zero.", place="repeats")
    phases, phase = np.unique([r.phase for r in used], return_inverse=True)
    logs = np.log(values)
    means = np.bincount(phase, logs) / np.bincount(phase)
    residual = logs - means[phase]
    within, between, icc, limits = _components(residual, owner, phases.size)
    return UsualVariation(
        dict(zip((str(p) for p in phases), np.exp(means).tolist(), strict=True)),
        *(within, between, icc, *limits),
        n_women=int(owners.size),
        n_values=len(used),
        of_women_tested=of_women_tested,
    )


def _components(
    residual: FloatArray, owner: npt.NDArray[np.intp], phases: int
) -> tuple[float, float, float, tuple[float, float]]:
    """Part the variance of logarithms into within and between; limits of the ICC from the F distribution."""
    times = np.bincount(owner).astype(np.float64)
    n, women = residual.size, times.size
    own = np.bincount(owner, residual) / times
    between_df, within_df = women - 1, n - women - (phases - 1)
    if within_df < 1:
        raise OutsideLimits("Too few repeats remain once phase means are removed.", place="repeats")
    mean_between = float(np.sum(times * own**2)) / between_df
    mean_within = float(np.sum((residual - own[owner]) ** 2)) / within_df
    if mean_within <= 0:
        raise OutsideLimits("No woman's values ever differ.", place="repeats")
    size = (n - float(np.sum(times**2)) / n) / between_df
    ratio = mean_between / mean_within
    tails = f_distribution.ppf([0.975, 0.025], between_df, within_df)
    lower, icc, upper = (max(0.0, float((r - 1) / (r - 1 + size))) for r in (ratio / tails[0], ratio, ratio / tails[1]))
    between = math.sqrt(max(0.0, mean_between - mean_within) / size)
    return math.sqrt(mean_within), between, icc, (lower, upper)


def change_since(
    last: Measurement, last_moment: Moment, now: Measurement, now_moment: Moment, usual: UsualVariation | None
) -> Change:
    """Tell whether a result differs from the woman's last by more than usual variation.

    Parameters
    ----------
    last, now : Measurement
        Two results of one woman.
    last_moment, now_moment : Moment
        Their phases.
    usual : UsualVariation or None
        Of this measurand in this laboratory; None where it is not known.

    Returns
    -------
    Change
        Yes or no where every ICC within its 95 % limits, and every mean that may be that of the women tested,
        answers alike, else cannot say.
    """
    reason = _cannot(last, last_moment, now, now_moment, usual)
    before, after = last.quantity.value, now.quantity.value
    if reason or usual is None or before is None or after is None:
        return Change(MoreThanUsual.CANNOT_SAY, reason=reason)
    ratio, mean = before / usual.geometric_means[last_moment.phase], usual.geometric_means[now_moment.phase]
    targets = (1.0,) if usual.of_women_tested else (1.0, ratio)
    expected, *others = (
        _repeat(ratio, mean, WomenTested(target, usual.within_log_sd, min(icc, LARGEST_ICC)))
        for target in targets
        for icc in (usual.icc, usual.icc_lower, usual.icc_upper)
    )
    lowest, highest = ([getattr(i, end) for i in (expected, *others)] for end in ("lower", "upper"))
    widest, narrowest = (min(lowest), max(highest)), (max(lowest), min(highest))
    answer = _answer(now, after, widest, narrowest)
    unsure = "" if answer is not MoreThanUsual.CANNOT_SAY else _UNSURE.get(now.quantity.censored, _MIXED)
    return Change(answer, expected, widest, narrowest, unsure)


_MIXED = "the answer depends on a mean or an ICC that is not known well enough"
_UNSURE = {
    Censoring.BELOW: "the result is only known to lie below a limit",
    Censoring.ABOVE: "the result is only known to lie above a limit",
}


def _repeat(ratio: float, mean: float, tested: WomenTested) -> Interval:
    # About each phase's own mean: what pregnancy does to everyone is no change of hers.
    found = repeat_interval(ratio, tested)
    return Interval(mean * found.value, mean * found.lower, mean * found.upper)


def _answer(
    now: Measurement, value: float, widest: tuple[float, float], narrowest: tuple[float, float]
) -> MoreThanUsual:
    above, below = value > widest[1], value < widest[0]
    if now.quantity.censored is Censoring.ABOVE:
        return MoreThanUsual.YES if above else MoreThanUsual.CANNOT_SAY
    if now.quantity.censored is Censoring.BELOW:
        return MoreThanUsual.YES if below else MoreThanUsual.CANNOT_SAY
    if above or below:
        return MoreThanUsual.YES
    return MoreThanUsual.NO if narrowest[0] <= value <= narrowest[1] else MoreThanUsual.CANNOT_SAY


def _cannot(
    last: Measurement, last_moment: Moment, now: Measurement, now_moment: Moment, usual: UsualVariation | None
) -> str:
    different = last.measurand.mismatch(now.measurand)
    if different is None and last.quantity.unit != now.quantity.unit:
        different = f"unit: {last.quantity.unit}, {now.quantity.unit}"
    if different:
        return f"another measurand, {different}"
    if usual is None:
        return "usual variation of this measurand in this laboratory is not known"
    if last.quantity.censored is not Censoring.NONE or now.quantity.censored is Censoring.UNDETERMINED:
        return "one of the two results is no number"
    if any(m.quantity.value is None or m.quantity.value <= 0 for m in (last, now)):
        return "one of the two results has no logarithm"
    unknown = [m.phase for m in (last_moment, now_moment) if m.phase not in usual.geometric_means]
    return f"nobody was seen repeatedly in the phase {unknown[0]}" if unknown else ""

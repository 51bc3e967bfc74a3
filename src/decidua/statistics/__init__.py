"""Numbers in, numbers out: what several rooms need and no library has.

in: counts, medians with log standard deviations, draws; a seeded `numpy.random.Generator` where draws are made
out: small frozen dataclasses (`Interval`, `RatioInterval`), or arrays of lower and upper limits; always 95 %,
     but 90 % for the ends of reference limits
may import: numpy, scipy, `decidua.errors`
sources: Brown2001, Davis1976, DonnerZou2012, EP28, Fieller1954, Fokkema2006, Horn1998, Newcombe1998, Spearman1910
start reading at: `intervals.py`, then `ratios.py`
"""

from decidua.statistics.change import (
    WomenTested,
    arithmetic_mean_of_repeats,
    group_repeat_interval,
    reference_change,
    reliability_of_mean,
    repeat_interval,
    repeat_limits,
)
from decidua.statistics.counts import BooleanCounts, PairedCounts
from decidua.statistics.intervals import (
    Interval,
    LimitsMethod,
    difference_limits,
    interval_of_draws,
    log_normal_interval,
    log_sd_of_cvs,
    net_share_draws,
    net_share_interval,
    p_net_not_positive,
    probability_not_positive,
    share_draws,
    share_limits,
)
from decidua.statistics.ratios import (
    Outcome,
    RatioBasis,
    RatioInterval,
    joint_draws,
    ratio_limits,
    ratio_of_draws,
    ratio_of_intervals,
    ratio_of_joint_counts,
    ratio_of_separate_counts,
)
from decidua.statistics.reference_limits import (
    ReferenceLimits,
    Verification,
    nonparametric_reference,
    robust_limits,
    robust_reference,
    verify_interval,
)

__all__ = [
    "BooleanCounts",
    "Interval",
    "LimitsMethod",
    "Outcome",
    "PairedCounts",
    "RatioBasis",
    "RatioInterval",
    "ReferenceLimits",
    "Verification",
    "WomenTested",
    "arithmetic_mean_of_repeats",
    "difference_limits",
    "group_repeat_interval",
    "interval_of_draws",
    "joint_draws",
    "log_normal_interval",
    "log_sd_of_cvs",
    "net_share_draws",
    "net_share_interval",
    "nonparametric_reference",
    "p_net_not_positive",
    "probability_not_positive",
    "ratio_limits",
    "ratio_of_draws",
    "ratio_of_intervals",
    "ratio_of_joint_counts",
    "ratio_of_separate_counts",
    "reference_change",
    "reliability_of_mean",
    "repeat_interval",
    "repeat_limits",
    "robust_limits",
    "robust_reference",
    "share_draws",
    "share_limits",
    "verify_interval",
]

"""Profile: ratios by what is known of their terms, number and activity apart."""

from __future__ import annotations

import numpy as np
import pytest

from decidua.balance import profile
from decidua.errors import NotComparable
from decidua.measurement import (
    Censoring,
    Draws,
    JointCounts,
    LogNormal,
    Measurand,
    Measurement,
    PairedCounts,
    Quantity,
    VisitKey,
)

KEY = VisitKey("W1", "V1")
IDENTITY = Measurand(
    "share", "IFNG+", "T_helper", material="blood_heparin", sample_age_class="fresh", stimulus="pma_ionomycin",
    stimulus_h=4, blocker="brefeldin_a", background="subtracted", threshold="drawn", laboratory="LAB1",
)  # fmt: skip
# the second line of the ratio oracle of the statistics note: 300 of 100,000 against 12, over 21 against 2
CELLS = JointCounts(("IFNG", "IL10"), np.array([99698, 2, 290, 10]), np.array([99978, 1, 20, 1]))


def share(numerator: str, value: float, uncertainty: object = None, **identity: object) -> Measurement:
    joint = identity.pop("joint", None)
    quantity = Quantity(value, "%", value * 0.9, value * 1.1, uncertainty=uncertainty, joint=joint)  # type: ignore[arg-type]
    return Measurement(KEY, IDENTITY.with_fields(numerator=numerator, **identity), quantity)  # type: ignore[arg-type]


def counted(numerator: str, *, joint: JointCounts | None) -> Measurement:
    counts = CELLS.positive(numerator.rstrip("+"))
    return share(numerator, 100 * counts.net_share, counts, joint=joint)


def test_joint_counts_give_the_exact_set() -> None:
    (ratio,) = profile(KEY, [counted("IFNG+", joint=CELLS), counted("IL10+", joint=CELLS)]).ratios
    assert ratio.id == "ifng_il10"
    assert ratio.joint
    quantity = ratio.result.quantity
    assert quantity.value == pytest.approx(27.90, rel=0.01)
    assert quantity.lower == pytest.approx(15.4, rel=0.02)
    assert quantity.upper == pytest.approx(91.4, rel=0.02)
    assert ratio.p_denominator_absent == pytest.approx(0.0027, abs=5e-4)
    assert ratio.result.measurand.denominator == "IL10+"
    assert ratio.result.quantity.unit == "1"


def test_margins_alone_are_said_to_be_independent() -> None:
    (ratio,) = profile(KEY, [counted("IFNG+", joint=None), counted("IL10+", joint=None)]).ratios
    assert not ratio.joint
    assert "independent_margins" in ratio.result.flags


def test_two_tubes_are_independent_and_say_so() -> None:
    il17 = share("IL17A+", 1.0, PairedCounts(250, 20000, 30, 20000))
    treg = share(
        "Treg_FoxP3", 6.0, PairedCounts(1200, 20000), stimulus="none", stimulus_h=None, blocker="none",
        background="not_subtracted",
    )  # fmt: skip
    (ratio,) = profile(KEY, [il17, treg]).ratios
    assert ratio.id == "th17_treg"
    assert "different_tubes" in ratio.result.flags
    assert ratio.result.quantity.value == pytest.approx(1.1 / 6.0)


@pytest.mark.parametrize(
    "field", ["parent", "material", "stimulus", "stimulus_h", "blocker", "background", "threshold", "laboratory"]
)
def test_terms_that_differ_in_identity_are_never_divided(field: str) -> None:
    other = share("IL10+", 0.5, **{field: 6.0 if field == "stimulus_h" else "CD8" if field == "parent" else "other"})
    assert profile(KEY, [share("IFNG+", 5.0), other]).ratios == ()


def test_finished_shares_divide_by_their_intervals() -> None:
    (ratio,) = profile(KEY, [share("IFNG+", 5.0, LogNormal(0.05)), share("IL10+", 0.5, LogNormal(0.05))]).ratios
    assert ratio.result.quantity.value == pytest.approx(10.0)
    assert ratio.result.quantity.lower is not None


def test_draws_divide_draw_by_draw() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(5, 0.1, 4000), rng.normal(0.5, 0.01, 4000)
    (ratio,) = profile(KEY, [share("IFNG+", 5.0, Draws(a)), share("IL10+", 0.5, Draws(b))]).ratios
    assert ratio.result.quantity.lower == pytest.approx(np.quantile(a / b, 0.025), rel=0.02)


def test_a_void_term_gives_no_ratio() -> None:
    void = Measurement(KEY, IDENTITY.with_fields(numerator="IL10+"), Quantity(None, "%"))
    assert profile(KEY, [share("IFNG+", 5.0), void]).ratios == ()


def test_a_denominator_below_its_background_leaves_one_side() -> None:
    cells = JointCounts(("IFNG", "IL10"), np.array([56627, 231, 246, 10]), np.array([52794, 265, 168, 6]))
    pair = [share(f"{m}+", 100 * cells.positive(m).net_share, cells.positive(m), joint=cells) for m in ("IFNG", "IL10")]
    (ratio,) = profile(KEY, pair).ratios
    assert ratio.result.quantity.censored is Censoring.ABOVE
    assert ratio.result.quantity.value == ratio.result.quantity.lower
    assert "one_sided" in ratio.result.flags


def test_number_and_activity_are_two_axes() -> None:
    nk = Measurement(KEY, Measurand("count", "NK", material="blood_edta"), Quantity(200.0, "/uL"))
    cd107 = Measurement(KEY, IDENTITY.with_fields(numerator="CD107A+", parent="NK"), Quantity(20.0, "%"))
    lysis = Measurement(KEY, Measurand("activity", "K562"), Quantity(0.3, "1"))
    found = profile(KEY, [nk, cd107, lysis, share("IFNG+", 5.0), share("IL17A+", 1.0)])
    assert [c.measurement.measurand.numerator for c in found.nk_number] == ["NK"]
    assert [c.measurement.measurand.numerator for c in found.nk_activity] == ["CD107A+", "K562"]
    assert [(c.axis, c.compartment) for c in found.coordinates] == [("Th1", "T helper"), ("Th17", "T helper")]


def tube(control: np.ndarray | None = None) -> list[Measurement]:
    """One tube of 100,000 CD4 T cells with 20.9 % IFN-γ alone, 2.4 % IL-4 alone and 1.3 % both."""
    cells = JointCounts(("IL4", "IFNG"), np.array([75400, 20900, 2400, 1300]), control)
    pair = [(m, cells.positive(m)) for m in ("IFNG", "IL4")]
    return [share(f"{m}+", 100 * counts.net_share, counts, joint=cells, parent="CD4") for m, counts in pair]


def test_quadrants_and_marginals_of_one_tube_are_two_measurands() -> None:
    found = {r.id: r for r in profile(KEY, tube()).ratios}
    assert list(found) == ["th1_th2_quadrant", "th1_th2_marginal"]
    quadrant, marginal = found["th1_th2_quadrant"].result, found["th1_th2_marginal"].result
    assert quadrant.quantity.value == pytest.approx(20.9 / 2.4)
    assert marginal.quantity.value == pytest.approx(22.2 / 3.7)
    assert [f"{m.quantity.value:.1f}" for m in (quadrant, marginal)] == ["8.7", "6.0"]
    assert quadrant.quantity.lower < 20.9 / 2.4 < quadrant.quantity.upper
    with pytest.raises(NotComparable, match=r"IFNG\+IL4-, IFNG\+"):
        quadrant.measurand.require_same(marginal.measurand)


def test_quadrants_subtract_their_own_background() -> None:
    (ratio,) = (r for r in profile(KEY, tube(np.array([98000, 900, 400, 700]))).ratios if r.id == "th1_th2_quadrant")
    assert ratio.numerator.quantity.value == pytest.approx(20.0)
    assert ratio.denominator.quantity.value == pytest.approx(2.0)
    assert ratio.result.quantity.value == pytest.approx(10.0)
    assert ratio.joint


def test_margins_alone_give_no_quadrants() -> None:
    bare = [share(f"{m}+", value, parent="CD4") for m, value in (("IFNG", 22.2), ("IL4", 3.7))]
    assert [r.id for r in profile(KEY, bare).ratios] == ["th1_th2_marginal"]


def test_finished_quadrants_are_divided_as_they_stand() -> None:
    finished = [share("IFNG+IL4-", 18.0, parent="CD4"), share("IFNG-IL4+", 2.0, parent="CD4")]
    found = {r.id: r.result.quantity.value for r in profile(KEY, [*finished, *tube()]).ratios}
    assert found["th1_th2_quadrant"] == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("numerator", "denominator", "value", "censored", "flag"),
    [
        (Censoring.BELOW, Censoring.NONE, "upper", Censoring.BELOW, "upper_bound"),
        (Censoring.NONE, Censoring.BELOW, "lower", Censoring.ABOVE, "one_sided"),
        (Censoring.ABOVE, Censoring.NONE, "lower", Censoring.ABOVE, "one_sided"),
        (Censoring.BELOW, Censoring.BELOW, "value", Censoring.UNDETERMINED, "not_determined"),
    ],
)
def test_limits_divide_to_limits(
    numerator: Censoring, denominator: Censoring, value: str, censored: Censoring, flag: str
) -> None:
    terms = [share("IFNG+", 5.0), share("IL10+", 0.5)]
    pair = [
        Measurement(KEY, m.measurand, Quantity(m.quantity.value, "%", m.quantity.lower, m.quantity.upper, c))
        for m, c in zip(terms, (numerator, denominator), strict=True)
    ]
    (ratio,) = profile(KEY, pair).ratios
    quantity = ratio.result.quantity
    assert quantity.censored is censored
    assert quantity.value == getattr(quantity, value)
    assert flag in ratio.result.flags
    assert (quantity.value is None) is (censored is Censoring.UNDETERMINED)


def test_a_quotient_without_intervals_says_so() -> None:
    bare = [
        Measurement(KEY, IDENTITY.with_fields(numerator=n), Quantity(v, "%"))
        for n, v in (("IFNG+", 5.0), ("IL10+", 0.5))
    ]
    (ratio,) = profile(KEY, bare).ratios
    assert ratio.result.quantity.value == 10.0
    assert "no_interval" in ratio.result.flags
    zero = [bare[0], Measurement(KEY, bare[1].measurand, Quantity(0.0, "%"))]
    (ratio,) = profile(KEY, zero).ratios
    assert ratio.result.quantity.censored is Censoring.UNDETERMINED


def test_what_stands_on_no_axis_has_no_coordinate() -> None:
    tnf = Measurement(KEY, Measurand("concentration", "TNF", material="serum"), Quantity(2.0, "pg/mL"))
    none = [
        Measurement(KEY, Measurand("concentration", "CRP", material="serum"), Quantity(2.0, "mg/L")),
        Measurement(KEY, Measurand("count", "leucocytes", material="blood_edta"), Quantity(6.0, "10*3/uL")),
        Measurement(KEY, Measurand("ratio", "IFNG+", "CD4", "IL4+"), Quantity(6.0, "1")),
        Measurement(KEY, Measurand("share", "CD107A+", "CD8"), Quantity(6.0, "%")),
        Measurement(KEY, Measurand("share", "NOSUCH+", "CD8"), Quantity(6.0, "%")),
    ]
    found = profile(KEY, [tnf, *none])
    assert [(c.axis, c.compartment) for c in found.coordinates] == [("Th1", "serum")]
    assert (found.nk_number, found.nk_activity) == ((), ())


def test_other_visits_are_left_out() -> None:
    other = Measurement(VisitKey("W1", "V2"), IDENTITY, Quantity(5.0, "%"))
    assert profile(KEY, [other]).coordinates == ()

"""Standard curves: the vendor's recipe to the digit, acceptance on both sides of each bound, hooks, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from decidua.errors import BrokenPlate, OutsideLimits
from decidua.immunoassay import logistic
from decidua.immunoassay.acceptance import Level, Verdict, judge, judge_controls
from decidua.immunoassay.curve import calibrate, printed_curve
from decidua.immunoassay.plate import Plate, Role
from decidua.immunoassay.readback import read_wells
from decidua.measurement import Censoring
from immunoassay.conftest import Golden
from immunoassay.made_plates import TOP, Layout, curves, layout, signals


def net(golden: Golden) -> np.ndarray:
    return np.array(golden.net)[golden.plate.rows(Role.STANDARD)]


def vendor_cost(golden: Golden, predicted: np.ndarray) -> np.ndarray:
    y = net(golden)
    weight = np.where(y == 0, 1.0, np.abs(y)) ** -2.0
    return (weight * (y - predicted) ** 2).sum(axis=0)


def test_vendor_recipe_reaches_the_vendors_cost(golden: Golden) -> None:
    (ours,) = calibrate([golden.plate], compatible="xponent")
    dose = golden.plate.expected[golden.plate.rows(Role.STANDARD)]
    a, b, c, d, f = np.array([golden.coefficients[analyte] for analyte in golden.plate.analytes]).T
    vendor = vendor_cost(golden, a + (b - a) / (1 + (dose / c) ** d) ** f)
    fitted = [curve.signal(dose[:, i]) - curve.blank for i, curve in enumerate(ours.curves.values())]
    reached = vendor_cost(golden, np.array(fitted).T)
    assert (reached <= vendor * (1 + 1e-9)).all()
    assert (np.abs(reached / vendor - 1) < 1e-3).sum() >= 29


def test_vendor_recipe_reproduces_the_printed_results(golden: Golden) -> None:
    (ours,) = calibrate([golden.plate], compatible="xponent")
    printed = [cell for row in golden.results for cell in row]
    pairs = [
        (read.value, float(cell))
        for read, cell in zip(read_wells(golden.plate, ours), printed, strict=True)
        if cell[0].isdigit()
    ]
    assert len(pairs) == 2580
    assert all(value is not None for value, _ in pairs)
    ratios = np.quantile([value / cell for value, cell in pairs], [0.1, 0.9])  # type: ignore[operator]
    assert np.abs(ratios - 1).max() < 1e-3


def test_the_twin_with_our_weights_is_not_the_vendor(golden: Golden) -> None:
    (ours,) = calibrate([golden.plate])
    dose = golden.plate.expected[golden.plate.rows(Role.STANDARD)]
    blank = golden.plate.signal[golden.plate.rows(Role.BLANK)].mean(axis=0)
    fitted = np.array([curve.signal(dose[:, i]) for i, curve in enumerate(ours.curves.values())]).T - blank
    a, b, c, d, f = np.array([golden.coefficients[analyte] for analyte in golden.plate.analytes]).T
    vendor = vendor_cost(golden, a + (b - a) / (1 + (dose / c) ** d) ** f)
    assert (vendor_cost(golden, fitted) > 1.01 * vendor).sum() > 20


def made(lay: Layout, count: int = 6, seed: int = 5, cv: float = 0.05, ec50: float = 0.15) -> Plate:
    rng = np.random.default_rng(seed)
    return lay.plate(signals(rng, curves(rng, count, ec50), lay.doses, cv, 2.0))


def test_many_plates_at_once_are_each_as_alone() -> None:
    plates = [made(layout(7, 4.0), 3, seed) for seed in range(4)] + [made(layout(10, 3.0, 1), 5, 9)]
    together = calibrate(plates)
    for plate, batch in zip(plates, together, strict=True):
        (alone,) = calibrate([plate])
        for analyte, curve in alone.curves.items():
            assert batch.curves[analyte].parameters == pytest.approx(curve.parameters, abs=1e-5)
            assert batch.curves[analyte].noise.cv == pytest.approx(curve.noise.cv, rel=1e-5)


def test_noise_is_found() -> None:
    (found,) = calibrate([made(layout(), 40, cv=0.07)])
    noise = next(iter(found.curves.values())).noise
    assert noise.cv == pytest.approx(0.07, rel=0.1)
    assert noise.floor == pytest.approx(2.0, rel=0.25)


def test_four_parameters_are_symmetric() -> None:
    (found,) = calibrate([made(layout())], parameters=4)
    for curve in found.curves.values():
        assert abs(curve.parameters[logistic.LOG_G]) < 1e-3
        assert curve.ec50 == pytest.approx(float(np.exp(curve.parameters[logistic.LOG_C])), rel=1e-3)


def test_slope_is_that_of_the_curve_at_its_ec50() -> None:
    (found,) = calibrate([made(layout())])
    for curve in found.curves.values():
        low, high = curve.signal(curve.ec50 * np.exp(np.array([-1e-4, 1e-4])))
        assert curve.slope == pytest.approx((high - low) / 2e-4, rel=1e-5)


def test_printed_coefficients_must_rise(golden: Golden) -> None:
    a, b, c, d, f = golden.coefficients["FGF"]
    for wrong in ((b, a, c, d, f), (a, b, c, -d, f), (a, b, c, d, -f), (a, b, -c, d, f)):
        with pytest.raises(OutsideLimits, match="no rising curve"):
            printed_curve(golden.plate, "FGF", wrong)
    with pytest.raises(BrokenPlate, match="no analyte 'FGE'") as refused:
        printed_curve(golden.plate, "FGE", (a, b, c, d, f))
    assert "FGF" in refused.value.remedy


def test_hook_caps_the_range_and_is_named() -> None:
    lay = layout(9, 3.0)
    plate = made(lay, ec50=0.05)
    signal = plate.signal.copy()
    top = [i for i, name in enumerate(lay.names) if name == "Standard1"]
    signal[top, 0] *= 0.5
    (found,) = calibrate([lay.plate(signal)])
    hooked, sound = found.curves["a0"], found.curves["a1"]
    assert [level.verdict for level in hooked.limits.levels].count(Verdict.HOOK) == 1
    assert hooked.limits.levels[-1].verdict is Verdict.HOOK
    assert hooked.hooked_above == pytest.approx(signal[top, 0].mean())
    assert hooked.limits.uloq is not None
    assert hooked.limits.uloq <= TOP / 3
    assert sound.hooked_above is None
    (vendor,) = calibrate([lay.plate(signal)], compatible="xponent")
    assert vendor.curves["a0"].hooked_above is None


def test_lack_of_fit_is_found_and_not_invented() -> None:
    lay = layout(9, 3.0)
    plate = made(lay, 30, cv=0.03)
    (sound,) = calibrate([plate])
    p = [curve.lack_of_fit for curve in sound.curves.values()]
    assert sum(value is not None and value < 0.01 for value in p) <= 2
    signal = plate.signal.copy()
    for name, factor in (("Standard3", 1.5), ("Standard5", 0.6)):
        signal[[i for i, other in enumerate(lay.names) if other == name], 0] *= factor
    (bent,) = calibrate([lay.plate(signal)])
    assert bent.curves["a0"].lack_of_fit is not None
    assert bent.curves["a0"].lack_of_fit < 1e-4


def level(name: int, recovery: float | None, cv: float | None = 0.05, verdict: Verdict = Verdict.ACCEPTED) -> Level:
    return Level(f"S{name}", 2.0**name, (f"A{name}",), 100.0, recovery, cv, verdict)


def recoveries(*values: float | None) -> list[Level]:
    return [level(i, value) for i, value in enumerate(values)]


GOOD = (1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("levels", "limits"),
    [
        (recoveries(1.0, *GOOD, 1.0), (1.0, 32.0)),
        (recoveries(1.0, *GOOD), None),  # five levels are one too few
        (recoveries(1.25, *GOOD, 0.75), (1.0, 32.0)),  # 25 % at the limits
        (recoveries(1.2501, *GOOD, 1.0), None),
        (recoveries(1.0, 1.2, 0.8, 1.0, 1.0, 1.0), (1.0, 32.0)),  # 20 % between them
        (recoveries(1.0, 1.2001, 1.0, 1.0, 1.0, 1.0), None),  # six must hold
        (recoveries(1.0, 1.5, 1.5, 1.0, *GOOD), (1.0, 128.0)),  # six of eight: 75 %
        (recoveries(1.0, 1.5, 1.5, 1.5, *GOOD, 1.0), None),  # six of nine
        (recoveries(None, 1.0, *GOOD, 1.0), (2.0, 64.0)),
        (recoveries(3.0, 1.0, *GOOD, 1.0, None), (2.0, 64.0)),  # anchors at both ends
    ],
)
def test_both_sides_of_each_bound(levels: list[Level], limits: tuple[float, float] | None) -> None:
    found = judge(levels)
    assert ((found.lloq, found.uloq) if not found.reasons else None) == limits
    assert len(found.levels) == len(levels)
    if limits:
        outside = [each for each in found.levels if not limits[0] <= each.dose <= limits[1]]
        assert all(each.verdict is Verdict.ANCHOR for each in outside)


def test_cv_bounds_the_range() -> None:
    sound = [level(i, 1.0) for i in range(1, 8)]
    assert judge([level(0, 1.0, 0.25), *sound]).lloq == 1.0
    assert judge([level(0, 1.0, 0.2501), *sound]).lloq == 2.0
    inner = [level(0, 1.0), level(1, 1.0, 0.2001), *sound[1:]]
    assert judge(inner).lloq == 2.0  # 20 % inside, 25 % at an end


def test_verdicts_say_why() -> None:
    found = judge([level(0, 9.0), *[level(i, 1.0) for i in range(1, 5)], level(5, 1.4), level(6, 1.0), level(7, 1.0)])
    assert [each.verdict for each in found.levels] == [
        Verdict.ANCHOR,
        *[Verdict.ACCEPTED] * 4,
        Verdict.OFF,
        *[Verdict.ACCEPTED] * 2,
    ]
    refused = judge(recoveries(1.0, 1.5, None, 1.0))
    assert [each.verdict for each in refused.levels] == [
        Verdict.ACCEPTED,
        Verdict.OFF,
        Verdict.NO_NUMBER,
        Verdict.ACCEPTED,
    ]
    assert refused.reasons == ("no range of 6 standards holds: 2 of 4 standards read back near nominal",)


@pytest.mark.parametrize(
    ("pairs", "accepted"),
    [
        ([("L", 1.0), ("L", 1.3), ("M", 1.0), ("M", 1.0), ("H", 0.7), ("H", 1.0)], True),  # 4 of 6, half of each
        ([("L", 1.0), ("L", 1.3), ("M", 1.0), ("M", 1.3), ("H", 0.7), ("H", 1.0)], False),  # 3 of 6
        ([("L", 1.3), ("L", 1.3), ("M", 1.0), ("M", 1.0), ("H", 1.0), ("H", 1.0)], False),  # none of one level
        ([("L", 1.2), ("M", 0.8)], True),
        ([("L", 1.2001), ("M", 0.8)], False),
        ([("L", None), ("M", 0.8)], False),
        ([], False),
    ],
)
def test_controls_on_both_sides(pairs: list[tuple[str, float | None]], accepted: bool) -> None:
    assert (judge_controls(pairs) == ()) is accepted


REFUSED = {
    "no standards": (lambda lay: replaced(lay, Role.STANDARD, Role.SAMPLE), "the plate has no standards"),
    "one level": (lambda lay: layout(1, 3.0, 6, unknowns=(100.0,)), "1 standard level "),
    "three levels": (lambda lay: layout(3, 3.0, unknowns=(100.0,)), "3 standard levels"),
}


def replaced(lay: Layout, old: Role, new: Role) -> Layout:
    return Layout(lay.names, [new if role is old else role for role in lay.roles], lay.doses)


@pytest.mark.parametrize("compatible", ["", "xponent"])
@pytest.mark.parametrize("name", REFUSED)
def test_plates_without_a_curve_are_refused_by_name(name: str, compatible: str) -> None:
    change, words = REFUSED[name]
    plate = made(change(layout(unknowns=(100.0,))))
    with pytest.raises(BrokenPlate, match=words) as refused:
        calibrate([plate], compatible=compatible)
    assert (refused.value.file, refused.value.place) == ("made.csv", "standards")
    assert "standards" in refused.value.remedy


def test_one_bad_analyte_does_not_take_the_others() -> None:
    lay = layout()
    plate = made(lay)
    signal = plate.signal.copy()
    signal[:, 0] = 5.0
    signal[:, 1] = signal[::-1, 1]
    signal[:, 2] = np.nan
    for compatible in ("", "xponent"):
        (found,) = calibrate([lay.plate(signal)], compatible=compatible)
        assert list(found.curves) == ["a3", "a4", "a5"]
        assert found.refused == {
            "a2": "0 standard levels with a signal; a curve needs 4",
            "a0": "the signal does not rise with the dose",
            "a1": "the signal does not rise with the dose",
        }
        states = {read.censored for read in read_wells(lay.plate(signal), found) if read.analyte in found.refused}
        assert states == {Censoring.UNDETERMINED}


def test_unknown_recipe_and_parameters() -> None:
    plate = made(layout())
    with pytest.raises(OutsideLimits, match="no recipe 'xponnet'") as refused:
        calibrate([plate], compatible="xponnet")
    assert "xponent" in refused.value.remedy
    with pytest.raises(OutsideLimits, match="4 or 5 parameters"):
        calibrate([plate], parameters=3)

"""Concentrations: the vendor's printout to the digit, kit controls, limits, replicates, dilution, flags."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.errors import BrokenPlate, DecidualError
from decidua.immunoassay.curve import Calibration, calibrate, printed_curve
from decidua.immunoassay.plate import Plate, Role
from decidua.immunoassay.readback import (
    Concentration,
    accept_run,
    read_samples,
    read_wells,
    recover_controls,
)
from decidua.measurement import Censoring
from immunoassay.conftest import Golden
from immunoassay.made_plates import TOP, curves, layout, signals


def test_printed_coefficients_give_every_printed_result(golden: Golden) -> None:
    plate = golden.plate
    made = {analyte: printed_curve(plate, analyte, golden.coefficients[analyte]) for analyte in plate.analytes}
    read = read_wells(plate, Calibration(plate.file, plate.sha256, "xponent", made, {}))
    printed = [cell for row in golden.results for cell in row]
    numbers = 0
    for ours, theirs in zip(read, printed, strict=True):
        if theirs == "NaN":
            assert ours.censored is Censoring.UNDETERMINED
            assert ours.role is Role.BLANK
        elif theirs[0] in "<>":
            assert ours.censored is {"<": Censoring.BELOW, ">": Censoring.ABOVE}[theirs[0]]
            assert ours.value == pytest.approx(float(theirs[2:]), rel=1e-12)
        else:
            assert ours.censored is Censoring.NONE
            assert ours.value == pytest.approx(float(theirs), rel=1e-9)
            numbers += 1
    assert numbers == 2580


def within(golden: Golden, compatible: str) -> tuple[int, int, int]:
    (found,) = calibrate([golden.plate], compatible=compatible)
    read = recover_controls(golden.plate, found)
    good = [each for each in read if each.recovery is not None and 0.8 <= each.recovery <= 1.2]
    return len(read), len(good), sum(each.control == "Control3" for each in good)


def test_kit_controls_of_the_golden_plate(golden: Golden) -> None:
    """The rule was fixed on simulated plates: see test_rule.py."""
    readings, good, good_low = within(golden, "")
    assert readings == 180
    assert good >= 153
    assert good_low >= 42


def test_the_vendor_recipe_does_worse_on_them(golden: Golden) -> None:
    assert within(golden, "xponent") == (180, 142, 37)


def run(
    unknowns: tuple[float, ...] = (5000.0, 300.0, 30.0, 0.01),
    *,
    controls: tuple[float, ...] = (),
    dilution: float = 1.0,
    beads: float = 100.0,
    compatible: str = "",
    seed: int = 1,
) -> tuple[Plate, Calibration]:
    rng = np.random.default_rng(seed)
    lay = layout(9, 3.0, unknowns=unknowns, controls=controls, dilution=dilution)
    plate = lay.plate(signals(rng, curves(rng, 4), lay.doses, 0.04, 2.0), beads)
    return plate, calibrate([plate], compatible=compatible)[0]


def of(read: tuple[Concentration, ...], sample: str, analyte: str = "a0") -> list[Concentration]:
    return [each for each in read if (each.sample, each.analyte) == (sample, analyte)]


def test_a_number_a_limit_below_and_a_limit_above() -> None:
    plate, found = run((300.0, 0.01))
    curve = found.curves["a0"]
    limits = curve.limits
    assert limits.lloq is not None
    assert limits.uloq is not None
    (middle,) = of(read_samples(plate, found), "u1")
    assert middle.censored is Censoring.NONE
    assert middle.value == pytest.approx(300, rel=0.2)
    assert middle.lower is not None
    assert middle.upper is not None
    assert middle.lower < 300 < middle.upper
    assert middle.cv == pytest.approx(0.03, abs=0.02)
    (low,) = of(read_samples(plate, found), "u2")
    assert (low.censored, low.value, low.lower) == (Censoring.BELOW, limits.lloq, 0.0)
    assert low.upper is not None
    assert low.upper >= limits.lloq
    signal = plate.signal.copy()
    signal[plate.rows(Role.SAMPLE)[:2], 0] = 10 * signal.max()
    bright = replace(plate, signal=signal)
    (high,) = of(read_samples(bright, found), "u1")
    assert (high.censored, high.value, high.upper) == (Censoring.ABOVE, limits.uloq, None)
    assert high.lower == limits.uloq


def test_dilution_multiplies_samples_and_controls_never_standards() -> None:
    plate, found = run(controls=(400.0,))
    diluted, again = run(controls=(400.0,), dilution=8.0)
    for once, more in zip(read_wells(plate, found), read_wells(diluted, again), strict=True):
        factor = 8.0 if once.role in (Role.SAMPLE, Role.CONTROL) else 1.0
        for field in ("value", "lower", "upper"):
            before, after = getattr(once, field), getattr(more, field)
            assert after == (None if before is None else pytest.approx(before * factor, rel=1e-12))
    assert [each.recovery for each in recover_controls(plate, found)] == pytest.approx(
        [each.recovery for each in recover_controls(diluted, again)]
    )


def test_vendor_limits_stand_undiluted_as_printed() -> None:
    plate, found = run((300.0, 0.0), dilution=8.0, compatible="xponent")
    signal = plate.signal.copy()
    signal[plate.rows(Role.SAMPLE)[2:]] = 0.0
    read = read_wells(replace(plate, signal=signal), found)
    lowest = TOP / 3.0**8
    assert {each.censored for each in read if each.sample == "u2"} == {Censoring.BELOW}
    assert {each.value for each in read if each.sample == "u2"} == {lowest}
    assert {each.censored for each in read if each.role is Role.BLANK} == {Censoring.UNDETERMINED}
    assert all("no_interval" in each.flags and each.lower is None for each in read if each.value is not None)


def test_replicates_are_combined_by_name_and_dilution() -> None:
    plate, found = run()
    samples, wells = read_samples(plate, found), read_wells(plate, found)
    assert [each.wells for each in of(samples, "u2")] == [tuple(each.wells[0] for each in of(wells, "u2"))]
    (together,) = of(samples, "u2")
    apart = of(wells, "u2")
    assert len(apart) == 2
    values = [each.value for each in apart]
    assert min(values) <= together.value <= max(values)  # type: ignore[type-var,operator]
    assert together.cv < min(each.cv for each in apart)  # type: ignore[type-var,operator]
    mixed = list(plate.wells)
    row = plate.rows(Role.SAMPLE)[3]
    mixed[row] = replace(mixed[row], dilution=4.0)
    assert len(of(read_samples(replace(plate, wells=tuple(mixed)), found), "u2")) == 2


@pytest.mark.parametrize(("beads", "flagged"), [(35.0, False), (34.0, True)])
def test_bead_count_flag(beads: float, flagged: bool) -> None:
    plate, found = run(beads=beads)
    assert all(("bead_count_low" in each.flags) is flagged for each in read_samples(plate, found))


def test_beads_widen_the_interval_by_degrees() -> None:
    widths = []
    for beads in (10.0, 34.0, 35.0, 200.0):
        plate, found = run()
        counted = plate.beads.copy()
        counted[plate.rows(Role.SAMPLE)] = beads
        (read,) = of(read_samples(replace(plate, beads=counted), found), "u2")
        widths.append(np.log(read.upper / read.lower))  # type: ignore[operator]
    assert widths == sorted(widths, reverse=True)
    assert widths[1] / widths[2] < 1.01


def test_replicate_cv_flag_on_both_sides() -> None:
    plate, found = run((300.0, 300.0))
    rows = plate.rows(Role.SAMPLE)
    signal = plate.signal.copy()
    for pair, apart in ((rows[:2], 0.149), (rows[2:], 0.151)):
        ratio = (1 + apart / np.sqrt(2)) / (1 - apart / np.sqrt(2))
        curve = found.curves["a0"]
        signal[pair, 0] = curve.signal(np.array([300.0, 300.0 * ratio]))
    read = read_samples(replace(plate, signal=signal), found)
    assert ["replicate_cv_high" in of(read, name)[0].flags for name in ("u1", "u2")] == [False, True]


def test_hooked_signals_are_flagged() -> None:
    rng = np.random.default_rng(4)
    lay = layout(9, 3.0, unknowns=(2000.0, 30.0))
    signal = signals(rng, curves(rng, 3, 0.05), lay.doses, 0.03, 2.0)
    signal[:2] *= 0.5
    plate = lay.plate(signal)
    (found,) = calibrate([plate])
    read = read_samples(plate, found)
    assert {each.sample for each in read if "hook" in each.flags} == {"u1"}


def test_no_signal_no_curve_and_no_accepted_curve_give_no_number() -> None:
    plate, found = run()
    signal = plate.signal.copy()
    signal[plate.rows(Role.SAMPLE)[:2]] = np.nan
    (silent,) = of(read_samples(replace(plate, signal=signal), found), "u1")
    assert (silent.value, silent.censored, silent.flags) == (None, Censoring.UNDETERMINED, ("no_signal",))
    rng = np.random.default_rng(8)
    lay = layout(5, 3.0, unknowns=(300.0,))
    short = lay.plate(signals(rng, curves(rng, 3), lay.doses, 0.04, 2.0))
    (few,) = calibrate([short])
    assert not few.curves["a0"].accepted
    assert {(each.value, "curve_not_accepted" in each.flags) for each in read_samples(short, few)} == {(None, True)}


def test_another_plates_calibration_is_refused() -> None:
    plate, found = run()
    with pytest.raises(BrokenPlate, match="another plate's"):
        read_wells(plate, replace(found, sha256="other"))


def test_run_acceptance_joins_curve_and_controls() -> None:
    plate, found = run(controls=(3000.0, 300.0, 60.0))
    read = recover_controls(plate, found)
    assert len(read) == 6 * 4
    assert all(verdict.accepted for verdict in accept_run(found, read))
    off = plate.expected * np.where(np.arange(4) == 0, 1.5, 1.0)
    rows = plate.rows(Role.CONTROL)
    expected = plate.expected.copy()
    expected[rows] = off[rows]
    verdicts = accept_run(found, recover_controls(replace(plate, expected=expected), found))
    assert [verdict.accepted for verdict in verdicts] == [False, True, True, True]
    assert verdicts[0].reasons[0] == "0 of 6 controls read back near nominal"
    assert all(verdict.reasons == ("no control was read",) for verdict in accept_run(found, ()))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    levels=st.integers(1, 10),
    scale=st.floats(-3, 6),
    damage=st.sampled_from(["none", "noise", "zero", "missing", "falling", "wild", "rounded"]),
    compatible=st.sampled_from(["", "xponent"]),
    parameters=st.sampled_from([4, 5]),
)
def test_no_number_without_its_flag(
    seed: int, levels: int, scale: float, damage: str, compatible: str, parameters: int
) -> None:
    rng = np.random.default_rng(seed)
    lay = layout(levels, 3.0, int(rng.integers(1, 3)), int(rng.integers(0, 3)), (5000.0, 100.0, 0.1), (300.0,), 2.0)
    y = signals(rng, curves(rng, 2), lay.doses, 0.1, 3.0)
    y = {
        "none": y,
        "noise": 1000 * rng.random(y.shape),
        "zero": 0 * y,
        "missing": np.where(rng.random(y.shape) < 0.4, np.nan, y),
        "falling": y.max() - y,
        "wild": y * 10 ** rng.uniform(-6, 6, y.shape),
        "rounded": np.round(y / 4000),
    }[damage]
    plate = lay.plate(y * 10**scale, rng.integers(0, 120, y.shape))
    try:
        (found,) = calibrate([plate], compatible=compatible, parameters=parameters)
    except DecidualError:
        return
    for read in (*read_wells(plate, found), *read_samples(plate, found)):
        assert (read.value is None) is (read.censored is Censoring.UNDETERMINED)
        assert all(number is None or np.isfinite(number) for number in (read.value, read.lower, read.upper, read.cv))
        if read.censored is Censoring.UNDETERMINED:
            assert read.flags or read.role is Role.BLANK
        elif not compatible:
            limits = found.curves[read.analyte].limits
            assert limits.lloq is not None
            assert limits.uloq is not None
            edge = {Censoring.BELOW: limits.lloq, Censoring.ABOVE: limits.uloq}.get(read.censored)
            assert edge is None or read.value == edge * read.dilution
            assert edge is not None or limits.lloq <= read.value / read.dilution <= limits.uloq  # type: ignore[operator]
            assert (read.lower or 0.0) <= read.value * (1 + 1e-9)  # type: ignore[operator]
            assert read.upper is None or read.upper >= read.value * (1 - 1e-9)  # type: ignore[operator]
    accept_run(found, recover_controls(plate, found))

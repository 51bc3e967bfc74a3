"""Made-up findings: people of a count table, one woman over four visits, and everything that can be missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from decidua import balance
from decidua.errors import BrokenCounts, BrokenStudy, DecidualError
from decidua.knowledge import table
from decidua.measurement import (
    Censoring,
    Dating,
    Dose,
    Instant,
    JointCounts,
    LogNormal,
    Measurand,
    Measurement,
    Moment,
    PairedCounts,
    Pregnancy,
    Quantity,
    Source,
    Specimen,
    Status,
    Visit,
    VisitKey,
    status_of,
)
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.statistics import net_share_interval
from decidua.tables import Note
from decidua.timeline.placement import Placement, Women

HOSTILE = '<script>alert("x")</script>&\'\x07'
HOSTILE_PATH = HOSTILE + "\udc80"  # half a character, as a file name may hold it
MARKERS = ("IFNG", "TNF", "IL10", "IL4", "IL17A")
STIMULATED = {
    "parent": "T_helper", "material": "blood_heparin", "sample_age_class": "fresh", "stimulus": "pma_ionomycin",
    "stimulus_h": 5.0, "blocker": "brefeldin_a", "background": "subtracted", "threshold": "drawn", "laboratory": "LAB1",
}  # fmt: skip
REST = {"sample_age_class": "fresh", "laboratory": "LAB1"}
COUNT = Measurand("count", "NK", material="blood_edta", **REST)
FLOW = {"parent": "CD4_T_helper", "material": "pbmc", "background": "not_subtracted", "threshold": "drawn", **REST}


def share(
    key: VisitKey, analyte: str, positive: int, control: int, parent: int = 48_210, **more: object
) -> Measurement:
    """A share above its unstimulated tube with its interval."""
    quantity = net(PairedCounts(positive, parent, control, parent))
    flags = ("phorbol_parent", *(("few_net_positives",) if positive - control < 20 else ()))
    source = Source("counts/day_1.csv", "3f9ac27e" * 8, f"row 2, {analyte}+")
    made = Measurement(
        key=key,
        measurand=Measurand("share", f"{analyte}+", **STIMULATED),
        quantity=quantity,
        specimen="A-0417",
        run="R12",
        status=status_of(flags),
        flags=flags,
        method="cell counts; MOVER on Jeffreys limits",
        source=source,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def net(counts: PairedCounts, joint: JointCounts | None = None) -> Quantity:
    """A net share in per cent with its interval."""
    found = net_share_interval(counts)
    return Quantity(100 * found.value, "%", 100 * found.lower, 100 * found.upper, uncertainty=counts, joint=joint)


def result(
    key: VisitKey, measurand: Measurand, value: float | None, unit: str, cv: float | None = 0.08, **more: object
) -> Measurement:
    """A finished result."""
    ends = (None, None) if value is None or cv is None else (value * np.exp(-1.96 * cv), value * np.exp(1.96 * cv))
    quantity = Quantity(value, unit, *ends, uncertainty=None if cv is None else LogNormal(cv))
    flags = () if cv is not None else ("no_interval", "measurement_error_not_stated")
    source = Source("finished/lab.csv", "2088d7e7" * 8, "row 2")
    made = Measurement(key, measurand, quantity, "A-0417", "R12", status_of(flags), flags, "finished result", source)
    return replace(made, **more)  # type: ignore[arg-type]


def women(middle: float, n: int, spread: float, seed: int, days: tuple[int, int] | None = (77, 104)) -> Women:
    """The women of one phase, one value each."""
    values = middle * np.exp(np.random.default_rng(seed).normal(0, spread, n))
    return Women(tuple(sorted(float(v) for v in values)), *(days or (None, None)))


def placed(m: Measurement, moment: Moment, drawn: Women | None, *, reason: str = "") -> Placement:
    """Among the women where they are given, else with a reason."""
    if drawn is None or m.quantity.censored is not Censoring.NONE or m.quantity.value is None:
        other = "censored: above, none" if m.quantity.censored is Censoring.ABOVE else f"status: {m.status.value}, ok"
        return Placement(m, moment, not_placeable=reason or other, women=drawn)
    log = np.log(drawn.values)
    z = float((np.log(max(m.quantity.value, 1e-9)) - log.mean()) / log.std())
    centile = float(100 * np.mean(np.array(drawn.values) < m.quantity.value))
    return Placement(
        m, moment, "own_1", len(drawn.values), "healthy women, one visit each", "Apps2020", "MIT", z, z - 0.6, z + 0.6,
        centile, max(centile - 15, 0.5), min(centile + 15, 99.5), None, drawn.values[0], drawn.middle, drawn.values[-1],
        drawn, True,
    )  # fmt: skip


def visit(
    key: VisitKey, day: int | None, moment: Moment, medicines: tuple[Dose, ...] | None = (), number: int = 1
) -> Visit:
    """A visit with one specimen."""
    when = None if day is None else Instant(day, 9.0, True)
    set_up = None if day is None else Instant(day, 14.17, True)
    dating = () if day is None else (Dating("ultrasound", Instant(0), 0),)
    specimen = Specimen("A-0417", "blood_heparin", when, when, set_up)
    return Visit(key, when, Pregnancy(number, dating, fetuses=1), "", 34, "no", medicines, (specimen,))


def findings(made: Visit, moment: Moment, measurements: list[Measurement], drawn: dict[str, Women]) -> VisitFindings:
    """Join results into a profile and place them."""
    profile = balance.profile(made.key, measurements)
    every = (*measurements, *(r.result for r in profile.ratios))
    reason = "phase: not dated, a dated visit" if moment.phase == "unknown" else ""
    missing = "reference: {0.numerator}.{0.quantity}, none"
    places = tuple(
        placed(m, moment, w, reason=reason)
        if (w := drawn.get(m.measurand.id)) is not None and not reason
        else Placement(m, moment, not_placeable=reason or missing.format(m.measurand))
        for m in every
    )
    return VisitFindings(made, moment, every, profile, places)


COUNTS = {  # positives and unstimulated positives of 48,210 parents at each visit
    "IFNG": ((8100, 60), (8400, 58), (9350, 55), (8650, 62)),
    "TNF": ((14900, 180), (15800, 160), (16100, 170), (17800, 190)),
    "IL4": ((640, 25), (610, 22), (600, 24), (710, 26)),
    "IL10": ((70, 9), (58, 11), (52, 12), (12, 9)),
    "IL17A": ((980, 40), (640, 38), (770, 42), (1210, 36)),
}
MOMENTS = (
    Moment("peri_implantation", 20, method="lh_surge", sd_days=1.0),
    Moment("first_trimester", 46, method="ultrasound", sd_days=4.0),
    Moment("first_trimester", 67, method="ultrasound", sd_days=4.0),
    Moment("first_trimester", 93, method="ultrasound", sd_days=4.0),
)
MEDICINES = (
    (),
    (Dose("prednisolone", "10 mg"), Dose("progesterone", "400 mg ×2")),
    (Dose("progesterone", "400 mg ×2"), Dose("aspirin", "75 mg")),
    (Dose("progesterone", "400 mg ×2"), Dose("aspirin", "75 mg")),
)
NK = ((14.6, 205, 0.41), (9.9, 190, 0.19), (10.9, 221, 0.34), (11.8, 236, 0.38))


def woman(subject: str = "W7") -> list[VisitFindings]:
    """Four visits: T cells, Treg, NK number and NK activity, placed among the women of the last phase."""
    return [_visit(VisitKey(subject, f"V{i + 1}"), i) for i in range(4)]


def _visit(key: VisitKey, i: int) -> VisitFindings:
    treated = ("under_treatment",) if i == 1 else ()
    results = [share(key, analyte, *COUNTS[analyte][i]) for analyte in ("IFNG", "TNF", "IL4", "IL10", "IL17A")]
    at_rest = {"stimulus": "none", "stimulus_h": None, "blocker": "none", "background": ""}
    treg = Measurand("share", "Treg_FoxP3", **{**STIMULATED, **at_rest})
    results.append(result(key, treg, (6.0, 5.8, 6.1, 6.7)[i], "%", 0.03))
    fraction, number, activity = NK[i]
    nk = {"material": "blood_heparin", **REST}
    results.append(result(key, Measurand("share", "NK", parent="lymphocytes", **nk), fraction, "%", 0.02))
    results.append(result(key, COUNT, number, "/uL", 0.06))
    results.append(result(key, Measurand("activity", "NK", stimulus="k562", stimulus_h=4.0, **nk), activity, "1", 0.07))
    results = [replace(m, flags=(*m.flags, *treated), status=status_of((*m.flags, *treated))) for m in results]
    made = visit(key, 7 + MOMENTS[i].gestational_day, MOMENTS[i], MEDICINES[i])  # type: ignore[operator]
    middles = {"IFNG+": 15.1, "TNF+": 27.1, "IL4+": 1.3, "IL10+": 0.13, "IL17A+": 1.1, "Treg_FoxP3": 5.4}
    drawn = {m.measurand.id: women(middles[m.measurand.numerator], 34, 0.38, k) for k, m in enumerate(results[:6])}
    ratios = balance.profile(key, results).ratios
    usual = {"tnf_il10": 257.0, "ifng_il10": 130.0, "ifng_il4": 11.9, "tnf_il4": 22.0, "th17_treg": 0.19}
    drawn |= {r.result.measurand.id: women(usual[r.id], 34, 0.4, 40 + k) for k, r in enumerate(ratios) if r.id in usual}
    for k, middle in ((6, 10.0), (7, 210.0), (8, 0.33)):
        drawn[results[k].measurand.id] = women(middle, 34, 0.35, 20 + k)
    return findings(made, MOMENTS[i], results, drawn if i == 3 else {})


def person(i: int) -> VisitFindings:
    """A person of a boolean count table: no dating, three shares and their joint counts."""
    rng = np.random.default_rng(100 + i)
    key = VisitKey(f"SC{i:03d}", "V1")
    names = ("IFNG", "IL10", "IL17A")
    parent, control = int(rng.integers(18_000, 60_000)), int(rng.integers(18_000, 60_000))
    weights = np.array([1e3, 1.5, 1.2, 0.2, 12, 0.3, 0.6, 0.1]) * np.exp(rng.normal(0, 0.8, 8))
    background = np.array([1e3, 0.5, 0.5, 0.01, 0.7, 0.01, 0.01, 0.0])
    tube = rng.multinomial(parent, weights / weights.sum())
    unstimulated = rng.multinomial(control, background / background.sum())
    joint = JointCounts(names, tube.astype(np.int64), unstimulated.astype(np.int64))
    results = []
    for name in names:
        c = joint.positive(name)
        made = share(key, name, c.n_pos, c.n_pos_control or 0, c.n_parent)
        identity = made.measurand.with_fields(parent="CD4", stimulus="esat6_cfp10", stimulus_h=6.0, material="pbmc")
        quantity = net(c, joint)
        results.append(replace(made, measurand=identity, quantity=quantity, flags=(*made.flags[1:], "not_dated")))
    when = Moment()
    return findings(replace(visit(key, None, when, None), pregnancy=None), when, results, {})


def apps(subject: str = "W002") -> list[VisitFindings]:
    """One woman, three visits in pregnancy and one after it: no intervals, and one result that no reference reaches."""
    kinds = (
        (COUNT, "/uL", (192.0, 233.0, 175.0, 535.0), 168.0),
        (Measurand("count", "CD4", material="blood_edta", **REST), "/uL", (693.0, 605.0, 555.0, 708.0), 738.0),
        (Measurand("share", "Th1", **FLOW), "%", (15.7, 16.5, 16.6, 20.1), 16.4),
        (Measurand("share", "Th17", **FLOW), "%", (11.0, 8.01, 7.51, 8.13), 9.7),
    )
    moments = (
        Moment("first_trimester", 80, method="stated", sd_days=7.0),
        Moment("second_trimester", 122, method="stated", sd_days=7.0),
        Moment("second_trimester", 185, method="stated", sd_days=7.0),
        Moment("post_partum", None, 91, "delivery"),
    )
    made = []
    for i, when in enumerate(moments):
        key = VisitKey(subject, f"V{i + 1}")
        results = [result(key, measurand, values[i], unit, None) for measurand, unit, values, _ in kinds]
        days = None if i == 3 else (101, 143)
        drawn = {m.id: women(middle, 32, 0.4, 60 + k, days) for k, (m, _, _, middle) in enumerate(kinds)}
        if i == 0:
            results.append(result(key, Measurand("concentration", "TNF", material="serum", **REST), 2.1, "pg/mL", None))
        made.append(findings(visit(key, (80, 122, 185, 374)[i], when), when, results, drawn))
    return made


def bad_day(subject: str = "W9") -> VisitFindings:
    """A visit on which one test failed, one result is void, one is at its limit and one ratio has no end."""
    key = VisitKey(subject, "V1")
    when = Moment("first_trimester", 60, method="last_period", sd_days=5.0)
    failed = Quantity(None, "%")
    results = [
        share(key, "IFNG", 3580, 40),
        share(key, "TNF", 0, 0, quantity=failed, status=Status.FAILED, flags=()),
        share(key, "IL4", 0, 0, quantity=failed, status=Status.VOID, flags=("too_late",)),
        share(key, "IL10", 15, 14),
        result(key, Measurand("concentration", "IL6", material="serum", **REST), 0.4, "pg/mL", None,
               quantity=Quantity(0.4, "pg/mL", censored=Censoring.BELOW)),
        result(key, COUNT, None, "/uL", None, status=Status.FAILED, flags=()),
    ]  # fmt: skip
    return findings(visit(key, 60, when, None), when, results, {})


def many(subject: str = "W30", rows: int = 30) -> VisitFindings:
    """A visit with thirty results of one tube."""
    key = VisitKey(subject, "V1")
    when = MOMENTS[3]
    analytes = [a for a, row in table("analytes").items() if row["cell_source"]][:rows]
    results = [share(key, a, 200 + 97 * k, 20 + k) for k, a in enumerate(analytes)]
    drawn = {m.measurand.id: women(3.0, 20, 0.6, k) for k, m in enumerate(results)}
    return findings(visit(key, 93, when), when, results, drawn)


def empty(subject: str = "W0") -> VisitFindings:
    """A visit of which nothing could be used."""
    key = VisitKey(subject, "V1")
    return findings(replace(visit(key, None, Moment(), None), specimens=(), age_years=None), Moment(), [], {})


def study(
    *visits: VisitFindings, refused: tuple[DecidualError, ...] = (), notes: tuple[Note, ...] = ()
) -> StudyFindings:
    """A study of some visits."""
    inputs = (
        Source("study.toml", "07" * 32),
        Source("samples.csv", "7c" * 32),
        Source("counts/day_1.csv", "3f9ac27e" * 8),
    )
    return StudyFindings("made-up", "LAB1", tuple(visits), refused, notes, inputs if visits else ())


REFUSED = (
    BrokenCounts(
        "the subsets sum to 41 982 cells, and their parent holds 41 983.", file="counts/day_2.csv", place="row 5"
    ),
    BrokenStudy(
        "unknown column 'stimulus_hours'.", file="samples.csv", place="row 1", remedy="Did you mean 'stimulus_h'?"
    ),
)
NOTES = (
    Note("other_delimiter", "samples.csv", "row 1", "columns are separated by semicolon"),
    Note("not_dated", "samples.csv", "visit SC001 V1", "no dating: placed in no phase"),
    Note("not_dated", "samples.csv", "visit SC002 V1", "no dating: placed in no phase"),
)


def whole() -> StudyFindings:
    """Twenty-one people, one woman of four visits, another of four, and a bad day."""
    people = [person(i) for i in range(1, 22)]
    return study(*people, *apps(), *woman(), bad_day(), refused=REFUSED, notes=NOTES)


def hostile() -> StudyFindings:
    """The same words wherever a file, a sheet or a laboratory could have put them."""
    source = Source(HOSTILE_PATH, HOSTILE, HOSTILE_PATH)
    key = VisitKey(HOSTILE, HOSTILE)
    names = ("numerator", "parent", "material", "stimulus", "blocker", "background", "threshold", "platform", "kit")
    identity = Measurand("share", laboratory=HOSTILE, **dict.fromkeys(names, HOSTILE))
    words = {"measurand": identity, "source": source, "method": HOSTILE, "specimen": HOSTILE}
    made = [share(key, "IFNG", 900, 30, **words, run=HOSTILE) for _ in range(2)]
    visits = []
    for i, m in enumerate(made):
        dose = (Dose(HOSTILE, HOSTILE),)
        v = replace(visit(key, 50 + 20 * i, MOMENTS[i + 1], dose), specimens=(Specimen(HOSTILE, HOSTILE),))
        v = replace(v, key=replace(key, visit=f"{HOSTILE}{i}"), infection_or_vaccine_4w=HOSTILE)
        m = replace(m, key=v.key)
        place = Placement(m, MOMENTS[i + 1], HOSTILE, 34, HOSTILE, HOSTILE, HOSTILE, women=women(2.0, 34, 0.4, 1))
        visits.append(VisitFindings(v, MOMENTS[i + 1], (m,), balance.profile(v.key, [m]), (place,)))
    error = BrokenStudy(HOSTILE_PATH, file=HOSTILE_PATH, place=HOSTILE, remedy=HOSTILE)
    return StudyFindings(
        HOSTILE, HOSTILE, tuple(visits), (error,), (Note(HOSTILE, HOSTILE_PATH, HOSTILE, HOSTILE_PATH),), (source,)
    )

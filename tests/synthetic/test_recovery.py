"""What is recovered of the truth: coverage, planted women, traps; and that a wrong result would be seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from decidua.balance import Profile
from decidua.cytometry import tubes
from decidua.measurement import Censoring, Moment, Quantity
from decidua.pipeline import Quantified, place_study, quantify
from decidua.reporting.findings import StudyFindings, VisitFindings
from decidua.study import Study, load_study
from decidua.synthetic import Recovery, Truth, compare, write_study
from decidua.synthetic.draw import FAILED, NEXT_DAY, TREATED
from decidua.synthetic.recovery import holds


def results_only(study: Study, quantified: Quantified) -> StudyFindings:
    """The shares alone, without ratios and places, which take longest."""
    visits = [
        VisitFindings(
            visit, Moment(), tuple(m for m in quantified.measurements if m.key == key), Profile(key, (), (), (), ()), ()
        )
        for key, visit in study.visits.items()
    ]
    return StudyFindings(study.id, study.laboratory, tuple(visits), quantified.refused, (), ())


def coverage(recoveries: list[Recovery]) -> dict[tuple[str, str], tuple[int, int]]:
    intervals, covered = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for recovery in recoveries:
        for row in recovery.coverage:
            intervals[row.kind, row.stratum] += row.intervals
            covered[row.kind, row.stratum] += row.covered
    return {key: (covered[key], intervals[key]) for key in intervals}


def fewest_expected(n: int, share: float = 0.93) -> float:
    """Coverage below this is no chance: the lower bound of the criterion less 3.3 standard errors."""
    return float(n * share - 3.3 * np.sqrt(n * share * (1 - share)))


def test_intervals_hold_the_planted_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tubes, "picture", lambda *_: None)
    recoveries = []
    for seed in (1, 2, 3):
        truth = write_study(tmp_path / str(seed), seed=seed, events=10_000)
        study = load_study(tmp_path / str(seed))
        recoveries.append(compare(truth, results_only(study, quantify(study))))
    found = coverage(recoveries)
    strata = {stratum for kind, stratum in found if kind == "share"}
    assert strata == {"< 10 responders", "10-100", "> 100"}
    for place, (covered, n) in found.items():
        assert n > 60, place
        assert covered >= fewest_expected(n), (place, covered, n)
    shares = [counts for (kind, _), counts in found.items() if kind == "share"]
    covered, n = (sum(column) for column in zip(*shares, strict=True))
    assert 0.93 - 0.03 < covered / n < 0.98 + 0.02


def test_a_share_of_another_gate_is_not_covered(made: tuple[Path, Truth], found: StudyFindings) -> None:
    moved = tuple(replace(v, value=1.5 * v.value) if v.kind == "share" else v for v in made[1].values)
    rows = coverage([compare(replace(made[1], values=moved), found)])
    covered, n = rows["share", "> 100"]
    assert covered < 0.2 * n


def test_ratios_hold_the_truth(made: tuple[Path, Truth], found: StudyFindings) -> None:
    rows = coverage([compare(made[1], found)])
    outcomes = {stratum for kind, stratum in rows if kind == "ratio"}
    assert {"determined", "one-sided"} <= outcomes
    for outcome in ("determined", "one-sided"):
        covered, n = rows["ratio", outcome]
        assert covered >= fewest_expected(n, 0.90)


def test_planted_women_stand_outside_on_their_axis(made: tuple[Path, Truth], found: StudyFindings) -> None:
    recovery = compare(made[1], found)
    outside = Counter((p.true.subject, p.true.visit) for p in recovery.planted if p.outside)
    assert [p.true for p in recovery.planted if p.own_side is False] == []
    assert {p.true.subject for p in recovery.planted if p.own_side} == {"W1", "W2", "W3"}
    assert sum(subject == "W1" for subject, _ in outside) >= 3
    assert sum(subject == "W3" for subject, _ in outside) >= 3
    assert len(recovery.false_outside) <= 3
    assert {v.subject for v in recovery.false_outside}.isdisjoint({"HC"})


def test_traps_are_told_apart(made: tuple[Path, Truth], found: StudyFindings) -> None:
    recovery = compare(made[1], found)
    named = {(t.subject, t.visit, t.trap): t.named for t in recovery.traps}
    assert set(named) == {
        ("W4", "V3", FAILED),
        ("W5", "V2", NEXT_DAY),
        ("W6", "V3", TREATED),
        ("W6", "V4", TREATED),
    }
    assert all(named.values()), named


def test_a_trap_printed_as_a_result_is_seen(made: tuple[Path, Truth], found: StudyFindings) -> None:
    ordinary = {v.visit.key: v for v in found.visits}
    swapped = []
    for visit in found.visits:
        key = visit.visit.key
        if (key.subject, key.visit) == ("W5", "V2"):
            other = next(v for k, v in ordinary.items() if (k.subject, k.visit) == ("W4", "V2"))
            swapped.append(replace(visit, measurements=tuple(replace(m, key=key) for m in other.measurements)))
        else:
            swapped.append(visit)
    recovery = compare(made[1], replace(found, visits=tuple(swapped)))
    assert [t.named for t in recovery.traps if t.trap == NEXT_DAY] == [False]


def test_what_was_not_found_is_listed(made: tuple[Path, Truth], found: StudyFindings) -> None:
    kinds = {miss.true.kind for miss in compare(made[1], found).not_found}
    assert kinds.isdisjoint({"share", "population", "ratio"})
    nothing = replace(found, visits=())
    everything = [v for v in made[1].values if v.trap not in (FAILED, NEXT_DAY) and v.subject != "HC"]
    assert len(compare(made[1], nothing).not_found) == len(everything)
    assert compare(made[1], nothing).coverage == ()


@pytest.mark.parametrize(
    ("quantity", "true", "held"),
    [
        (Quantity(5.0, "%", 4.0, 6.0), 6.0, True),
        (Quantity(5.0, "%", 4.0, 6.0), 6.1, False),
        (Quantity(5.0, "%", 4.0, 6.0), 3.9, False),
        (Quantity(4.0, "1", 4.0, None, Censoring.ABOVE), 900.0, True),
        (Quantity(4.0, "1", None, None, Censoring.ABOVE), 3.0, False),
        (Quantity(4.0, "pg/mL", 0.0, 4.0, Censoring.BELOW), 1.0, True),
        (Quantity(4.0, "pg/mL", None, None, Censoring.BELOW), 5.0, False),
    ],
)
def test_holding(quantity: Quantity, true: float, held: bool) -> None:
    assert holds(quantity, true) is held


@pytest.mark.bench
def test_twenty_studies_hold_their_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tubes, "picture", lambda *_: None)
    recoveries = []
    for seed in range(1, 21):
        truth = write_study(tmp_path / str(seed), seed=seed, events=30_000)
        study = load_study(tmp_path / str(seed))
        recoveries.append(compare(truth, place_study(study, quantify(study))))
        for tube in (tmp_path / str(seed) / "tubes").iterdir():
            tube.unlink()
    for place, (covered, n) in sorted(coverage(recoveries).items()):
        print(f"{' '.join(place)}: {covered} of {n}, {covered / n:.1%}")
    sides = Counter((p.true.subject, p.own_side, p.outside) for r in recoveries for p in r.planted)
    print(f"planted women, on their side, outside: {sides}")
    print(f"ordinary results outside: {[len(r.false_outside) for r in recoveries]}")
    for place, (covered, n) in coverage(recoveries).items():
        assert n < 500 or covered / n >= 0.90, (place, covered, n)
    for kind in ("share", "ratio"):
        covered, n = (
            sum(column) for column in zip(*[c for (k, _), c in coverage(recoveries).items() if k == kind], strict=True)
        )
        assert 0.93 <= covered / n <= 0.98, (kind, covered, n)

"""Made tubes against other programs, and the planted share beyond the gate against what the gates count."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from decidua.cytometry.engine import count
from decidua.cytometry.fcs import read_fcs
from decidua.cytometry.flowjo import read_workspace
from decidua.synthetic.cells import tube_name, write_tube
from decidua.synthetic.draw import Draw, shares_of
from decidua.synthetic.panel import DETECTORS, GATES, PARENTS, PATHS, RESTING, STIMULATED, matrix, tree
from decidua.synthetic.traits import HELPER, LIVE, MARKERS
from decidua.synthetic.tubes import Tube, make_events
from decidua.synthetic.women import draw_women


@pytest.fixture(scope="module")
def draws() -> list[Draw]:
    return draw_women(6, np.random.default_rng(4))


def test_the_peer_reads_the_same_events(made: tuple[Path, object]) -> None:
    import flowio

    path = made[0] / "tubes" / "W1_V2_P1_pma_ionomycin.fcs"
    ours, theirs = read_fcs(path, name=path.name), flowio.FlowData(str(path))
    assert ours.defects == ()
    assert theirs.event_count == ours.count
    assert list(theirs.pnn_labels) == [c.name for c in ours.channels]
    assert list(theirs.pns_labels)[3:-1] == list(DETECTORS)
    assert (np.asarray(theirs.as_array(preprocess=False), np.float32) == ours.events()).all()


def test_the_peer_counts_the_same(made: tuple[Path, object]) -> None:
    name = "W2_V3_P1_pma_ionomycin.fcs"
    folder = made[0] / "tubes"
    ours = next(s for s in read_workspace(folder / "p1.wsp").samples if s.name == name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import flowkit

        session = flowkit.Workspace(str(folder / "p1.wsp"), fcs_samples=[str(folder / name)])
        session.analyze_samples(sample_id=name, use_mp=False)
        report = session.get_analysis_report()
    paths = ["/".join([*path[1:], gate]) for path, gate in zip(report.gate_path, report.gate_name, strict=True)]
    theirs = dict(zip(paths, report["count"].tolist(), strict=True))
    assert theirs == dict(ours.stored_counts)
    assert min(theirs[PATHS[parent]] for parent in PATHS) > 50


@pytest.mark.parametrize("stimulated", [False, True])
def test_the_gates_count_what_was_planted(draws: list[Draw], tmp_path: Path, stimulated: bool) -> None:
    scores = []
    for number, draw in enumerate((draws[0], draws[5], draws[16]), start=1):
        chance = np.random.default_rng([8, number])
        counts = write_tube(tmp_path, draw, Tube(60_000, stimulated), number, chance).stored_counts
        expected = [(PATHS[n], PATHS[p], share) for (n, p), share in draw.cells.items()]
        for parent in (HELPER, "T_cytotoxic", "NK"):
            planted = dict(zip(MARKERS, shares_of(draw, parent, stimulated), strict=True))
            expected += [
                (f"{PATHS[parent]}/{GATES[m]}", PATHS[parent], planted[m]) for m in MARKERS if parent in PARENTS[m]
            ]
        for path, above, share in expected:
            n, found = counts[above], counts[path]
            assert n is not None
            assert found is not None
            scores.append((found - n * share) / np.sqrt(n * share * (1 - share)))
    assert np.abs(scores).max() < 4.0
    assert 0.6 < np.std(scores) < 1.4


def test_positives_lie_far_beyond_the_gate(draws: list[Draw], tmp_path: Path) -> None:
    """At least 6 SD of the negatives, in compensated units; a cut at twice the gate must count the same."""
    draw = draws[5]
    write_tube(tmp_path, draw, Tube(30_000, True), 1, np.random.default_rng(3))
    acquisition = read_fcs(tmp_path / tube_name(draw, True))
    events = make_events(draw, Tube(30_000, True), np.random.default_rng(3))
    dyes = events[:, 3:-1] @ np.linalg.inv(matrix())
    counted = count(acquisition, tree(STIMULATED))
    helper = counted.mask(PATHS[HELPER])
    for marker in MARKERS:
        signal = dyes[helper, list(DETECTORS).index(marker)]
        positive = signal >= STIMULATED.cytokine
        assert signal[positive].min() > STIMULATED.cytokine + 6 * signal[~positive].std()
        assert signal[~positive].max() < STIMULATED.cytokine - signal[~positive].std()


def test_a_cut_in_the_wrong_place_would_be_noticed(draws: list[Draw], tmp_path: Path) -> None:
    write_tube(tmp_path, draws[5], Tube(20_000, False), 1, np.random.default_rng(3))
    acquisition = read_fcs(tmp_path / tube_name(draws[5], False))
    path = f"{PATHS[HELPER]}/{GATES['IL10']}"
    right = count(acquisition, tree(RESTING)).of(path).count
    wrong = count(acquisition, tree(type(RESTING)(cytokine=130.0))).of(path).count
    assert wrong > 5 * right


def test_phorbol_takes_cd4_off_but_leaves_the_helper_gate(draws: list[Draw]) -> None:
    shares = []
    for stimulated in (False, True):
        events = make_events(draws[5], Tube(20_000, stimulated), np.random.default_rng(5))
        dyes = events[:, 3:-1] @ np.linalg.inv(matrix())
        place = {marker: n for n, marker in enumerate(DETECTORS)}
        helper = (dyes[:, place["CD3"]] > 650) & (dyes[:, place["CD8"]] < 800)
        shares.append((dyes[helper, place["CD4"]] > 1_000).mean())
    assert shares[0] > 0.9
    assert shares[1] < 0.6


def test_debris_doublets_and_dead_cells_are_there(draws: list[Draw], tmp_path: Path) -> None:
    counts = write_tube(tmp_path, draws[0], Tube(20_000, True), 1, np.random.default_rng(3)).stored_counts
    chain = ["Time", "Time/Singlets", "Time/Singlets/Lymphocytes", PATHS[LIVE]]
    kept = [counts[path] for path in chain]
    for above, below in zip([20_000, *kept], kept, strict=False):
        assert above is not None
        assert below is not None
        assert 0.7 * above < below < 0.99 * above

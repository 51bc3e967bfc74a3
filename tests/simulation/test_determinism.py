"""The same seed gives the same bytes, however the work is cut."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from decidua.simulation import Women, simulate
from decidua.simulation import solve as door
from decidua.simulation.arrays import array_functions
from decidua.simulation.model import core
from decidua.simulation.population import draw
from decidua.simulation.women import start_table
from simulation.courses import course, in_a_process


@pytest.fixture(scope="module")
def whole():
    return course(draw(40, 5), threads=1)


def test_threads_do_not_matter(whole):
    assert course(draw(40, 5), threads=3).values.tobytes() == whole.values.tobytes()


@pytest.mark.parametrize("size", [1, 7, 16, 33])
def test_batches_do_not_matter(whole, size):
    parts = [course(draw(min(size, 40 - k), 5, first=k)).values for k in range(0, 40, size)]
    assert np.concatenate(parts).tobytes() == whole.values.tobytes()


def test_processes_do_not_matter(whole):
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        parts = list(pool.map(in_a_process, range(0, 40, 10)))
    assert np.concatenate(parts).tobytes() == whole.values.tobytes()


def test_company_does_not_matter():
    """A woman whose course ends early does not change those beside her."""
    women = draw(17, 6)
    lost = np.where(np.arange(17) == 3, 70.0, 1e9)
    alone, beside = course(women), course(women.having(loss_day=lost))
    others = np.arange(17) != 3
    assert beside.values[others].tobytes() == alone.values[others].tobytes()
    assert not np.array_equal(beside.values[3], alone.values[3])


def test_arrays_take_the_same_steps_and_do_not_mind_their_batch(monkeypatch):
    women = draw(7, 5).having(loss_day=[1e9, 1e9, 61.0, 1e9, 1e9, 65.0, 1e9])
    whole, lanes = (course(women, engine=engine, days=80) for engine in ("arrays", "lanes"))
    assert lanes.values == pytest.approx(whole.values, rel=1e-9, abs=1e-12)
    assert np.array_equal(lanes.ends, whole.ends, equal_nan=True)
    monkeypatch.setitem(door._CHUNK, "arrays", 4)
    assert course(women, engine="arrays", days=80).values.tobytes() == whole.values.tobytes()


@pytest.mark.parametrize("name", ["advance", "cell_stage", "natural_stage", "serum", "immunoglobulin_stage"])
def test_a_step_of_no_length_changes_no_bit(name):
    """Women wait for each other with steps of length 0: what is moved must stay as it is."""
    model = core()
    chance = np.random.default_rng(3)
    work = start_table(model, draw(50, 5), np.arange(50))
    run = array_functions()
    run["once"](work)
    run["drug_day"](work)
    zero = [r for n, r in model.rows.items() if n not in model.parameters and not work[r].any()]
    work[zero] = chance.uniform(0.1, 2.0, (len(zero), 50))
    for row in ("h", "add_h", "ahead_h", "width"):
        work[model.rows[row]] = 0.0
    kept = [row for row in model.blocks[name].stores.values() if f"{row}_start" not in model.rows]
    states = [model.rows[row] for row in kept if not row.startswith(("d_", "u_")) and row != "ig_C"]
    assert len(states) > 2 or name == "serum"
    before = work[states].copy()
    run[name](work)
    assert work[states].tobytes() == before.tobytes()


def test_a_seed_is_a_seed():
    assert draw(3, 1).values["s_Mi"].tobytes() == draw(3, 1).values["s_Mi"].tobytes()
    assert not np.array_equal(draw(3, 1).values["s_Mi"], draw(3, 2).values["s_Mi"])
    assert draw(5, 1, first=2).values["s_Mi"][0] == draw(3, 1).values["s_Mi"][2]


def test_single_precision_is_the_same_number_rounded():
    women = Women.alike(2)
    double, single = (simulate(women, days=40, dtype=d).values for d in (np.float64, np.float32))
    assert single.dtype == np.float32
    assert np.array_equal(single, double.astype(np.float32))

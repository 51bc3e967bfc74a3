"""The intermediate representation: what it understands, and that every target says the same."""

import math

import numpy as np
import pytest

from decidua.errors import BrokenKnowledge
from decidua.knowledge import table
from decidua.simulation import Women, equations, lane_math
from decidua.simulation.arrays import array_functions
from decidua.simulation.emit import array_source, lane_source
from decidua.simulation.model import core
from decidua.simulation.reference import _functions
from decidua.simulation.statements import Block, Statement, lines, names
from decidua.simulation.women import start_table


@pytest.mark.parametrize(
    "expression",
    [
        "x ** 2",
        "x if y else z",
        "x[0]",
        "f(x)",
        "exp(x, y)",
        "x.real",
        "'a'",
        "True",
        "lambda: 1",
        "x < y",
        "1 +",
        "exp(x=1)",
    ],
)
def test_the_grammar_refuses(expression):
    with pytest.raises(BrokenKnowledge):
        names(expression)


def test_the_grammar_reads():
    assert set(names("a * exp(b - 1) / where(step(c), d, a)")) == {"a", "b", "c", "d"}
    assert lines("x = 1 + y  # why\n\n z = x") == (Statement("x", "1 + y"), Statement("z", "x"))
    with pytest.raises(BrokenKnowledge):
        lines("x + 1")


@pytest.mark.parametrize(
    ("text", "stores"),
    [("x = 1\nx = 2", {}), ("x = y\ny = 1", {}), ("x = x + 1", {}), ("x = 1", {"z": "z"})],
)
def test_a_block_refuses_what_has_no_single_meaning(text, stores):
    with pytest.raises(BrokenKnowledge):
        Block("wrong", "", lines(text), stores)


def test_a_block_knows_what_it_needs():
    block = Block("b", "", lines("x = a + 1\ny = x * c\nz = q"), {"y": "y"})
    assert block.needs == ("a", "c", "q")
    assert block.sliced("s", "", {"y": "out"}).needs == ("a", "c")
    with pytest.raises(BrokenKnowledge):
        array_source(block, {"a": 0, "c": 1, "y": 2}, {})


def test_every_gain_and_turnover_is_used_once():
    blocks = (core().blocks["signals"], core().blocks["cell_rates"])
    text = " ".join(s.expression for block in blocks for s in block.statements)
    words = text.replace("(", " ").replace(")", " ").split()
    for name in table("gains"):
        assert words.count(name) == 1, name
    assert words.count("g_TNFu_Nu") == 0


def test_a_gain_from_nowhere_is_refused():
    with pytest.raises(BrokenKnowledge, match="Xyz"):
        equations.source_name("Xyz")


def filled(women=7, seed=5):
    """A work table with every row a plausible number."""
    model = core()
    chance = np.random.default_rng(seed)
    work = start_table(model, Women.alike(women), np.arange(women))
    parameters = {model.rows[name] for name in model.parameters}
    for row in range(work.shape[0]):
        work[row] = (
            work[row] * chance.uniform(0.9, 1.1, women) if row in parameters else chance.uniform(0.1, 0.9, women)
        )
    return model, work


@pytest.mark.parametrize("name", core().blocks)
def test_scalars_arrays_and_lanes_agree(name):
    model, work = filled()
    scalar = [list(map(float, work[:, k])) for k in range(work.shape[1])]
    for column in scalar:
        _functions()[name](column)
    flat = work.copy().ravel()
    space = dict(vars(lane_math))
    space |= {f: getattr(lane_math, f).py_func for f in ("sqrt", "floor", "minimum", "maximum", "step", "where", "pos")}
    space |= {"exp": math.exp, "log": math.log}
    exec(lane_source(model.blocks[name], model.rows, model.literals, work.shape[1]), space)
    space[name](flat)
    array_functions()[name](work)
    assert work == pytest.approx(np.array(scalar).T, rel=1e-12, abs=1e-300)
    assert flat.reshape(work.shape) == pytest.approx(work, rel=1e-12, abs=1e-300)


def test_resting_is_rest():
    """At her own rest a woman's cells do not move, whatever her shifts."""
    model = core()
    shifts = {f"s_{name}": value for name, value in zip(equations.cells(), np.linspace(-0.8, 0.8, 17), strict=True)}
    work = start_table(model, Women.alike(**shifts), [0])
    run = array_functions()
    run["once"](work)
    work[model.rows["pcl"]] = 0.0
    work[model.rows["hcg"]] = 0.0
    run["signals"](work)
    run["cell_rates"](work)
    still = [work[model.rows[f"d_y_{cell}"], 0] for cell in equations.cells()]
    assert np.abs(still).max() < 1e-12
    work[model.rows["y_Mi"]] += 0.1
    run["signals"](work)
    run["cell_rates"](work)
    assert abs(work[model.rows["d_y_Mi"], 0]) > 1e-3

"""The compiled engine: vector instructions, its own exponential and logarithm, its cache."""

import logging
import math
import platform
import re

import numpy as np
import pytest

from decidua.simulation import Women, kernel, lane_math, simulate
from decidua.simulation.model import core

VECTOR = {
    "x86_64": (r"\bv?(?:mul|add|fn?m(?:add|sub)\d+)pd\b", r"\bv?(?:mul|add|fn?m(?:add|sub)\d+)sd\b"),
    "aarch64": (r"\bf(?:mul|add|mla)\s+v\d+\.2d", r"\bf(?:mul|add|madd)\s+d\d+"),
}


def test_the_kernel_is_vectorised():
    """A libm call, a zero-division test or an alias check would leave scalar instructions, and no other trace."""
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if machine not in VECTOR:
        pytest.skip(f"the instructions of {machine} are not described here")
    text = kernel.stage_assembly()
    vector, scalar = (len(re.findall(pattern, text)) for pattern in VECTOR[machine])
    assert vector > 300
    assert scalar < 0.05 * vector


@pytest.mark.parametrize("x", [*np.linspace(-700, 700, 57), *np.linspace(-2, 2, 41), 0.0, 1e-300])
def test_exponential(x):
    assert lane_math.exp(float(x)) == pytest.approx(math.exp(x), rel=2e-15)


@pytest.mark.parametrize("x", [*np.geomspace(1e-30, 1e30, 61), *np.linspace(0.5, 2, 31), 1.0])
def test_logarithm(x):
    assert lane_math.log(float(x)) == pytest.approx(math.log(x), rel=4e-15, abs=4e-16)


def test_exponential_is_exact_where_nothing_changes():
    assert lane_math.exp(0.0) == 1.0
    assert lane_math.log(1.0) == 0.0


def test_the_text_is_complete_and_known_by_its_content():
    text = kernel.module_text(core())
    assert "AT." not in text
    assert "cache=True" in text
    assert text == kernel.module_text(core())
    assert text != kernel.module_text(core(), lanes=1)


def test_first_compilation_says_so(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("DECIDUA_CACHE", str(tmp_path))
    text = "def run_block():\n    return 4\n"
    with caplog.at_level(logging.WARNING):
        module = kernel._load(text)
    assert module.run_block() == 4
    assert "compiled once" in caplog.text
    assert list(tmp_path.glob("decidua_lanes_*.py"))


def test_a_changed_cache_file_is_written_again(tmp_path, monkeypatch):
    monkeypatch.setenv("DECIDUA_CACHE", str(tmp_path))
    text = "def run_block():\n    return 5\n"
    name = kernel._load(text).__name__
    (tmp_path / f"{name}.py").write_text("def run_block():\n    return 6\n", encoding="utf-8")
    monkeypatch.delitem(kernel.sys.modules, name)
    assert kernel._load(text).run_block() == 5


def test_a_folder_that_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("DECIDUA_CACHE", str(blocked / "inside"))
    assert kernel._cache_folder().is_dir()


@pytest.mark.parametrize("size", [60.0, 400.0, 9000.0, -9000.0])
def test_a_failed_woman_is_named_and_the_others_are_not_touched(size):
    wild = Women.alike(3, s_Mi=[0.0, size, 0.0])
    course = simulate(wild, days=60)
    plain = simulate(Women.alike(3), days=60)
    assert course.outcomes[1].name == "FAILED"
    assert np.array_equal(course.values[[0, 2]], plain.values[[0, 2]])
    assert "no number" in course.sentence(1)

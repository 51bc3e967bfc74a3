"""The figures a reader notices: sizes, docstrings, annotations, light imports, no address in the tree."""

from __future__ import annotations

import ast
import json
import re
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

import decidua
from decidua.knowledge import check_all, table

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "decidua").rglob("*.py"))
MODULES = {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}


def functions() -> list[tuple[Path, ast.FunctionDef]]:
    return [(p, node) for p, tree in MODULES.items() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def length(node: ast.FunctionDef) -> int:
    """Lines of code: the docstring is documentation, and its length is wanted."""
    doc = node.body[0] if ast.get_docstring(node) else None
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    return lines - ((doc.end_lineno or doc.lineno) - doc.lineno + 1 if doc else 0)


def statements(tree: ast.Module) -> int:
    """Lines of code of a module: those of its statements, docstrings left out."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            first_body = getattr(node, "body", None)
            end = first_body[0].lineno - 1 if first_body else node.end_lineno
            lines.update(range(node.lineno, (end or node.lineno) + 1))
    return len(lines)


def test_files_are_short() -> None:
    sizes = {p.relative_to(ROOT).as_posix(): len(p.read_text("utf-8").splitlines()) for p in SOURCES}
    assert {name: n for name, n in sizes.items() if n > 600} == {}
    # complete docstrings are wanted and take a third of a file: the median counts what is not one
    assert statistics.median(statements(tree) for tree in MODULES.values()) <= 150


def test_functions_are_short() -> None:
    sizes = sorted(length(node) for _, node in functions())
    long = {f"{p.name}:{node.name}": length(node) for p, node in functions() if length(node) > 60}
    assert long == {}
    assert sizes[int(0.95 * len(sizes))] <= 40


def public(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")


def test_every_public_name_is_documented() -> None:
    bare = []
    for path, tree in MODULES.items():
        if not ast.get_docstring(tree):
            bare.append(path.name)
        for node in tree.body:
            if public(node) and not ast.get_docstring(node):  # type: ignore[arg-type]
                bare.append(f"{path.name}:{node.name}")  # type: ignore[attr-defined]
            if isinstance(node, ast.ClassDef) and public(node):
                bare += [
                    f"{path.name}:{node.name}.{m.name}" for m in node.body if public(m) and not ast.get_docstring(m)
                ]  # type: ignore[attr-defined,arg-type]
    assert bare == []


def test_each_room_says_what_goes_in_and_out() -> None:
    rooms = [p for p in SOURCES if p.parent.parent.name == "decidua" and p.name == "__init__.py"]
    assert rooms
    for room in rooms:
        doc = (ast.get_docstring(MODULES[room]) or "").casefold()
        missing = [word for word in ("in:", "out:", "may import:", "source", "start reading at") if word not in doc]
        assert not missing, f"{room.parent.name} lacks {missing}"


def test_public_names_are_few() -> None:
    names = getattr(decidua, "__all__", [])
    assert 1 <= len(names) <= 40
    assert all(hasattr(decidua, name) for name in names)


@pytest.mark.parametrize("words", [["-c", "import decidua"], ["-c", "from decidua.cli import main; main(['--help'])"]])
def test_looking_is_light(words: list[str]) -> None:
    heavy = ("numpy", "scipy", "numba", "polars", "pandas", "fastapi", "pydantic")
    code = words[1] + f"; import sys, json; print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


FORBIDDEN = {
    "a registry address": r"index-url|registry\s*[=:]|\"resolved\"|files\.pythonhosted|pypi\.org/simple",
    "a machine's path": r"(?<![\w.])/(?:root|home|work|opt|Users)/\w",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_tree_holds_no(what: str) -> None:
    hits = []
    for path in tracked():
        if path.suffix in (".png", ".fcs", ".gz") or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1):
            if re.search(FORBIDDEN[what], line):
                hits.append(f"{path.relative_to(ROOT)}:{number}")
    allowed = {"Makefile"} if what == "a registry address" else set()  # the flag that keeps addresses out
    assert [h for h in hits if h.split(":")[0] not in allowed] == []


def test_knowledge_has_units_and_sources() -> None:
    rows = check_all()
    assert min(rows.values()) > 0


def test_phases_are_a_partition() -> None:
    phases = [f for f in table("phases").values() if f["kind"] == "phase"]
    bounds = sorted((f.number("from_day"), f.number("to_day")) for f in phases)
    assert bounds[0][0] == 0
    for (_, end), (start, _) in pairwise(bounds):
        assert start == end + 1


def test_architecture_names_every_room() -> None:
    rooms = {
        p.parent.name if p.name == "__init__.py" else p.stem for p in SOURCES if len(p.relative_to(ROOT).parts) <= 4
    }
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    top = {
        p.name.removesuffix(".py") for p in (ROOT / "src" / "decidua").iterdir() if not p.name.startswith(("_", "py."))
    }
    assert rooms
    assert [room for room in sorted(top) if room not in text] == []

"""Turn a block into source text: for scalars and arrays (the same text), and for lanes.

Each name that crosses blocks has a row of one work table `w`. Scalars and arrays index it as ``w[row]``; lanes hold
it flat, sixteen women a row, so that one loop over the lanes holds the whole block and becomes vector instructions.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from decidua.errors import BrokenKnowledge
from decidua.simulation.statements import Block, parse


def array_source(block: Block, rows: Mapping[str, int], literals: Mapping[str, float]) -> str:
    """Write a block as a function ``block(w)`` that reads and writes ``w[row]``.

    Parameters
    ----------
    block : Block
        What to evaluate.
    rows : mapping of str to int
        Row of each name that crosses blocks.
    literals : mapping of str to float
        Constants written into the text.

    Returns
    -------
    str
        Python source; every store follows every read, as rows of an array are views.

    Raises
    ------
    BrokenKnowledge
        For a name that has neither a row nor a value.
    """
    text = [f"def {block.name}(w):"]
    text += [f"    {name} = w[{_row(name, rows, block)}]" for name in block.needs if name not in literals]
    text += [f"    {s.name} = {_expression(s.expression, literals)}" for s in block.statements]
    text += [f"    w[{_row(row, rows, block)}] = {name}" for name, row in block.stores.items()]
    return "\n".join(text) + "\n"


def lane_source(block: Block, rows: Mapping[str, int], literals: Mapping[str, float], lanes: int) -> str:
    """Write a block as a function ``block(w)`` over lanes of a flat table.

    Parameters
    ----------
    block : Block
        What to evaluate.
    rows : mapping of str to int
        Row of each name that crosses blocks.
    literals : mapping of str to float
        Constants written into the text.
    lanes : int
        Women side by side, a compile-time constant: a run-time count stops vectorisation.

    Returns
    -------
    str
        Python source; a value is stored where it is worked out, to free its register.

    Raises
    ------
    BrokenKnowledge
        For a name that has neither a row nor a value.
    """
    text = [f"def {block.name}(w):", f"    for i in range({lanes}):"]
    text += [
        f"        {name} = w[{_row(name, rows, block) * lanes} + i]" for name in block.needs if name not in literals
    ]
    for s in block.statements:
        text.append(f"        {s.name} = {_expression(s.expression, literals)}")
        if s.name in block.stores:
            text.append(f"        w[{_row(block.stores[s.name], rows, block) * lanes} + i] = {s.name}")
    return "\n".join(text) + "\n"


def _row(name: str, rows: Mapping[str, int], block: Block) -> int:
    if name not in rows:
        raise BrokenKnowledge(f"{name!r} has neither a value nor a place.", place=block.name)
    return rows[name]


class _Literals(ast.NodeTransformer):
    def __init__(self, literals: Mapping[str, float]) -> None:
        self.literals = literals

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(self.literals[node.id]) if node.id in self.literals else node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(float(node.value))  # type: ignore[arg-type]


def _expression(text: str, literals: Mapping[str, float]) -> str:
    return ast.unparse(ast.fix_missing_locations(_Literals(literals).visit(parse(text))))

"""The model's intermediate representation: named blocks of straight-line statements in plain arithmetic.

A statement is a name and an expression. Expressions know numbers, names, ``+ - * /`` and the functions of
`FUNCTIONS`, nothing else, so that one list can become Python, arrays, machine code, SBML or a page of the manual.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from decidua.errors import BrokenKnowledge

FUNCTIONS = {
    "exp": 1,
    "log": 1,
    "sqrt": 1,
    "floor": 1,
    "minimum": 2,
    "maximum": 2,
    "step": 1,  # 1 where the argument is zero or more, else 0
    "where": 3,  # the second argument where the first is above one half, else the third
    "pos": 2,  # smooth max(0, x): (x + sqrt(x² + w²)) / 2
}
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub)


@dataclass(frozen=True, slots=True)
class Statement:
    """A name and the expression that defines it."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Block:
    """Straight-line statements that are evaluated together; each name is defined once.

    Attributes
    ----------
    name, meaning : str
        What it is called and what it works out.
    statements : tuple of Statement
        In the order of evaluation.
    stores : mapping of str to str
        Name in the block -> name under which its value is kept; every read comes before every store.
    """

    name: str
    meaning: str
    statements: tuple[Statement, ...]
    stores: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        all_names = [s.name for s in self.statements]
        defined: set[str] = set()
        for statement in self.statements:
            for name in names(statement.expression):
                if name in all_names and name not in defined:
                    raise BrokenKnowledge(f"{name!r} is used before it is defined.", place=self.name)
            if statement.name in defined:
                raise BrokenKnowledge(f"{statement.name!r} is defined twice.", place=self.name)
            defined.add(statement.name)
        for name in self.stores:
            if name not in defined:
                raise BrokenKnowledge(f"{name!r} is kept but never defined.", place=self.name)

    @property
    def needs(self) -> tuple[str, ...]:
        """Names it reads and does not define, in the order of first use."""
        defined = {s.name for s in self.statements}
        used = (name for s in self.statements for name in names(s.expression))
        return tuple(dict.fromkeys(name for name in used if name not in defined))

    def sliced(self, name: str, meaning: str, stores: Mapping[str, str]) -> Block:
        """Return only the statements that some results need.

        Parameters
        ----------
        name, meaning : str
            Of the new block.
        stores : mapping of str to str
            Results wanted -> names to keep them under.

        Returns
        -------
        Block
            The same statements, fewer.

        Raises
        ------
        BrokenKnowledge
            Where a result is not defined here.
        """
        wanted = set(stores)
        kept: list[Statement] = []
        for statement in reversed(self.statements):
            if statement.name in wanted:
                kept.append(statement)
                wanted.update(names(statement.expression))
        return Block(name, meaning, tuple(reversed(kept)), dict(stores))


def lines(text: str) -> tuple[Statement, ...]:
    """Read statements written one a line.

    Parameters
    ----------
    text : str
        Lines ``name = expression``; blank lines and what follows ``#`` are passed over.

    Returns
    -------
    tuple of Statement
        In the order of the text.

    Raises
    ------
    BrokenKnowledge
        For a line that is none, or an expression outside the grammar.
    """
    found = []
    for line in text.splitlines():
        bare = line.split("#")[0].strip()
        if not bare:
            continue
        name, equals, expression = bare.partition("=")
        if not equals or not name.strip().isidentifier():
            raise BrokenKnowledge(f"{bare!r} is no statement.")
        found.append(Statement(name.strip(), expression.strip()))
        names(expression.strip())
    return tuple(found)


@cache
def names(expression: str) -> tuple[str, ...]:
    """Return the names an expression reads.

    Parameters
    ----------
    expression : str
        In the grammar of this module.

    Returns
    -------
    tuple of str
        In the order of first use.

    Raises
    ------
    BrokenKnowledge
        Where it holds anything else.
    """
    found: dict[str, None] = {}
    called: set[int] = set()
    for node in ast.walk(parse(expression)):
        if isinstance(node, ast.Call):
            called.add(id(node.func))
        elif isinstance(node, ast.Name) and id(node) not in called:
            found[node.id] = None
    return tuple(found)


def parse(expression: str) -> ast.expr:
    """Parse an expression and refuse what the grammar does not know.

    Parameters
    ----------
    expression : str
        Arithmetic of numbers, names and `FUNCTIONS`.

    Returns
    -------
    ast.expr
        Its tree.

    Raises
    ------
    BrokenKnowledge
        Naming what is not understood.
    """
    try:
        tree = ast.parse(expression, mode="eval").body
    except SyntaxError as broken:
        raise BrokenKnowledge(f"{expression!r} is no expression.") from broken
    for node in ast.walk(tree):
        _allow(node, expression)
    return tree


def _allow(node: ast.AST, expression: str) -> None:
    if isinstance(node, ast.Call):
        arity = FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if arity is None or arity != len(node.args) or node.keywords:
            raise BrokenKnowledge(f"{ast.unparse(node)!r} is no function of the model.", place=expression)
        return
    if isinstance(node, ast.Constant):
        if type(node.value) not in (int, float):
            raise BrokenKnowledge(f"{node.value!r} is no number.", place=expression)
        return
    if not isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Name, ast.Load, *_OPERATORS)):
        raise BrokenKnowledge(f"{type(node).__name__} is not in the grammar.", place=expression)


def total(terms: Iterable[str]) -> str:
    """Join terms to a sum.

    Parameters
    ----------
    terms : iterable of str
        Expressions without sums of their own.

    Returns
    -------
    str
        ``0`` where there is none.
    """
    return " + ".join(terms) or "0"

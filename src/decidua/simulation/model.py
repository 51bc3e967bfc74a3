"""The assembled model: its parameters, its blocks and the place of every name in the work table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from decidua.errors import OutsideLimits
from decidua.knowledge import Fact, table
from decidua.simulation import equations, kinetics
from decidua.simulation.forcing import COURSE, CYCLE
from decidua.simulation.statements import Block
from decidua.tables import nearest

_COURSE_OF_WOMAN = {"conceives": 1.0, "loss_day": equations.NEVER, "loss_at": equations.NEVER}
_STARTS = ("t_end", "T_rec", "outcome", "crossing")
_DRIVER = ("day", "h0", "infected", "grid_plan", "h", "add_h", "ahead_h", "elapsed", "D_before", "S_before")
_PIECE = ("y_0", "y_m", "y_1", "at_0", "width", "step_length")


@dataclass(frozen=True, slots=True)
class Output:
    """A result that can be asked for.

    Attributes
    ----------
    name : str
        Key of the table of states.
    row : str
        Name under which the equations keep it.
    logarithm : bool
        Whether that row is the logarithm of the result.
    label, unit, compartment : str
        For people.
    """

    name: str
    row: str
    logarithm: bool
    label: str
    unit: str
    compartment: str


@dataclass(frozen=True, slots=True)
class Model:
    """Everything an engine needs.

    Attributes
    ----------
    parameters : mapping of str to float
        What may differ between women, with its value in the reference woman.
    units : mapping of str to str
        Unit of each parameter.
    literals : mapping of str to float
        Constants that are the same for all.
    blocks : mapping of str to Block
        By name.
    rows : mapping of str to int
        Place of each name in the work table; integrated states first, then their starts, then their sums.
    outputs : mapping of str to Output
        By name.
    """

    parameters: Mapping[str, float]
    units: Mapping[str, str]
    literals: Mapping[str, float]
    blocks: Mapping[str, Block]
    rows: Mapping[str, int]
    outputs: Mapping[str, Output]

    def require_parameter(self, name: str) -> None:
        """Refuse a parameter the model does not have.

        Parameters
        ----------
        name : str
            As the user wrote it.

        Raises
        ------
        OutsideLimits
            With the nearest known name.
        """
        if name not in self.parameters:
            raise OutsideLimits(f"the model has no parameter {name!r}.", remedy=nearest(name, list(self.parameters)))

    def require_output(self, name: str) -> None:
        """Refuse a state the model does not have.

        Parameters
        ----------
        name : str
            As the user wrote it.

        Raises
        ------
        OutsideLimits
            With the nearest known name.
        """
        if name not in self.outputs:
            raise OutsideLimits(f"the model has no state {name!r}.", remedy=nearest(name, list(self.outputs)))


@cache
def core() -> Model:
    """Assemble the model from the tables.

    Returns
    -------
    Model
        One object, shared by every engine.

    Raises
    ------
    BrokenKnowledge
        Where a table breaks its rules or a gain names what the model does not have.
    """
    parameters, units, literals = _parameters()
    blocks = _blocks()
    return Model(parameters, units, literals, blocks, _rows(blocks, parameters), _outputs())


def _parameters() -> tuple[dict[str, float], dict[str, str], dict[str, float]]:
    parameters: dict[str, float] = {}
    units: dict[str, str] = {}
    literals: dict[str, float] = {}
    for name in (*equations.cells(), *equations.cytokines(), "S"):
        parameters[f"s_{name}"], units[f"s_{name}"] = 0.0, "1"
    for key, gain in table("gains").items():
        parameters[key], units[key] = _value(gain), gain["unit"]
    for key, constant in table("model_constants").items():
        if constant["varies"] == "yes":
            parameters[key], units[key] = _value(constant), constant["unit"]
        else:
            literals[key] = _value(constant)
    for key, value in (_COURSE_OF_WOMAN | {"t_imp": literals["t_imp_ref"]}).items():
        parameters[key] = value
        units[key] = "1" if key in ("conceives", "loss_at") else "d"
    return parameters, units, literals


def _value(fact: Fact) -> float:
    value = fact.number("value")
    return 0.0 if value is None else value


def _blocks() -> dict[str, Block]:
    natural, cell, immunoglobulin = equations.natural_rates(), equations.cell_rates(), kinetics.immunoglobulin()
    blocks = (
        equations.once(),
        equations.day(),
        kinetics.day(),
        equations.birth_time(),
        equations.after(),
        kinetics.advance(),
        kinetics.drives(),
        equations.runge_kutta_stage("immunoglobulin_stage", immunoglobulin, move=kinetics.IMMUNOGLOBULIN),
        equations.signals(),
        equations.runge_kutta_stage("natural_stage", natural, move=()),
        equations.runge_kutta_stage("cell_stage", cell, move=equations.states()),
        equations.serum_source(),
        kinetics.serum("serum", with_antibody=True),
        kinetics.serum("serum_quiet", with_antibody=False),
        natural,
        cell,
        immunoglobulin,
        kinetics.serum_rate(),
    )
    return {block.name: block for block in blocks}


def _rows(blocks: Mapping[str, Block], parameters: Mapping[str, float]) -> dict[str, int]:
    integrated = (*equations.states(), *kinetics.IMMUNOGLOBULIN)
    names = [f"{state}{part}" for part in ("", "_start", "_sum") for state in integrated]
    names += [*COURSE, *CYCLE, *kinetics.LINEAR, "R", *_STARTS, *_DRIVER, *_PIECE]
    names += [f"{dose}_{p}" for dose in ("dose", "dose_pregnant") for p in kinetics.DEPOTS]
    names += [f"{p}_{part}_r" for p in kinetics.ANTIBODIES for part in ("depot", "C")]
    names += [row for block in blocks.values() for row in block.stores.values()]
    names += parameters
    return {name: row for row, name in enumerate(dict.fromkeys(names))}


def _outputs() -> dict[str, Output]:
    found = {}
    logarithms = {*equations.cells(), *equations.cytokines()}
    for key, f in table("model_states").items():
        logarithm = key in logarithms
        found[key] = Output(key, f"y_{key}" if logarithm else key, logarithm, f["label"], f["unit"], f["compartment"])
    return found

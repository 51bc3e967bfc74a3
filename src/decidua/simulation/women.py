"""Women to simulate: the reference woman, or any number who differ from her in some parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decidua.errors import OutsideLimits
from decidua.knowledge import Fact, table
from decidua.simulation import equations
from decidua.simulation.forcing import FloatArray
from decidua.simulation.model import Model, core
from decidua.tables import nearest


@dataclass(frozen=True, slots=True, eq=False)
class Women:
    """Women by the parameters in which they differ from the reference woman.

    Attributes
    ----------
    count : int
        How many.
    values : mapping of str to float array [woman]
        Parameter -> value of each; what is not named is as in the reference woman.
    """

    count: int
    values: Mapping[str, FloatArray]

    @classmethod
    def alike(cls, count: int = 1, **values: ArrayLike) -> Women:
        """Return women who are the reference woman but for some parameters.

        Parameters
        ----------
        count : int
            How many.
        **values : float or array [woman]
            By parameter: shifts ``s_STATE`` [log], gains ``g_TARGET_SOURCE``, turnovers ``d_STATE`` [1/d], constants.

        Returns
        -------
        Women
            Checked.

        Raises
        ------
        OutsideLimits
            For an unknown parameter, a value that is no finite number, or an array of another length.
        """
        return cls(count, {}).having(**values)

    def having(self, **values: ArrayLike) -> Women:
        """Return these women with some parameters changed.

        Parameters
        ----------
        **values : float or array [woman]
            By parameter.

        Returns
        -------
        Women
            Checked.

        Raises
        ------
        OutsideLimits
            For an unknown parameter, a value that is no finite number, or an array of another length.
        """
        if self.count < 1:
            raise OutsideLimits(f"{self.count} women cannot be simulated.", remedy="Ask for one or more.")
        changed = dict(self.values)
        for name, value in values.items():
            core().require_parameter(name)
            changed[name] = _column(name, value, self.count)
        _check_timing(changed)
        return Women(self.count, changed)

    def without(self, mechanisms: Iterable[str]) -> Women:
        """Return these women with some mechanisms switched off.

        Parameters
        ----------
        mechanisms : iterable of str
            Names of the table of mechanisms; each parameter of theirs takes its null.

        Returns
        -------
        Women
            The same women, paired.

        Raises
        ------
        OutsideLimits
            For an unknown mechanism, with the nearest known one.
        """
        women = self
        for name in mechanisms:
            women = women.having(**{row["parameter"]: float(row["null"]) for row in mechanism_rows(name)})
        return women

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Women:
        """Return some of these women.

        Parameters
        ----------
        which : bool array [woman], int array or slice
            Whom to keep.

        Returns
        -------
        Women
            In the same order.
        """
        count = np.arange(self.count)[which].size
        return Women(count, {name: value[which] for name, value in self.values.items()})

    def parameter(self, name: str) -> FloatArray:
        """Return one parameter of every woman.

        Parameters
        ----------
        name : str
            A parameter of the model.

        Returns
        -------
        float array [woman]
            Its values.

        Raises
        ------
        OutsideLimits
            For an unknown parameter.
        """
        core().require_parameter(name)
        return self.values[name] if name in self.values else np.full(self.count, core().parameters[name])


def mechanism_rows(name: str) -> tuple[Fact, ...]:
    """Return the rows of a mechanism: its parameters with their nulls and evidence.

    Parameters
    ----------
    name : str
        A mechanism.

    Returns
    -------
    tuple of Fact
        One for each parameter.

    Raises
    ------
    OutsideLimits
        For an unknown mechanism, with the nearest known one.
    """
    rows = tuple(row for row in table("mechanisms").values() if row["mechanism_id"] == name)
    if not rows:
        raise OutsideLimits(f"there is no mechanism {name!r}.", remedy=nearest(name, mechanisms()))
    return rows


def mechanisms() -> tuple[str, ...]:
    """Return the names of the switchable mechanisms.

    Returns
    -------
    tuple of str
        In the order of the table.
    """
    return tuple(dict.fromkeys(row["mechanism_id"] for row in table("mechanisms").values()))


def _column(name: str, value: ArrayLike, count: int) -> FloatArray:
    try:
        column = np.broadcast_to(np.asarray(value, dtype=np.float64), (count,)).copy()
    except (TypeError, ValueError) as bad:
        raise OutsideLimits(
            f"{name} must be one number or {count} numbers, not {value!r}.", remedy="Give one value a woman."
        ) from bad
    if not np.isfinite(column).all():
        raise OutsideLimits(f"{name} holds a value that is no finite number.", remedy="Correct it.")
    return column


def _check_timing(values: Mapping[str, FloatArray]) -> None:
    for name in ("t_imp", "loss_day"):
        if name in values and (np.mod(values[name], 1) != 0).any():
            raise OutsideLimits(f"{name} must be a whole day.", remedy="Round it; every jump falls on a whole day.")
    implantation = values.get("t_imp", np.array([core().parameters["t_imp"]]))
    if (implantation < 15).any() or (implantation > 40).any():
        raise OutsideLimits("t_imp lies outside days 15 to 40.", remedy="Ovulation is day 14.")
    if "loss_day" in values and (values["loss_day"] <= implantation).any():
        raise OutsideLimits("loss_day is not after t_imp.", remedy="A loss follows implantation.")
    if "conceives" in values and not np.isin(values["conceives"], (0.0, 1.0)).all():
        raise OutsideLimits("conceives must be 0 or 1.", remedy="Write 1 for a conceiving course.")


def start_table(model: Model, women: Women, columns: Sequence[int] | NDArray[np.int64]) -> FloatArray:
    """Lay out the work table at rest on day 0.

    Parameters
    ----------
    model : Model
        Gives the rows.
    women : Women
        Whom to simulate.
    columns : int array [lane]
        Which woman stands in each lane.

    Returns
    -------
    float array [row, lane]
        Parameters, what follows from them, and every state at the woman's own rest.
    """
    lanes = np.asarray(columns)
    work = np.zeros((len(model.rows), lanes.size))
    for name, value in model.parameters.items():
        work[model.rows[name]] = women.values[name][lanes] if name in women.values else value
    levels = _resting_levels(model, work)
    for name, level in levels.items():
        work[model.rows[f"y_{name}"]] = level
    rows = model.rows
    work[rows["PR"]] = 1.0
    work[rows["Z"]] = levels["H1u"]
    with np.errstate(over="ignore"):  # a wild woman is named by her outcome, not by a warning
        work[rows["R"]] = np.exp(levels["TNFs"])
    work[rows["t_end"]] = np.where(work[rows["conceives"]] > 0.5, equations.NEVER, 0.0)
    return work


def _resting_levels(model: Model, work: FloatArray) -> dict[str, FloatArray]:
    names = (*equations.cells(), *equations.cytokines())
    place = {name: k for k, name in enumerate(names)}
    system = np.tile(np.eye(len(names)), (work.shape[1], 1, 1))
    for target, source, gain in equations.resting_gains():
        system[:, place[target], place[source]] -= work[model.rows[gain]]
    shifts = np.stack([work[model.rows[f"s_{name}"]] for name in names], axis=-1)
    levels = np.linalg.solve(system, shifts[..., None])[..., 0]
    return {name: np.ascontiguousarray(levels[:, k]) for name, k in place.items()}

"""The core model as blocks of statements, generated from the tables.

Every state is relative to rest. Cells are power laws: with y = ln X, dX/dt = d [exp(T) − X], where T is the sum of
gains times sources and the woman's own shift; cytokines follow their sources at once. The conceptus, labour and the
hazards are written out below. Clock: days from the last period; ovulation day 14.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from decidua.errors import BrokenKnowledge
from decidua.knowledge import Fact, table
from decidua.simulation.statements import Block, Statement, lines, total

NEVER = 1e9
"""A day that does not come [d]; finite, so that arithmetic with it stays finite."""

_DRIVES = ("PU", "PS", "h", "c", "E", "late", "GC", "IVIG", "HCQ", "aT")
_PLAIN = ("I", "X", "S", "A", "Z")

# Once a woman: what depends on her parameters only.
_ONCE = """
    rate_I = 1 / tau_I
    phi_scale = (1 + K1) * (1 + 1 / (K2 * K2))
    phi_slope = 1 / (K2 * K2)
    per_DS = 1 / (P_f + K_DS)
    per_DU = 1 / (P_f + K_DU)
    per_Kh = 1 / K_h
    per_hmax = 1 / log(1 + hmax / K_h)
    per_S0 = 1 / (S0 * S0)
    square_S1 = S1 * S1
"""

# Hormone drives from the forcing curves and the mass of trophoblast; PR is the responsiveness left by labour.
_DRIVE = """
    p_own = pcl + ppl * M
    p_heard = PR * p_own
    u_PS = log((P_f + p_own + K_DS) * per_DS)
    u_PU = log((P_f + p_heard + K_DU) * per_DU)
    u_h = log(1 + hcg * M * per_Kh) * per_hmax
"""

_CONCEPTUS = """
    T = exp(y_TNFu)
    G = exp(y_IFNu)
    phi = T * phi_scale / ((T + K1) * (1 + T * T * phi_slope))
    grown = 2 * G / (1 + G)
    d_I = 0 - rate_I * I
    d_M = preg * r_M * M * (phi - M) - lost * k_Mloss * M
    d_V = k_window * (1 - c_VG + c_VG * grown) * (1 - exp(0 - c_MV * M)) * (1 - V) - (preg * k_dam * pos(y_Ku, w_dam) + lost * k_Mloss) * V
    d_A = k_A * (1 - exp(0 - c_MA * M) - A)
    d_X = k_X * (infected - X)
    d_Z = k_Z * (y_H1u - Z)
"""  # noqa: E501

_LABOUR = """
    heard = PR * (P_f + pcl + ppl * M)
    Q = heard / (heard + K_P)
    S_square = S * S
    d_PR = k_P * (1 - c_PR * (1 - 1 / (1 + S_square * per_S0)) - PR)
    S_own = aS * S_square / (S_square + square_S1)
    S_drive = pos(bS * stretch - fS * Q + cS * T / (1 + T) + eS * X + s_S - thS, w_S)
    d_S = k_S * (preg * (S_own + S_drive) - S)
"""

_HAZARD = """
    d_Ef = window_E * pos(th_f - T, w_E) - k_E * Ef
    d_Ec = window_E * pos(T - th_c, w_E) - k_E * Ec
    d_E17 = window_E * pos(y_H17u - y_Ru - th_17, w_E) - k_E * E17
    d_EK = window_E * pos(y_Ku - th_K, w_E) - k_E * EK
    d_L = h_loss * exp(B_f * Ef / (Ef + E50) + B_c * Ec / (Ec + E50) + B_17 * E17 / (E17 + E50) + B_K * EK / (EK + E50))
    d_D = h_birth * exp(kL * (S - Sst))
"""

NATURAL = ("I", "M", "V", "A", "X", "Z", "PR", "S", "Ef", "Ec", "E17", "EK", "L", "D")
"""States that are not logarithms."""

# A whole day: the end test, the jumps in their order, and what stays the same until the next day.
_DAY = """
    running = step(t_end - 5e8)
    bearing = running * conceives * step(day - t_imp - 0.5)
    born = bearing * step(D - 0.6931471805599453)  # ln 2
    lost_now = bearing * (1 - born) * maximum(step(day - loss_day), step(L - loss_at))
    over = maximum(born, lost_now)
    t_end_now = where(over, day, t_end)
    T_rec_now = where(born, T_rec_birth, where(lost_now, T_rec_loss, T_rec))
    outcome_now = outcome + born + 2 * lost_now
    ended = step(5e8 - t_end_now)
    since = where(ended, day - t_end_now, 0)
    implants = conceives * step(day - t_imp) * step(t_imp - day)
    cycle = since - T_rec_now
    cycling = ended * step(cycle)
    cycle_day = where(cycling, cycle - t_cycle * floor(cycle / t_cycle), 0)
    menses = cycling * step(0 - cycle_day) * step(day - 0.5)
    I_now = I + over * I_end + implants * I_imp + menses * I_menses
    M_now = where(implants, M0, M)
    preg = conceives * (1 - ended) * step(day - t_imp)
    lost = conceives * ended
    k_window = k_V * preg * step(day - V_from) * step(V_to - day - 0.5)
    window_E = preg * step(E_to - day - 0.5)
    h_loss = preg * h0 * Zfr
    h_birth = preg * step(day - D_from) * hL0
    # how fine the day is: an index of GRIDS in plan.py (0 whole, 1 halves, 2 quarters, 4 eighths)
    jump = maximum(conceives * step(day - t_imp) * step(t_imp + 1.5 - day), lost * step(0.5 - since))
    uneasy = lost * step(6.5 - since)
    quick = maximum(maximum(step(day - 10.5) * step(43.5 - day), step(S - 0.01)), ended)
    grid = maximum(maximum(quick, 2 * uneasy), maximum(grid_plan, 4 * jump))
"""
_DAY_STORES = {"t_end_now": "t_end", "T_rec_now": "T_rec", "outcome_now": "outcome", "I_now": "I", "M_now": "M"}
_DAY_STORES |= {
    name: name
    for name in (
        *("born", "ended", "since", "cycling", "cycle_day", "preg", "lost"),
        *("k_window", "window_E", "h_loss", "h_birth", "grid"),
    )
}

# The time at which the delivery hazard reached ln 2, between the whole days before and after: time as a cubic of the
# logarithm of the hazard.
_BIRTH = """
    D_low = maximum(D_before, 1e-30)
    level = log(D_low)
    apart = log(D) - level
    slow = hL0 * exp(kL * (S_before - Sst)) / D_low
    fast = hL0 * exp(kL * (S - Sst)) / D
    x = (0 - 0.36651292058166435 - level) / apart  # ln ln 2
    bent = x * x * (3 - 2 * x) + apart * x * (1 - x) * ((1 - x) / slow - x / fast)
    crossing_now = where(born, day - 1 + bent, crossing)
"""

# Forcing after the pregnancy has ended, or where none began: decay, then the cycle.
_AFTER = """
    pcl_after = where(cycling, pcl_cycle, pcl * exp(0 - k_cl * elapsed))
    u_E_after = where(cycling, u_E_cycle, u_E * exp(0 - k_E2 * elapsed))
    u_c_after = u_c * exp(0 - k_F * elapsed)
    u_late_after = u_late * exp(0 - k_late * elapsed)
    stretch_after = stretch * (1 - ended)
"""


@cache
def cells() -> tuple[str, ...]:
    """Return the power-law states.

    Returns
    -------
    tuple of str
        In the order of the table of states.
    """
    return tuple(key for key, f in table("model_states").items() if f["kind"] == "cell")


@cache
def cytokines() -> tuple[str, ...]:
    """Return the cytokines, each after those it depends on.

    Returns
    -------
    tuple of str
        An order in which no linear system has to be solved.

    Raises
    ------
    BrokenKnowledge
        Where the gains make them depend on each other in a circle.
    """
    waiting = [key for key, f in table("model_states").items() if f["kind"] == "cytokine"]
    ordered: list[str] = []
    while waiting:
        ready = [key for key in waiting if not any(g["source"] in waiting for g in _gains_of(key))]
        if not ready:
            raise BrokenKnowledge("cytokines depend on each other in a circle.", file="gains.csv", place=waiting[0])
        ordered += ready
        waiting = [key for key in waiting if key not in ready]
    return tuple(ordered)


def _gains_of(target: str) -> list[Fact]:
    return [g for g in table("gains").values() if g["target"] == target and g["kind"] == "gain"]


def source_name(source: str) -> str:
    """Return how a source of a gain enters the equations.

    Parameters
    ----------
    source : str
        As written in the table of gains.

    Returns
    -------
    str
        A drive ``u_…``, a plain state, or a logarithm ``y_…``.

    Raises
    ------
    BrokenKnowledge
        Where the model has no such source.
    """
    if source in _DRIVES:
        return f"u_{source}"
    if source in _PLAIN:
        return source
    if source in cells() or source in table("model_states"):
        return f"y_{source}"
    raise BrokenKnowledge(f"a gain from {source!r}, which the model does not have.", file="gains.csv")


def log_level(target: str) -> str:
    """Return the sum of gains and the woman's shift that drives a cell or is a cytokine.

    Parameters
    ----------
    target : str
        A cell or cytokine.

    Returns
    -------
    str
        An expression.

    Raises
    ------
    BrokenKnowledge
        Where a gain has a source the model does not have.
    """
    return total([*(f"{g.key} * {source_name(g['source'])}" for g in _gains_of(target)), f"s_{target}"])


def once() -> Block:
    """Return what is worked out once a woman.

    Returns
    -------
    Block
        Reciprocals and scales.
    """
    statements = lines(_ONCE)
    return Block("once", "what depends on a woman's parameters only", statements, _kept(statements))


def signals() -> Block:
    """Return what follows the states at once.

    Returns
    -------
    Block
        Progesterone and hCG drives, and the cytokines as logarithms.
    """
    statements = [*lines(_DRIVE), *(Statement(f"y_{c}", log_level(c)) for c in cytokines())]
    kept = ("u_PS", "u_PU", "u_h", *(f"y_{c}" for c in cytokines()))
    return Block("signals", "drives and cytokines", tuple(statements), {name: name for name in kept})


def serum_source() -> Block:
    """Return the source of serum TNF.

    Returns
    -------
    Block
        ``y_TNFs`` and what it needs of the signals.
    """
    return signals().sliced("serum_source", "source of serum TNF", {"y_TNFs": "y_TNFs"})


def natural_rates() -> Block:
    """Return the rates of conceptus, labour, exposures and hazards.

    Returns
    -------
    Block
        Keeps ``d_STATE``.
    """
    stores = {f"d_{state}": f"d_{state}" for state in NATURAL}
    return Block("natural_rates", "conceptus, labour and hazards", lines(_CONCEPTUS + _LABOUR + _HAZARD), stores)


def cell_rates() -> Block:
    """Return the rates of the cells, as logarithms.

    Returns
    -------
    Block
        Keeps ``d_y_CELL``.
    """
    statements = tuple(Statement(f"d_y_{c}", f"d_{c} * (exp({log_level(c)} - y_{c}) - 1)") for c in cells())
    return Block("cell_rates", "cells", statements, {s.name: s.name for s in statements})


def states() -> tuple[str, ...]:
    """Return the integrated states under the names they have in the equations.

    Returns
    -------
    tuple of str
        Logarithms of cells first, then the natural ones.
    """
    return (*(f"y_{cell}" for cell in cells()), *NATURAL)


def runge_kutta_stage(name: str, block: Block, *, move: tuple[str, ...]) -> Block:
    """Fuse rates with one stage of a Runge–Kutta step.

    Parameters
    ----------
    name : str
        Of the new block.
    block : Block
        Rates ``d_STATE``; each is added ``add_h`` times to the state's running sum.
    move : tuple of str
        States set to ``ahead_h`` times their rate from the start of the step; other blocks of the stage may have
        worked out the rate, and states that they still read are moved by the last.

    Returns
    -------
    Block
        One stage.
    """
    statements: list[Statement] = []
    stores = {k: v for k, v in block.stores.items() if k.removeprefix("d_") not in move}
    moved = {state: Statement(f"{state}_now", f"{state}_start + ahead_h * d_{state}") for state in move}
    for s in block.statements:
        statements.append(s)
        state = s.name.removeprefix("d_")
        if s.name in block.stores and s.name.startswith("d_"):
            statements.append(Statement(f"{state}_sum_now", f"{state}_sum + add_h * {s.name}"))
            stores[f"{state}_sum_now"] = f"{state}_sum"
            if state in moved:
                statements.append(moved.pop(state))
    statements += moved.values()
    stores |= {f"{state}_now": state for state in move}
    return Block(name, f"one stage of a Runge–Kutta step: {block.meaning}", tuple(statements), stores)


def day() -> Block:
    """Return what happens on a whole day, before its doses.

    Returns
    -------
    Block
        End test, jumps in their order, and the values that hold until the next day.
    """
    return Block("day", "the end test, the jumps and what holds until the next day", lines(_DAY), _DAY_STORES)


def birth_time() -> Block:
    """Return when the delivery hazard reached ln 2, for women who gave birth on this day.

    Returns
    -------
    Block
        ``crossing`` [d].
    """
    return Block("birth_time", "when the delivery hazard reached ln 2", lines(_BIRTH), {"crossing_now": "crossing"})


def after() -> Block:
    """Return the forcing after an end, or of cycles without conception.

    Returns
    -------
    Block
        Decay of what the pregnancy gave, then the cycle.
    """
    statements = lines(_AFTER)
    return Block(
        "after", "hormones after the end", statements, {s.name: s.name.removesuffix("_after") for s in statements}
    )


def _kept(statements: tuple[Statement, ...]) -> Mapping[str, str]:
    return {s.name: s.name for s in statements}


def resting_gains() -> tuple[tuple[str, str, str], ...]:
    """Return the gains that link cells and cytokines at rest.

    Returns
    -------
    tuple of (str, str, str)
        Target, source and name of the gain; delayed Th1 help counts as Th1.

    Raises
    ------
    BrokenKnowledge
        Where a gain has a source the model does not have.
    """
    inside = {*cells(), *cytokines()}
    found = []
    for target in (*cells(), *cytokines()):
        for g in _gains_of(target):
            source = "H1u" if g["source"] == "Z" else g["source"]
            source_name(g["source"])
            if source in inside:
                found.append((target, source, g.key))
    return tuple(found)

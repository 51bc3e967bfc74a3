"""Drug kinetics as blocks of statements: linear drugs exactly over any step, immunoglobulin as three rates.

A dose enters a depot on a whole day. Linear drugs are advanced by their closed form, so a step of any length is
exact; clearances may change from day to day, with pregnancy and with antibodies. A drug's effect is a drive ``u_…``
that is 0 without it; serum TNF, free plus bound, follows antibody and source.
"""

from __future__ import annotations

from decidua.simulation.statements import Block, Statement, lines, total

ANTIBODIES = ("ada", "ce", "et")
"""Prefixes of the drugs that bind TNF."""
LINEAR = (
    *(f"{p}_{part}" for p in ANTIBODIES for part in ("depot", "C")),
    *("pr_depot", "pr_C", "pr_Ce", "hq_gut", "hq_blood", "hq_deep"),
)
"""States advanced in closed form."""
IMMUNOGLOBULIN = ("ig_blood", "ig_tissue", "ig_Ce")
"""States that need rates: clearance rises with IgG."""
DEPOTS = {"ada": "ada_depot", "ce": "ce_depot", "et": "et_depot", "pr": "pr_depot", "hq": "hq_gut", "ig": "ig_blood"}
"""Where a dose of each drug enters."""
AVAILABLE = {"et": "et_F", "hq": "hq_F"}

# Clearance in pregnancy: from 1 at the end of the first trimester to its factor at the start of the third.
_RAMP = """
    ramp = preg * minimum(1, maximum(0, (day - preg_ramp_from) / (preg_ramp_to - preg_ramp_from)))
    ada_faster = where(step(day - ada_ab_day), ada_ab, 1)
"""

_HYDROXYCHLOROQUINE_DAY = """
    hq_k10 = hq_CL * (1 + (hq_preg - 1) * ramp) / hq_V
    hq_k12 = hq_Q / hq_V
    hq_k21 = hq_Q / hq_V2
    hq_sum = hq_k10 + hq_k12 + hq_k21
    hq_root = sqrt(hq_sum * hq_sum - 4 * hq_k10 * hq_k21)
    hq_fast = 0.5 * (hq_sum + hq_root)
    hq_slow = hq_k10 * hq_k21 / hq_fast
"""

# For h = 0 unchanged to the last bit: differences of exponentials, not sums that should cancel.
_HYDROXYCHLOROQUINE = """
    hq_e_gut = exp(0 - hq_ka * h)
    hq_e_fast = exp(0 - hq_fast * h)
    hq_e_slow = exp(0 - hq_slow * h)
    hq_apart = 1 / (hq_fast - hq_slow)
    hq_spread = (hq_e_fast - hq_e_slow) * hq_apart
    hq_bb = hq_e_slow + (hq_fast - hq_k21) * hq_spread
    hq_bp = 0 - hq_k21 * hq_spread
    hq_pb = 0 - hq_k12 * hq_spread
    hq_pp = hq_e_slow + (hq_fast - hq_k10 - hq_k12) * hq_spread
    hq_in = hq_gut * hq_ka / ((hq_fast - hq_ka) * (hq_slow - hq_ka))
    hq_b_gut = hq_in * (hq_k21 - hq_ka)
    hq_p_gut = hq_in * hq_k12
    hq_blood_now = hq_blood * hq_bb + (hq_deep - hq_p_gut) * hq_bp + hq_b_gut * (hq_e_gut - hq_bb)
    hq_deep_now = hq_deep * hq_pp + (hq_blood - hq_b_gut) * hq_pb + hq_p_gut * (hq_e_gut - hq_pp)
    hq_gut_now = hq_gut * hq_e_gut
"""

_PREDNISOLONE = """
    pr_e_in = exp(0 - pr_ka * h)
    pr_e_out = exp(0 - pr_k * h)
    pr_e_site = exp(0 - pr_ke * h)
    pr_B = pr_gain * pr_depot
    pr_A = pr_C + pr_B
    pr_Ce_now = pr_Ce * pr_e_site + pr_ke * (pr_A * (pr_e_out - pr_e_site) / (pr_ke - pr_k) - pr_B * (pr_e_in - pr_e_site) / (pr_ke - pr_ka))
    pr_C_now = pr_C * pr_e_out + pr_B * (pr_e_out - pr_e_in)
    pr_depot_now = pr_depot * pr_e_in
"""  # noqa: E501

_IMMUNOGLOBULIN = """
    ig_C = ig_blood / ig_V1
    ig_out = ig_cleared * exp(ig_g * log((ig_C + ig_C0) * 0.1))
    ig_to = ig_Q * (ig_C - ig_tissue / ig_V2)
    d_ig_blood = 0 - ig_out * ig_C - ig_to
    d_ig_tissue = ig_to
    d_ig_Ce = ig_ke * (ig_C - ig_Ce)
    u_IVIG = ig_Emax * ig_Ce / (ig_E50 + ig_Ce)
"""

# Total serum TNF over one piece of a step. Along the integral of the loss rate, source over loss is close to a
# parabola; its exponential average is exact, whatever the rate.
_SERUM = """
    share_0 = (kdeg + kc * q_0) / (1 + q_0)
    share_m = (kdeg + kc * q_m) / (1 + q_m)
    share_1 = (kdeg + kc * q_1) / (1 + q_1)
    y_bend = 2 * (y_0 + y_1 - 2 * y_m)
    y_rise = y_1 - y_0 - y_bend
    at_m = at_0 + 0.5 * width
    at_1 = at_0 + width
    level_0 = kdeg * exp(y_0 + at_0 * (y_rise + at_0 * y_bend)) / share_0
    level_m = kdeg * exp(y_0 + at_m * (y_rise + at_m * y_bend)) / share_m
    level_1 = kdeg * exp(y_0 + at_1 * (y_rise + at_1 * y_bend)) / share_1
    span = width * step_length
    half_way = span * (5 * share_0 + 8 * share_m - share_1) / 24
    way = span * (share_0 + 4 * share_m + share_1) / 6
    still = step(1e-12 - way)
    middle = where(still, 0.5, half_way / maximum(way, 1e-12))
    chord = (level_m - level_0) / middle
    bend = (level_1 - level_0 - chord) / (1 - middle)
    rise = level_1 - level_0 - bend
    fade = exp(0 - way)
    small = step(0.02 - way)
    safe = maximum(way, 0.02)
    J_0 = where(small, way * (1 - way * (1 / 2 - way * (1 / 6 - way / 24))), 1 - fade)
    J_1 = where(small, way * (1 / 2 - way * (1 / 6 - way * (1 / 24 - way / 120))), 1 - (1 - fade) / safe)
    J_2 = where(small, way * (1 / 3 - way * (1 / 12 - way * (1 / 60 - way / 360))), 1 - 2 * (1 - (1 - fade) / safe) / safe)
    R_now = R * fade + level_0 * J_0 + rise * J_1 + bend * J_2
"""  # noqa: E501


def day() -> Block:
    """Return the doses of a day and the rates that hold until the next.

    Returns
    -------
    Block
        Doses enter their depots; those marked to end with the pregnancy do so.
    """
    statements = [*lines(_RAMP)]
    stores: dict[str, str] = {}
    for prefix, depot in DEPOTS.items():
        share = f" * {AVAILABLE[prefix]}" if prefix in AVAILABLE else ""
        given = f"(dose_{prefix} + dose_pregnant_{prefix} * (1 - ended)){share}"
        statements.append(Statement(f"{depot}_now", f"{depot} + {given}"))
        stores[f"{depot}_now"] = depot
    for prefix in (*ANTIBODIES, "pr"):
        faster = f"{prefix}_CL * (1 + ({prefix}_preg - 1) * ramp) / {prefix}_V"
        statements += _apart(f"{prefix}_k", faster + (" * ada_faster" if prefix == "ada" else ""), f"{prefix}_ka")
        gain = f"{prefix}_ka / ({prefix}_V * ({prefix}_ka - {prefix}_k))"
        statements.append(Statement(f"{prefix}_gain", gain))
        stores |= {f"{prefix}_k": f"{prefix}_k", f"{prefix}_gain": f"{prefix}_gain"}
    statements += _apart("pr_ke_1", "pr_ke0", "pr_ka")
    statements += _apart("pr_ke", "pr_ke_1", "pr_k")
    statements += lines(_HYDROXYCHLOROQUINE_DAY)
    statements.append(Statement("ig_cleared", "ig_CL10 * (1 + (ig_preg - 1) * ramp)"))
    for name in ("pr_ke", "hq_k10", "hq_k12", "hq_k21", "hq_fast", "hq_slow", "ig_cleared"):
        stores[name] = name
    return Block("drug_day", "doses of a day and the rates until the next", tuple(statements), stores)


def _apart(name: str, value: str, other: str) -> list[Statement]:
    """Define a rate; where it nearly agrees with another, which would divide by nothing, move it by a millionth."""
    raw = f"{name}_raw"
    close = f"step(1e-6 * {other} - maximum({raw} - {other}, {other} - {raw}))"
    return [Statement(raw, value), Statement(name, f"where({close}, {other} * (1 + 1e-6), {raw})")]


def _one_compartment(prefix: str, length: str, label: str = "") -> list[Statement]:
    """Absorption and elimination over `length`; from ``PREFIX_depot`` and ``PREFIX_C`` with suffix `label`."""
    now = f"{label}_now"
    return [
        Statement(f"{prefix}_e_in{now}", f"exp(0 - {prefix}_ka * {length})"),
        Statement(f"{prefix}_e_out{now}", f"exp(0 - {prefix}_k * {length})"),
        Statement(
            f"{prefix}_C{now}",
            f"{prefix}_C{label} * {prefix}_e_out{now}"
            f" + {prefix}_gain * {prefix}_depot{label} * ({prefix}_e_out{now} - {prefix}_e_in{now})",
        ),
        Statement(f"{prefix}_depot{now}", f"{prefix}_depot{label} * {prefix}_e_in{now}"),
    ]


def advance() -> Block:
    """Return the linear drugs after a time ``h``.

    Returns
    -------
    Block
        Exact for any ``h``; unchanged for ``h = 0``.
    """
    statements: list[Statement] = []
    for prefix in ANTIBODIES:
        statements += _one_compartment(prefix, "h")
    statements += lines(_PREDNISOLONE + _HYDROXYCHLOROQUINE)
    stores = {f"{state}_now": state for state in LINEAR}
    return Block("advance", "linear drugs after a time h", tuple(statements), stores)


def bound(suffix: str = "") -> str:
    """Return bound over free TNF of all antibodies together.

    Parameters
    ----------
    suffix : str
        Of the concentrations.

    Returns
    -------
    str
        An expression; C in mg/L, molar mass in kg/mol, KD in pmol/L.
    """
    return total(f"{p}_C{suffix} * 1e6 / ({p}_M * {p}_KD)" for p in ANTIBODIES)


def drives() -> Block:
    """Return the drives of the linear drugs.

    Returns
    -------
    Block
        ``u_GC``, ``u_HCQ``, ``u_aT`` and bound over free TNF ``q``; all 0 without drug.
    """
    statements = (
        Statement("q", bound()),
        Statement("u_aT", "0 - log(1 + kc / kdeg * rhoT * q)"),
        Statement("u_GC", "pr_Gmax * pr_Ce / (pr_IC50 + pr_Ce)"),
        Statement("hq_C", "hq_blood / hq_V"),
        Statement("u_HCQ", "2 * hq_C / (hq_C + hq_Cref)"),
    )
    return Block("drives", "effects of the linear drugs", statements, {s.name: s.name for s in statements})


def immunoglobulin() -> Block:
    """Return the rates of immunoglobulin and its drive.

    Returns
    -------
    Block
        Keeps ``d_STATE`` and ``u_IVIG``.
    """
    statements = lines(_IMMUNOGLOBULIN)
    kept = ("d_ig_blood", "d_ig_tissue", "d_ig_Ce", "u_IVIG", "ig_C")
    return Block("immunoglobulin", "immunoglobulin and its effect", statements, {name: name for name in kept})


def serum(name: str, with_antibody: bool) -> Block:
    """Return total serum TNF after one piece of a step.

    Parameters
    ----------
    name : str
        Of the block.
    with_antibody : bool
        Whether antibodies may be there; without them the loss rate is that of free TNF.

    Returns
    -------
    Block
        From the antibodies ``PREFIX_C_r`` at the start of the piece, and the logarithm of the source at the start,
        middle and end of the whole step (``y_0``, ``y_m``, ``y_1``); the piece begins at ``at_0`` and has ``width``,
        both as shares of the step, whose length is ``step_length``.
    """
    stores = {"R_now": "R"}
    if with_antibody:
        statements = [Statement("half", "0.5 * width * step_length"), Statement("q_0", bound("_r"))]
        for label, found in (("_r", "q_m"), ("_r_now", "q_1")):
            for prefix in ANTIBODIES:
                statements += _one_compartment(prefix, "half", label)
            statements.append(Statement(found, bound(f"{label}_now")))
        for prefix in ANTIBODIES:
            for part in ("C", "depot"):
                stores[f"{prefix}_{part}_r_now_now"] = f"{prefix}_{part}_r"
    else:
        statements = [Statement(found, "0") for found in ("q_0", "q_m", "q_1")]
    return Block(name, "total serum TNF over a piece of a step", (*statements, *lines(_SERUM)), stores)


def serum_rate() -> Block:
    """Return the rate of change of total serum TNF.

    Returns
    -------
    Block
        Keeps ``d_R``.
    """
    statements = lines("d_R = kdeg * exp(y_TNFs) - (kdeg + kc * q) / (1 + q) * R")
    return Block("serum_rate", "rate of total serum TNF", statements, {"d_R": "d_R"})

"""Where a value stands among women of the same phase, or why it cannot be placed."""

from __future__ import annotations

from dataclasses import dataclass

from decidua.measurement import Measurement, Moment


@dataclass(frozen=True, slots=True)
class Women:
    """The women a value is drawn among while they are too few for a limit.

    Attributes
    ----------
    values : tuple of float
        One value a woman, in the unit of the measurement, ascending.
    from_day, to_day : int or None
        Gestational days they were seen at [d].
    """

    values: tuple[float, ...]
    from_day: int | None = None
    to_day: int | None = None

    @property
    def middle(self) -> float:
        """Median of the women's values."""
        half, odd = divmod(len(self.values), 2)
        return self.values[half] if odd else (self.values[half - 1] + self.values[half]) / 2


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a reference interval, each with its own 90 % interval where it is known.

    Attributes
    ----------
    low, high : float
        Centiles 2.5 and 97.5, in the unit of the measurement.
    low_lower, low_upper, high_lower, high_upper : float or None
        Intervals of the two limits.
    """

    low: float
    high: float
    low_lower: float | None = None
    low_upper: float | None = None
    high_lower: float | None = None
    high_upper: float | None = None

    def side(self, value: float) -> str:
        """Tell on which side of the limits a value lies.

        Parameters
        ----------
        value : float
            In the unit of the limits.

        Returns
        -------
        str
            ``below``, ``inside`` or ``above``; a value equal to a limit is inside.
        """
        return "below" if value < self.low else "above" if value > self.high else "inside"


@dataclass(frozen=True, slots=True)
class Placement:
    """A result placed against a reference of the same measurand and phase.

    Attributes
    ----------
    measurement, moment
        What is placed, and when.
    reference_id : str
        Row group of the reference; empty where none fits.
    n_women : int
        Women behind it.
    population, source, licence : str
        Of the reference.
    z, z_lower, z_upper : float or None
        Standard deviation score with 95 % interval: reference and measurement error, not shrunk.
    centile, centile_lower, centile_upper : float or None
        The same as centiles, 0-100.
    p_outside : float or None
        Probability that the true value lies outside the central 95 %, the population as prior.
    low, median, high : float or None
        Centiles 2.5, 50 and 97.5 of the reference at this moment, in the result's unit.
    limits : Limits or None
        The limits, where the reference is an interval: it gives no z and no centile.
    women : Women or None
        The women themselves, where the reference gives their values.
    indicative : bool
        Whether the curve or the limits rest on fewer than 40 women: study reports only.
    not_placeable : str
        ``FIELD: ours, theirs`` or a reason; empty where placed.
    """

    measurement: Measurement
    moment: Moment
    reference_id: str = ""
    n_women: int = 0
    population: str = ""
    source: str = ""
    licence: str = ""
    z: float | None = None
    z_lower: float | None = None
    z_upper: float | None = None
    centile: float | None = None
    centile_lower: float | None = None
    centile_upper: float | None = None
    p_outside: float | None = None
    low: float | None = None
    median: float | None = None
    high: float | None = None
    women: Women | None = None
    indicative: bool = False
    not_placeable: str = ""
    limits: Limits | None = None

    @property
    def side(self) -> str:
        """``below``, ``inside`` or ``above`` the limits of an interval; empty where none is placed against."""
        value = self.measurement.quantity.value
        return "" if self.limits is None or value is None else self.limits.side(value)

    @property
    def women_below(self) -> int:
        """How many of the women drawn lie below the value."""
        value = self.measurement.quantity.value
        return 0 if self.women is None or value is None else sum(v < value for v in self.women.values)

    @property
    def outside_women(self) -> str:
        """``above`` or ``below`` all the women drawn, else empty; a censored result is never outside."""
        value = self.measurement.quantity.value
        if self.women is None or value is None or self.measurement.quantity.censored != "none":
            return ""
        if value > self.women.values[-1]:
            return "above"
        return "below" if value < self.women.values[0] else ""


def placement_line(placement: Placement) -> dict[str, object]:
    """Write a placement as its JSON line.

    Parameters
    ----------
    placement : Placement
        Placed or not.

    Returns
    -------
    dict
        Keys of the format reference; numbers are None where the result is not placed.
    """
    m, moment = placement.measurement, placement.moment
    return {
        "kind": "placement",
        "subject": m.key.subject,
        "visit": m.key.visit,
        "phase": moment.phase,
        "gestational_day": moment.gestational_day,
        "measurand": m.measurand.id,
        "value": m.quantity.value,
        "unit": m.quantity.unit,
        "centile": placement.centile,
        "centile_lower": placement.centile_lower,
        "centile_upper": placement.centile_upper,
        "z": placement.z,
        "z_lower": placement.z_lower,
        "z_upper": placement.z_upper,
        "p_outside": placement.p_outside,
        "low": placement.low,
        "high": placement.high,
        "side": placement.side or None,
        "estimand": "today",
        "reference_id": placement.reference_id or None,
        "n_women": placement.n_women or None,
        "women_below": None if placement.women is None or m.quantity.value is None else placement.women_below,
        "indicative": placement.indicative,
        "not_placeable": placement.not_placeable or None,
    }

"""What was measured: fourteen fields that together are the identity of a result."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace

from decidua.errors import NotComparable
from decidua.knowledge import fact

QUANTITIES = ("share", "count", "concentration", "ratio", "lysis", "lytic_units", "activity", "signal")


@dataclass(frozen=True, slots=True)
class Measurand:
    """The identity of a quantity; results that differ in a binding field are never compared.

    Attributes
    ----------
    quantity : str
        One of `QUANTITIES`.
    numerator : str
        ``IFNG+``, or an analyte or population id.
    parent : str
        Parent population.
    denominator : str
        Lower term of a ratio.
    material, sample_age_class, stimulus : str
        Ids of the knowledge tables.
    stimulus_h : float or None
        Hours of stimulation [h].
    blocker, background, threshold, platform, kit, laboratory : str
        Empty where not stated.
    """

    quantity: str
    numerator: str
    parent: str = ""
    denominator: str = ""
    material: str = ""
    sample_age_class: str = "not_stated"
    stimulus: str = "none"
    stimulus_h: float | None = None
    blocker: str = "none"
    background: str = ""
    threshold: str = ""
    platform: str = ""
    kit: str = ""
    laboratory: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """The fourteen identity values as text, hours as ``%g``, nothing for not stated."""
        return tuple(_text(getattr(self, name)) for name in IDENTITY_FIELDS)

    @property
    def id(self) -> str:
        """``NUMERATOR.QUANTITY@`` and eight digits of the hash of the identity."""
        digest = hashlib.sha256("|".join(self.values).encode("utf-8")).hexdigest()[:8]
        return f"{self.numerator}.{self.quantity}@{digest}"

    @property
    def is_routine(self) -> bool:
        """Whether only quantity, numerator, material and unit bind.

        True for counts of leucocytes and their standard subsets and for routine chemistry.
        """
        if self.quantity == "count":
            found = fact("populations", self.numerator)
            return found is not None and found["routine_count"] == "yes"
        if self.quantity == "concentration":
            found = fact("analytes", self.numerator)
            return found is not None and found["routine_chemistry"] == "yes"
        return False

    @property
    def binding_fields(self) -> tuple[str, ...]:
        """Names of the identity fields that must agree."""
        return ("quantity", "numerator", "material") if self.is_routine else IDENTITY_FIELDS

    def mismatch(self, other: Measurand) -> str | None:
        """Name the first binding field in which another measurand differs.

        Parameters
        ----------
        other : Measurand
            What this one is held against.

        Returns
        -------
        str or None
            ``FIELD: ours, theirs``; not stated against a value is a mismatch. None where they agree.
        """
        for name in self.binding_fields:
            ours, theirs = _text(getattr(self, name)), _text(getattr(other, name))
            if ours != theirs:
                return f"{name}: {ours or 'not stated'}, {theirs or 'not stated'}"
        return None

    def require_same(self, other: Measurand) -> None:
        """Refuse to compare with another measurand.

        Parameters
        ----------
        other : Measurand
            What this one is to be compared, divided or placed with.

        Raises
        ------
        NotComparable
            Naming the field in which they differ.
        """
        difference = self.mismatch(other)
        if difference:
            raise NotComparable(
                f"{self.id} and {other.id} are different measurands ({difference}).",
                place=difference.split(":")[0],
            )

    def with_fields(self, **changes: str | float | None) -> Measurand:
        """Return a copy with some fields replaced.

        Parameters
        ----------
        **changes : str, float or None
            New values by field name.

        Returns
        -------
        Measurand
            The changed identity.
        """
        return replace(self, **changes)  # type: ignore[arg-type]


IDENTITY_FIELDS: tuple[str, ...] = tuple(f.name for f in fields(Measurand))


def _text(value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:g}"

"""What is planted in a made woman: shares, cells, killing. The numbers are made to be plausible and have no source."""

from __future__ import annotations

from dataclasses import dataclass

PHASES = ("follicular", "peri_implantation", "first_trimester", "second_trimester")
"""Phases of the four visits."""

DAYS = (7, 20, 84, 168)
"""Their days from the last period [d]: before conception, LH+7, 12 and 24 weeks."""

LH_SURGE_DAY = 13
LIVE = "lymphocytes[live]"
HELPER, CYTOTOXIC, KILLER = "T_helper", "T_cytotoxic", "NK"
MARKERS = ("IFNG", "TNF", "IL4", "IL10", "IL17A")


@dataclass(frozen=True, slots=True)
class Trait:
    """A quantity that varies between women and between visits, log-normally.

    Attributes
    ----------
    numerator, parent : str
        As in the identity of the result; `parent` empty for killing.
    axis : str
        What a woman planted on this trait is high in; empty where none is planted.
    medians : tuple of float
        By phase, in `PHASES`' order [% for shares, 1 otherwise].
    spread : float
        SD of the logarithm among women of one phase [1].
    background : float
        Median share in the unstimulated tube [%].
    """

    numerator: str
    parent: str
    axis: str
    medians: tuple[float, float, float, float]
    spread: float
    background: float = 0.0

    @property
    def key(self) -> tuple[str, str]:
        """Numerator and parent."""
        return self.numerator, self.parent


RESPONSES = (
    Trait("IFNG+", HELPER, "Th1", (14.0, 18.0, 11.0, 9.0), 0.25, 0.10),
    Trait("TNF+", HELPER, "Th1", (26.0, 32.0, 21.0, 18.0), 0.22, 0.35),
    Trait("IL4+", HELPER, "", (1.8, 1.6, 2.4, 2.8), 0.28, 0.10),
    Trait("IL10+", HELPER, "", (0.35, 0.32, 0.50, 0.60), 0.30, 0.25),
    Trait("IL17A+", HELPER, "", (0.90, 1.00, 0.75, 0.65), 0.30, 0.04),
    Trait("IFNG+", CYTOTOXIC, "", (36.0, 42.0, 31.0, 28.0), 0.20, 0.15),
    Trait("TNF+", CYTOTOXIC, "", (24.0, 28.0, 20.0, 18.0), 0.25, 0.30),
    Trait("IL4+", CYTOTOXIC, "", (0.25, 0.22, 0.30, 0.32), 0.30, 0.06),
    Trait("IL10+", CYTOTOXIC, "", (0.060, 0.055, 0.080, 0.090), 0.35, 0.05),
    Trait("IFNG+", KILLER, "", (52.0, 56.0, 46.0, 42.0), 0.15, 0.30),
    Trait("TNF+", KILLER, "", (18.0, 21.0, 15.0, 13.0), 0.25, 0.40),
)
"""Net shares of stimulated cells; IL-10 lies close to its background."""

CELLS = (
    Trait("NK", LIVE, "NK number", (11.0, 10.5, 8.5, 8.0), 0.28),
    Trait("T_helper", "T", "", (63.0, 63.0, 62.0, 61.0), 0.06),
)
T_OF_REST = Trait("T", LIVE, "", (84.0, 84.0, 83.0, 82.0), 0.03)
"""T cells among live lymphocytes that are no NK cells [%]."""

ACTIVITY = Trait("NK", "", "NK activity", (0.26, 0.25, 0.22, 0.21), 0.38)
"""Killing rate per NK cell and target [1]."""

PLATEAU = Trait("plateau", "", "", (0.45, 0.45, 0.44, 0.42), 0.08)
"""Largest share of targets that is killed [1]."""

TRAITS = (*RESPONSES, *CELLS, T_OF_REST, ACTIVITY, PLATEAU)

"""The six scenarios of the expected numbers, and helpers that several tests share."""

import math

from decidua.simulation import Course, Infection, Regimen, Women

LN2 = math.log(2)
ALL_DRUGS = Regimen(
    "all four",
    (
        Course("adalimumab", 40, 40, 14, 292),
        Course("prednisolone", 20, 30, 1, 120),
        Course("hydroxychloroquine", 310, 28, 1, 279),
        Course("ivig", 60, 30, 21, 72),
    ),
)
ADALIMUMAB = Regimen("adalimumab", (Course("adalimumab", 40, 40, 14, 292),))
PREDNISOLONE = Regimen("prednisolone", (Course("prednisolone", 20, 30, 1, 120),))
SCENARIOS = {
    "reference": {"women": Women.alike()},
    "drive_x2": {"women": Women.alike(s_Mi=LN2)},
    "infection_d224_238": {"women": Women.alike(), "infections": (Infection(224, 238),)},
    "loss_d63": {"women": Women.alike(loss_day=63)},
    "no_conception": {"women": Women.alike(conceives=0), "days": 126},
    "drugs": {"women": Women.alike(), "regimen": ALL_DRUGS},
}


def one(drug, *args, **kwargs):
    """A regimen of one course."""
    return Regimen(drug, (Course(drug, *args, **kwargs),))

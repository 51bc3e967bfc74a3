"""Regimens: what they give on which day, and what they refuse before anything is integrated."""

import pytest

from decidua.errors import BrokenStudy, OutsideLimits, UnreadableFile
from decidua.simulation import Antibodies, Course, Infection, Regimen, Women, read_regimen, simulate
from decidua.simulation.kinetics import DEPOTS
from decidua.simulation.plan import GRIDS, plan

GOOD = """
regimen = { schema = 1, id = "two drugs" }
[[course]]
drug = "adalimumab"
dose = 40
unit = "mg"
first = 40
every = 14
last = "end"
antibodies = { day = 60, factor = 3.0 }
[[course]]
drug = "prednisolone"
dose = 20
unit = "mg"
first = "peri_implantation"
last = "first_trimester"
"""


def written(tmp_path, text):
    path = tmp_path / "regimen.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read(tmp_path):
    regimen = read_regimen(written(tmp_path, GOOD))
    first, second = regimen.courses
    assert (first.first, first.every, first.until_end, first.antibodies) == (40, 14, True, Antibodies(60, 3.0))
    assert second.days == range(18, 98)
    assert regimen.parameters() == {"ada_ab_day": 60.0, "ada_ab": 3.0}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("adalimumab", "adalimumub"), OutsideLimits, "adalimumab"),
        (('drug = "prednisolone"', 'drug = "tacrolimus"'), OutsideLimits, "tacrolimus"),
        (('drug = "prednisolone"', 'drug = "lipid_emulsion"'), OutsideLimits, "lipid emulsion"),
        (("first = 40", "first = 40.5"), BrokenStudy, "whole day"),
        (("every = 14", "every = 0.5"), BrokenStudy, "whole day"),
        (("every = 14", "every = 0"), OutsideLimits, "interval"),
        (("dose = 40", "dose = -40"), OutsideLimits, "-40"),
        (("dose = 40", "dose = nan"), OutsideLimits, "nan"),
        (("dose = 40", 'dose = "40"'), OutsideLimits, "40"),
        (("dose = 40", "dose = true"), OutsideLimits, "True"),
        (("dose = 40", "dose = 4000"), OutsideLimits, "largest"),
        (('unit = "mg"\nfirst = 40', 'unit = "g"\nfirst = 40'), BrokenStudy, "mg"),
        (("first = 40", "first = 310"), OutsideLimits, "310"),
        (('last = "end"', "last = 310"), OutsideLimits, "birth"),
        (('last = "end"', "last = 39"), OutsideLimits, "39"),
        (('first = "peri_implantation"', 'first = "post_partum"'), BrokenStudy, "post_partum"),
        (('first = "peri_implantation"', 'first = "peri_implantaton"'), BrokenStudy, "peri_implantation"),
        (("every = 14", "evry = 14"), BrokenStudy, "every"),
        (("schema = 1", "schema = 2"), BrokenStudy, "schema"),
        (("first = 40\n", ""), BrokenStudy, "first is missing"),
        (("dose = 40", "dose = = 40"), BrokenStudy, "TOML"),
        (("factor = 3.0", "factor = 30.0"), OutsideLimits, "2.6"),
        (("day = 60", "day = 60.5"), BrokenStudy, "whole day"),
        (
            ('drug = "prednisolone"', 'drug = "prednisolone"\nantibodies = { day = 3, factor = 3.0 }'),
            OutsideLimits,
            "anti",
        ),
        (('drug = "prednisolone"', 'drug = "prednisolone"\nclearance_in_pregnancy = 9.0'), OutsideLimits, "9.0"),
        (("regimen =", "regime ="), BrokenStudy, "regimen"),
        (('last = "end"\n', ""), BrokenStudy, "last"),
        (("[[course]]", "[course]"), BrokenStudy, "TOML|list"),
    ],
)
def test_a_broken_file_is_named(tmp_path, change, error, words):
    assert change[0] in GOOD
    with pytest.raises(error, match=words) as raised:
        read_regimen(written(tmp_path, GOOD.replace(*change, 1)))
    assert raised.value.file == "regimen.toml"
    assert raised.value.remedy


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(UnreadableFile):
        read_regimen(tmp_path / "none.toml")


def test_a_course_in_code_is_checked_alike():
    for wrong in ({"first": 4.0}, {"first": True}, {"dose": float("inf")}, {"every": 2.5, "last": 60}):
        with pytest.raises(OutsideLimits):
            Course(**{"drug": "adalimumab", "dose": 40, "first": 40} | wrong)
    with pytest.raises(OutsideLimits, match="antibodies"):
        Regimen("x", tuple(Course("adalimumab", 40, 40, antibodies=Antibodies(d, 3.0)) for d in (50, 60)))


def test_nothing_is_given_after_a_loss_that_is_known():
    with pytest.raises(OutsideLimits, match="lost on day 63"):
        simulate(Women.alike(loss_day=63), regimen=Regimen("x", (Course("adalimumab", 40, 63),)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"outputs": ("TNFx",)},
        {"outputs": ()},
        {"without": ("th1_hlp",)},
        {"engine": "lane"},
        {"days": 0},
        {"days": 10.0},
        {"days": 701},
        {"every": 0},
        {"threads": 0},
    ],
)
def test_bad_requests_are_named_before_integration(wrong):
    with pytest.raises(OutsideLimits) as raised:
        simulate(Women.alike(), **wrong)
    assert raised.value.remedy


@pytest.mark.parametrize(
    "wrong",
    [
        {"s_Xx": 1.0},
        {"s_Mi": float("nan")},
        {"s_Mi": [1.0, 2.0]},
        {"s_Mi": "high"},
        {"t_imp": 23.5},
        {"t_imp": 10},
        {"loss_day": 20},
        {"conceives": 0.5},
    ],
)
def test_bad_women_are_named(wrong):
    with pytest.raises(OutsideLimits):
        Women.alike(3, **wrong)


def test_infections_are_checked():
    for wrong in ((10, 10), (10.5, 12), (-1, 4)):
        with pytest.raises(OutsideLimits):
            Infection(*wrong)
    with pytest.raises(OutsideLimits):
        Infection(3, 9, 5.0)


def test_doses_fall_on_their_days_and_make_them_fine():
    given = plan(
        60, Regimen("x", (Course("adalimumab", 40, 10, 14, 40), Course("prednisolone", 20, 30, until_end=True)))
    )
    ada, pred = (list(DEPOTS).index(p) for p in ("ada", "pr"))
    assert given.doses[:, 0, ada].nonzero()[0].tolist() == [10, 24, 38]
    assert given.doses[:, 1, pred].nonzero()[0].tolist() == list(range(30, 61))
    assert given.fresh.nonzero()[0].tolist() == [10]
    assert [len(GRIDS[given.grid[d]]) - 1 for d in (9, 10, 11, 30, 45)] == [1, 4, 1, 8, 8]
    single = plan(60, Regimen("x", (Course("prednisolone", 20, 30),)))
    assert [len(GRIDS[k]) - 1 for k in single.grid[29:36]] == [1, 8, 8, 8, 8, 1, 1]


def test_a_course_until_the_end_stops_with_the_pregnancy():
    woman = Women.alike(loss_day=63)
    stopped, given = (
        simulate(woman, regimen=Regimen("x", (course,)), outputs=("ada_C",), days=120).of("ada_C")[0]
        for course in (Course("adalimumab", 40, 30, 14, until_end=True), Course("adalimumab", 40, 30, 14, 120))
    )
    assert (stopped[:73] == given[:73]).all()
    assert stopped[100] < 0.5 * given[100]

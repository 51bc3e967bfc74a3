"""The model's tables: units that are units, sources that exist, and what is refused."""

import pytest
import ucumvert

from decidua.errors import BrokenKnowledge
from decidua.knowledge import rows, table
from decidua.knowledge.load import TABLES, read_knowledge
from decidua.simulation.equations import cells, cytokines
from decidua.simulation.model import core

MODEL = ("model_states", "model_constants", "gains", "forcing_knots", "background_loss", "mechanisms", "population",
         "hormones", "drugs", "pk")  # fmt: skip


def test_every_unit_is_of_ucum():
    parser = ucumvert.get_ucum_parser()
    units = {
        row[column] for name in MODEL for row in rows(name) for column in ("unit", "dose_unit") if column in row.cells
    }
    for unit in units - {"", "1", "%"}:
        parser.parse(unit)
    assert len(units) > 15
    with pytest.raises(Exception, match=r"per day|Unexpected"):
        parser.parse("per day")


def test_every_source_is_used_and_every_paper_listed():
    used = {code for name in MODEL for row in rows(name) for code in row.codes("source_id")}
    assert used == set(table("model_sources"))
    for name in MODEL:
        for row in rows(name):
            if row["evidence_kind"] in ("paper", "computed"):
                assert row.codes("source_id"), (name, row.key)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((",/d,", ",,"), "no unit"),
        (("wilcox1988", ""), "without source"),
        (("wilcox1988", "wilcox1888"), "wilcox1988"),
        (("0.01307691365", "0.0130x"), "no number"),
        (("paper", "papers"), "paper"),
        (("h0_42", "h0_0"), "repeats"),
    ],
)
def test_a_broken_row_is_refused(tmp_path, change, words):
    text = (
        "loss_id,from_day,to_day,value,unit,note,evidence_kind,source_id\n"
        "h0_0,0,41,0.01307691365,/d,,paper,wilcox1988\n"
        "h0_42,42,48,0.002391332001,/d,,paper,sab_week\n"
    )
    path = tmp_path / "background_loss.csv"
    path.write_text(text, encoding="utf-8")
    assert len(read_knowledge(path, TABLES["background_loss"])) == 2
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(BrokenKnowledge) as raised:
        read_knowledge(path, TABLES["background_loss"])
    assert words in str(raised.value)


def test_constants_lie_in_their_ranges():
    for constant in table("model_constants").values():
        low, value, high = (constant.number(name) for name in ("low", "value", "high"))
        if low is not None and high is not None:
            assert low <= value <= high, constant.key


def test_states_and_parameters_are_those_of_the_core():
    assert len(cells()) == 17
    assert set(cytokines()) == {"IL10u", "TGFu", "TNFu", "IFNu", "IL6u", "TNFs", "IL6s", "IL10s"}
    assert (
        cytokines().index("IL10u") < cytokines().index("TNFu") < cytokines().index("IL6u") < cytokines().index("IL6s")
    )
    model = core()
    assert set(model.units) == set(model.parameters)
    for block in model.blocks.values():
        for name in block.needs:
            assert name in model.rows or name in model.literals, (block.name, name)


def test_no_constant_is_without_use():
    model = core()
    read = {name for block in model.blocks.values() for name in block.needs}
    forcing = {"t_imp_ref", "E2_f", "late_from", "late_span", "stretch_from", "stretch_span"}
    doses = {"pr_Mw", "pr_Fref", "pr_Fexp"}
    assays = {"pr_Bmax", "pr_Kcbg", "pr_Kns", "c_capacity"}
    elsewhere = forcing | doses | assays | {"birth_from", "birth_to"}
    assert set(model.literals) - read == elsewhere
    resting = {f"s_{name}" for name in (*cells(), *cytokines())}
    assert set(model.parameters) - read - resting == set()

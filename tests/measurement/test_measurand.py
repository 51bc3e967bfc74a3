"""Identity: the computed id, which fields bind, and the refusal that names the field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decidua.errors import NotComparable
from decidua.measurement import IDENTITY_FIELDS, Measurand

IFNG = Measurand(
    quantity="share",
    numerator="IFNG+",
    parent="T_helper",
    material="blood_heparin",
    sample_age_class="fresh",
    stimulus="pma_ionomycin",
    stimulus_h=4.0,
    blocker="brefeldin_a",
    background="subtracted",
    threshold="drawn",
    laboratory="LAB1",
)
NK = Measurand("count", "NK", material="blood_edta", sample_age_class="fresh", laboratory="LAB1")


def test_the_printed_ids() -> None:
    assert IFNG.id == "IFNG+.share@f7a2876d"
    assert NK.id == "NK.count@1cb551f9"


def test_there_are_fourteen_fields() -> None:
    assert len(IDENTITY_FIELDS) == 14


@pytest.mark.parametrize("name", IDENTITY_FIELDS)
def test_every_field_of_a_share_binds(name: str) -> None:
    other = IFNG.with_fields(**{name: 6.0 if name == "stimulus_h" else "other"})
    assert (IFNG.mismatch(other) or "").startswith(f"{name}: ")
    assert other.id != IFNG.id
    with pytest.raises(NotComparable) as caught:
        IFNG.require_same(other)
    assert caught.value.place == name


def test_not_stated_against_a_value_is_a_mismatch() -> None:
    assert IFNG.mismatch(IFNG.with_fields(laboratory="")) == "laboratory: LAB1, not stated"


def test_counts_of_standard_subsets_bind_by_material_only() -> None:
    theirs = NK.with_fields(laboratory="APPS2020", sample_age_class="not_stated", blocker="")
    assert NK.mismatch(theirs) is None
    assert NK.mismatch(theirs.with_fields(material="blood_heparin")) == "material: blood_edta, blood_heparin"


def test_counts_of_other_populations_bind_by_everything() -> None:
    bright = NK.with_fields(numerator="NK_bright")
    assert bright.mismatch(bright.with_fields(laboratory="B")) == "laboratory: LAB1, B"


def test_routine_chemistry_binds_by_material_only() -> None:
    crp = Measurand("concentration", "CRP", material="serum", laboratory="A")
    tnf = Measurand("concentration", "TNF", material="serum", laboratory="A")
    assert crp.mismatch(crp.with_fields(laboratory="B", kit="k")) is None
    assert tnf.mismatch(tnf.with_fields(kit="k")) == "kit: not stated, k"


text = st.text(st.characters(codec="utf-8", exclude_characters="|", categories=("L", "N")), max_size=5)


@given(st.lists(text, min_size=12, max_size=12), st.lists(text, min_size=12, max_size=12))
def test_ids_differ_where_identities_do(ours: list[str], theirs: list[str]) -> None:
    names = [n for n in IDENTITY_FIELDS if n not in ("stimulus_h", "quantity")]
    a, b = (Measurand(quantity="share", **dict(zip(names, values, strict=True))) for values in (ours, theirs))
    assert (a.id == b.id) == (a.values == b.values)

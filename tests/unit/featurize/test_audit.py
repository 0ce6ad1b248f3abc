"""`audit: true`: a column is parsed, described and kept, and no model sees it."""

import pytest

from creditrisk.champion.groups import FairnessParams, frame_groupings
from creditrisk.core.columns import feature_columns, original_values
from creditrisk.core.errors import InputError
from creditrisk.eda.adjust import EdaParams, learn
from creditrisk.eda.describe import title
from creditrisk.eda.findings import Findings
from creditrisk.eda.report import build_page
from creditrisk.prepare.contract import check_clean
from creditrisk.prepare.gates import check_cells, check_quality_gates
from creditrisk.prepare.parse import parse
from creditrisk.schema import parse_schema
from tests.support.audited import (
    AUDITED,
    CODE,
    NOTATION,
    explored,
    featured,
    prepared,
    schema,
    scorer,
    tree,
)
from tests.support.small_data import DEFAULT_CLEAN, clean, params, raw_of


def test_the_clean_rows_have_it_and_fulfil_their_contract():
    rows = prepared().clean
    check_clean(rows, schema())
    assert {"age", "foreign_worker", "special.age"} <= set(rows)
    assert (rows["special.age"] == CODE).any()


def test_eda_describes_it_and_says_what_it_is_for():
    train = prepared().clean[prepared().clean["split"] == "train"]
    found = Findings.of(train, schema())
    assert set(AUDITED) <= set(found.information_value["variable"])
    assert title(schema(), "age") == "age (years, audit only)"
    page = build_page(train, schema(), found, explored()[1], EdaParams(), prepared().summary,
                      prepared().rejected).html()  # fmt: skip
    assert "Kept for audit only, out of the model: age, foreign worker." in page


def test_eda_does_not_adjust_it():
    frame = prepared().clean
    strict = EdaParams(cap_iqr_factor=0.1, rare_level_share=0.4)
    found = learn(frame, schema(), strict)
    assert "duration" in found["caps"]
    assert not {*found["caps"], *found["merges"]} & set(AUDITED)


def test_featurize_keeps_the_original_values_alone():
    frame, features = featured()
    assert features["audit"] == AUDITED
    lists = [*features["numeric"], *features["nominal"], *features["ordinal"]]
    assert feature_columns(frame) == lists
    assert not {n for n in (*lists, *features["missing"], *features["monotone"])
                if "age" in n or "foreign" in n}  # fmt: skip
    assert features["left_out"] == {"per_year": "age is for audit only"}
    for name in ("age", "foreign_worker", "special.age"):
        assert name not in frame
        assert original_values(frame, name).equals(explored()[0][name])


def test_groups_are_found_by_what_is_kept():
    frame, _ = featured()
    by = FairnessParams.model_validate({"age": {"bins": [25]}, "foreign_worker": "levels"})
    found = frame_groupings(frame, by.groups, schema())
    assert set(found["age"].unique()) == {"under 25", "from 25", "not stated"}
    stated = prepared().clean["special.age"] == CODE
    assert (found["age"] == "not stated").tolist() == stated.tolist()
    assert (found["foreign_worker"] == "yes").tolist() == (
        prepared().clean["foreign_worker"] == "1"
    ).tolist()


def test_a_model_that_is_trained_on_the_frame_does_not_see_it():
    fitted = scorer().champion
    assert not {n for n in fitted.columns if "age" in n or "foreign" in n}
    frame, _ = featured()
    changed = frame.assign(**{"original.age": 99.0, "original.foreign_worker": "2"})
    columns = feature_columns(frame)
    before, after = (fitted.model.predict_proba(f[columns]) for f in (frame, changed))
    assert (before == after).all()


def rows_that_differ_in_audit_only(pairs):
    """A clean table in which some rows have a second one with another age and foreign worker."""
    rows = DEFAULT_CLEAN.head(200).to_dict("records")
    for row in rows[:pairs]:
        other = {"alter": "77", "gastarb": "1" if row["gastarb"] == "2" else "2"}
        rows.append(row | other)
    return raw_of(rows, schema())


def test_rows_that_are_equal_to_the_model_are_one_applicant():
    found = clean(rows_that_differ_in_audit_only(5), schema())
    kept = found.clean
    assert found.summary["rows_rejected"] == 0, "they are no duplicates: they differ"
    pairs = kept[kept["applicant"] != kept["row_id"]]
    assert pairs["row_id"].tolist() == [201, 202, 203, 204, 205]
    assert pairs["applicant"].tolist() == [1, 2, 3, 4, 5]
    assert found.summary["equal_rows"] == {"together": 10, "by_chance": 0}
    assert (kept.groupby("applicant")["split"].nunique() == 1).all()


def with_cells(share, text):
    rows = DEFAULT_CLEAN.head(100).to_dict("records")
    for row in rows[: int(share * 100)]:
        row["gastarb"] = text
    return raw_of(rows, schema())


def test_it_may_be_unknown_of_many_but_not_unreadable():
    limits = params(max_missing_share=0.5)
    for text, stops in (("", False), ("?", False), ("male", True)):
        raw = with_cells(0.8, text)
        _, causes = parse(raw, schema(), NOTATION)
        given = (raw, causes, schema(), NOTATION, limits, "params.yaml")
        if stops:
            with pytest.raises(
                InputError, match=r"foreign_worker: 80\.0% of the cells are missing"
            ):
                check_cells(*given)
        else:
            check_cells(*given)
    counts = {"valid": 20, "empty": 80, "null_word": 0, "unparseable": 0, "out_of_domain": 0}
    summary = {"missing": {"foreign_worker": 80}, "cells": {"foreign_worker": counts},
               "rows_clean": 100, "rows_read": 100, "rejected": {}}  # fmt: skip
    check_quality_gates(summary, limits, "params.yaml", audited=schema().audited)
    with pytest.raises(InputError):
        check_quality_gates(summary, limits, "params.yaml")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"alter": {"mutable": "true"}}, "can't be mutable or monotone"),
        ({"alter": {"monotone": "up"}}, "can't be mutable or monotone"),
        ({"alter": {"kind": "id", "special": {}, "min": None, "max": None, "integer": "false"}},
         "for variables, not for ids"),
        (
            {name: {"audit": "true", "mutable": "false"} for name in tree()["columns"]},
            "there is no feature column",
        ),
    ],
)  # fmt: skip
def test_a_schema_in_which_it_makes_no_sense_is_refused(changes, problem):
    wrong = tree()
    for source, entries in changes.items():
        wrong["columns"][source] |= entries
    with pytest.raises(InputError, match=problem):
        parse_schema(wrong, "x.yaml")

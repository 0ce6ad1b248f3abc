"""A block of params.yaml: what holds for the number of rows."""

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.modeling.blocks import block_for, fit_rows, grid, place_of
from creditrisk.modeling.sample import search_sample

BLOCK = {
    "max_depth": [2, 3],
    "n_estimators": 10,
    "when_rows_above": {
        1000: {"max_depth": 4},
        10000: {"max_depth": [4, 6], "n_estimators": 50, "fit_rows": 5000},
    },
}


@pytest.mark.parametrize(
    ("rows", "depth", "trees", "limit"),
    [
        (1000, [2, 3], 10, None),
        (1001, 4, 10, None),
        (10000, 4, 10, None),
        (10001, [4, 6], 50, 5000),
    ],
)  # fmt: skip
def test_values_hold_from_their_number_of_rows_on(rows, depth, trees, limit):
    block = block_for("xgb", BLOCK, rows)
    assert block["max_depth"] == depth
    assert block["n_estimators"] == trees
    assert fit_rows(block) == limit
    assert "when_rows_above" not in block


def test_the_grid_is_that_of_the_number_of_rows():
    assert [c["max_depth"] for c in grid("xgb", BLOCK, 1, 500)] == [2, 3]
    assert [c["max_depth"] for c in grid("xgb", BLOCK, 1, 5000)] == [4]
    assert [c["max_depth"] for c in grid("xgb", BLOCK, 1, 50_000)] == [4, 6]
    assert all("fit_rows" not in c for c in grid("xgb", BLOCK, 1, 50_000))


def test_where_a_value_comes_from():
    assert place_of("xgb", BLOCK, 500, "max_depth") == []
    assert place_of("xgb", BLOCK, 5000, "max_depth") == ["when_rows_above", 1000]
    assert place_of("xgb", BLOCK, 50_000, "max_depth") == ["when_rows_above", 10000]
    assert place_of("xgb", BLOCK, 50_000, "subsample") == []


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ([1], "when_rows_above: not a map"),
        ({"many": {}}, "when_rows_above: 'many' is no number of rows"),
        ({-1: {}}, "when_rows_above: -1 is no number of rows"),
        ({1000: 3}, "when_rows_above.1000: not a block of values"),
        ({1000: {"max_dept": 3}}, "when_rows_above.1000.max_dept: unknown parameter"),
        ({1000: {"max_depth": []}}, "when_rows_above.1000.max_depth: an empty list"),
        ({1000: {"fit_rows": 3}}, "when_rows_above.1000.fit_rows: a whole number of at least 100"),
        ({1000: {"fit_rows": [500]}}, "when_rows_above.1000.fit_rows: a whole number"),
    ],
)
def test_what_holds_for_other_numbers_of_rows_is_checked_too(when, words):
    with pytest.raises(InputError) as error:
        grid("xgb", BLOCK | {"when_rows_above": when}, 1)
    assert f"params.yaml: algorithms.xgb.{words}" in str(error.value)


def portfolio(rows=5000, per=3, seed=0):
    rng = np.random.default_rng(seed)
    applicant = np.sort(rng.integers(0, rows // per, rows))
    good = rng.random(rows // per) < 0.8
    return pd.DataFrame(
        {"row_id": np.arange(rows), "applicant": applicant, "bad": ~good[applicant]}
    )


def test_a_sample_has_whole_applicants_and_the_bad_rate_of_all():
    frame = portfolio()
    some = search_sample(frame, 1000, 1)
    assert 950 <= len(some) <= 1000
    whole = frame[frame["applicant"].isin(some["applicant"])]
    assert some["row_id"].tolist() == whole["row_id"].tolist()
    assert some["bad"].mean() == pytest.approx(frame["bad"].mean(), abs=0.01)
    assert search_sample(frame, 1000, 1).equals(some)
    assert not search_sample(frame, 1000, 2).equals(some)
    assert search_sample(frame, 5000, 1) is frame


def test_a_sample_hangs_on_no_order_of_the_rows():
    frame = portfolio()
    mixed = search_sample(frame.sample(frac=1, random_state=3), 1000, 1)
    assert set(mixed["row_id"]) == set(search_sample(frame, 1000, 1)["row_id"])

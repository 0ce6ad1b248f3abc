"""What refused applicants would gain by leaving out a field, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.referral import columns_of, learn_rules, model_columns
from creditrisk.evaluate.left_out import left_out_table
from creditrisk.metrics.costs import ACCEPT, REJECT, DecisionParams
from creditrisk.schema import parse_schema

NAMES = ["debt", "age"]
SCHEMA = parse_schema(
    {
        "name": "x",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {name: {"name": name, "kind": "numeric"} for name in NAMES},
    },
    "schema.yaml",
)
FEATURES = {"numeric": NAMES, "nominal": [], "ordinal": [], "derived": {}}
TRAIN = pd.DataFrame({"debt": [1.0, np.nan, 9.0, 5.0], "age": [20.0, 30.0, 40.0, 50.0]})
TEST = pd.DataFrame(
    {"debt": [9.0, 9.0, 9.0, 1.0], "age": [20.0, 50.0, 20.0, 50.0], "bad": [1, 1, 0, 0]}
)


def predict(columns):
    """A PD of 0.2 for a stated debt of 9 and for a stated age of 20, which add up."""
    return 0.01 + 0.2 * (columns["debt"] == 9) + 0.2 * (columns["age"] == 20)


def table(predict=predict, required=(), **refer):
    decision = DecisionParams(
        cost_bad_accepted=5, cost_good_rejected=1, threshold="theory",
        required=list(required), refer=refer,
    )  # fmt: skip
    rules = learn_rules(TRAIN, FEATURES, SCHEMA, decision)
    pds = predict(TEST)
    found = left_out_table(
        TRAIN,
        TEST,
        columns_of(TEST, NAMES, {}),
        model_columns(TEST, NAMES),
        np.where(pds >= 1 / 6, REJECT, ACCEPT),
        rules,
        1 / 6,
        predict,
    )
    return found.to_numpy().tolist()


def test_a_field_that_training_lacked():
    assert predict(TEST).tolist() == pytest.approx([0.41, 0.21, 0.41, 0.01])
    # Row 2 would be accepted without its debt, and it went bad; rows 1 and 3 are refused anyway.
    assert table() == [["debt", 0.25, 3, 1, 1]]
    assert table(missing=True) == [["debt", 0.25, 3, 0, 0]]  # all are referred


def test_without_the_rule_every_field_is_listed():
    assert table(missing=False) == [["debt", 0.25, 3, 1, 1], ["age", 0.0, 3, 0, 0]]
    assert table(missing=False, required=["age"]) == [["debt", 0.25, 3, 1, 1]]


def test_a_field_that_no_training_row_lacked_can_be_a_gain_without_the_rule():
    young = {"predict": lambda columns: 0.01 + 0.5 * (columns["age"] == 20)}
    assert table(**young) == [["debt", 0.25, 2, 0, 0]]
    # Both of the refused would be accepted without their age; one of them went bad.
    assert table(**young, missing=False) == [["age", 0.0, 2, 2, 1], ["debt", 0.25, 2, 0, 0]]

"""featurize: what is derived, and what a data set can't have."""

import json

import pandas as pd
import pytest

from creditrisk.core.columns import feature_columns, original_columns
from creditrisk.core.errors import InputError
from creditrisk.featurize import FeaturizeParams, manifest
from creditrisk.schema import parse_schema
from tests.support.project import Project

RATIO = {"op": "ratio", "of": ["amount", "duration"]}


def schema(**kinds):
    columns = {name: {"name": name, "kind": kind} for name, kind in kinds.items()}
    target = {"column": "y", "good": ["1"], "bad": ["0"]}
    return parse_schema({"name": "x", "target": target, "columns": columns}, "x.yaml")


@pytest.mark.parametrize(
    ("kinds", "why"),
    [
        ({"amount": "numeric"}, "no column duration here"),
        ({"amount": "numeric", "duration": "nominal"}, "duration is no numeric column"),
        (
            {"amount": "numeric", "duration": "numeric", "burden": "nominal"},
            "the data have a column burden of their own",
        ),
    ],
)
def test_a_derived_column_that_the_data_cannot_have_is_left_out_and_told(kinds, why):
    params = FeaturizeParams(derived={"burden": RATIO, "half": {"op": "sum", "of": ["burden"] * 2}})
    found = manifest(schema(**kinds), params)
    assert found["left_out"]["burden"] == why
    assert "half" in found["left_out"]
    assert found["derived"] == {}
    assert found["numeric"] == [name for name, kind in kinds.items() if kind == "numeric"]


def test_a_derived_column_may_use_an_earlier_one_and_takes_no_name_of_ours():
    numbers = schema(amount="numeric", duration="numeric")
    derived = {"burden": RATIO, "twice": {"op": "sum", "of": ["burden", "burden"]}}
    found = manifest(numbers, FeaturizeParams(derived=derived))
    assert found["numeric"] == ["amount", "duration", "burden", "twice"]
    assert found["left_out"] == {}
    with pytest.raises(InputError, match=r"featurize\.derived\.split: the name is in use"):
        manifest(numbers, FeaturizeParams(derived={"split": RATIO}))


def test_the_frames_keep_what_was_told_beside_what_was_capped(built: Project):
    data = built.folder / "data"
    clean = pd.read_parquet(data / "interim/clean.parquet").set_index("row_id")
    for side in ("train", "test"):
        frame = pd.read_parquet(data / f"processed/{side}.parquet").set_index("row_id")
        assert original_columns(frame) == ["told.duration", "told.amount"]
        assert (frame["told.amount"] == clean["amount"][frame.index]).all()
        assert (frame["told.amount"] > frame["amount"]).any()
        features = json.loads((data / "processed/features.json").read_text())
        names = [*features["numeric"], *features["nominal"], *features["ordinal"]]
        assert feature_columns(frame.reset_index()) == names

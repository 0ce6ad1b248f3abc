"""featurize: what is derived, and what a data set can't have."""

import pytest

from creditrisk.core.errors import InputError
from creditrisk.featurize import FeaturizeParams, manifest
from creditrisk.schema import parse_schema

RATIO = {"op": "ratio", "of": ["amount", "duration"]}


def schema(**kinds):
    columns = {name: {"name": name, "kind": kind} for name, kind in kinds.items()}
    target = {"column": "y", "good": ["1"], "bad": ["0"]}
    return parse_schema({"name": "x", "target": target, "columns": columns}, "x.yaml")


@pytest.mark.parametrize(
    ("kinds", "why"),
    [
        ({"amount": "numeric"}, "there is no column duration"),
        ({"amount": "numeric", "duration": "nominal"}, "duration is not numeric"),
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
    with pytest.raises(InputError, match=r"featurize\.derived\.split: the name is reserved"):
        manifest(numbers, FeaturizeParams(derived={"split": RATIO}))
    with pytest.raises(InputError, match=r"featurize\.derived\.amount: the data already has"):
        manifest(numbers, FeaturizeParams(derived={"amount": RATIO}))


def test_a_definition_finds_its_columns_in_any_form_of_their_names():
    of = ["dure\u0301e", "dur\u00e9e"]
    found = manifest(
        schema(**{"dur\u00e9e": "numeric"}), FeaturizeParams(derived={"x": {"op": "sum", "of": of}})
    )
    assert found["derived"] == {"x": {"op": "sum", "of": ["dur\u00e9e"] * 2}}

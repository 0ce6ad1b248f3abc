"""The block `fairness`: columns by name beside `min_ratio`."""

import pytest
from pydantic import ValidationError

from creditrisk.champion.groups import Bins, FairnessParams
from creditrisk.core.errors import from_validation
from creditrisk.core.params import Strict

AGE = {"bins": [25, 60]}


class Params(Strict):
    fairness: FairnessParams


def test_a_file_without_the_ratio_stays_valid_and_has_the_four_fifths():
    found = FairnessParams.model_validate({"age": AGE, "foreign_worker": "levels"})
    assert found.groups == {"age": Bins(bins=[25, 60]), "foreign_worker": "levels"}
    assert found.min_ratio == 0.8
    assert FairnessParams.model_validate({}).groups == {}


def test_the_ratio_is_no_column():
    found = FairnessParams.model_validate({"min_ratio": 0.9, "age": AGE})
    assert (list(found.groups), found.min_ratio) == (["age"], 0.9)
    assert found.model_dump() == {"min_ratio": 0.9, "age": {"bins": [25.0, 60.0]}}
    assert FairnessParams.model_validate(found.model_dump()) == found


def test_columns_may_have_names_that_python_uses():
    names = ["groups", "copy", "model_config", "self", "dict"]
    assert list(FairnessParams.model_validate(dict.fromkeys(names, "levels")).groups) == names


def test_a_name_is_read_as_the_schema_reads_it():
    assert list(FairnessParams.model_validate({"cafe\u0301": "levels"}).groups) == ["caf\u00e9"]


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ({"min_ratio": 1.1}, "fairness.min_ratio: "),
        ({"min_ratio": -0.1}, "fairness.min_ratio: "),
        ({"min_ratio": "levels"}, "fairness.min_ratio: a number is needed"),
        ({"age": {"bins": [60, 25]}}, "fairness.age.bins: the edges must be in ascending order"),
        ({"age": {"binz": [25]}}, "fairness.age: write its edges, such as {bins: [25, 60]}"),
        ({"age": "level"}, "fairness.age: level is not allowed; allowed are a block"),
        ({"age": AGE, "a\u200b": "levels"}, "fairness: a character that does not show"),
        ({"caf\u00e9": "levels", "cafe\u0301": "levels"}, "fairness: two of its names"),
        ([1], "fairness: "),
    ],
)
def test_what_is_wrong_is_told_by_its_place(block, line):
    with pytest.raises(ValidationError) as caught:
        Params.model_validate({"fairness": block})
    error = from_validation("params.yaml", caught.value, Params)
    assert str(error).startswith(f"params.yaml: {line}")

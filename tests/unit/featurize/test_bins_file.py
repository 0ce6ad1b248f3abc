"""The bins file: what a person fixes, checked against the schema."""

import pytest

from creditrisk.bins import read_bins
from creditrisk.core.errors import InputError
from creditrisk.featurize import FeaturizeParams, manifest
from creditrisk.schema import parse_schema

SCHEMA = parse_schema(
    {
        "name": "t",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {
            "amount": {"name": "amount", "kind": "numeric", "monotone": "up"},
            "age": {"name": "age", "kind": "numeric"},
            "home": {"name": "home", "kind": "nominal", "levels": {"1": "own", "2": "rent"}},
            "job": {"name": "job", "kind": "nominal"},
        },
    },
    "t.yaml",
)
DERIVED = {"burden": {"op": "ratio", "of": ["amount", "age"]}}


def read(tmp_path, text):
    path = tmp_path / "bins.yaml"
    path.write_text(text)
    return read_bins(path, SCHEMA, ["amount", "age", "burden"])


def test_edges_and_groups_by_code_or_label(tmp_path):
    found = read(
        tmp_path,
        "amount: {edges: [500, 1000.5]}\nburden: {edges: [10]}\nhome: {groups: [[own, 2]]}\n"
        "job: {groups: [[clerk, cook], [driver]]}\n",
    )
    assert found == {
        "amount": {"edges": [500.0, 1000.5]},
        "burden": {"edges": [10.0]},
        "home": {"groups": [["1", "2"]]},
        "job": {"groups": [["clerk", "cook"], ["driver"]]},
    }


def test_without_a_file_or_with_comments_only_nothing_is_fixed(tmp_path):
    assert read_bins(tmp_path / "absent.yaml", SCHEMA, ["amount"]) == {}
    assert read(tmp_path, "# nothing yet\n") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("amont: {edges: [1]}", "amont: no numeric variable of this name. Did you mean amount?"),
        ("home: {edges: [1]}", "home: no numeric variable of this name"),
        ("amount: {groups: [[a]]}", "amount: no variable with levels of this name"),
        ("amount: {edges: [2, 1]}", "amount: edges must be ascending"),
        ("amount: {edges: [1, 1]}", "amount: edges must be ascending"),
        ("amount: {}", "amount: either edges or groups are needed"),
        ("amount: {edge: [1]}", "amount.edge: unknown parameter. Did you mean edges?"),
        ("home: {groups: [[own], [1]]}", "home: the level 1 stands twice"),
        ("home: {groups: [[owns]]}", "home: no level owns. Did you mean own?"),
        ("home: {groups: [[]]}", "home.groups.0"),
        ("- amount", "file: not a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, text, words):
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert f"bins.yaml: {words}" in str(error.value)


def test_features_say_what_is_monotone_and_what_is_fixed(tmp_path):
    (tmp_path / "bins.yaml").write_text("amount: {edges: [500]}")
    params = FeaturizeParams(derived=DERIVED)
    found = manifest(SCHEMA, params, bins_file=tmp_path / "bins.yaml")
    assert found["monotone"] == {"amount": 1}
    assert found["bins"] == {"amount": {"edges": [500.0]}}

"""The bins file: what a person fixes, checked against the schema."""

import pandas as pd
import pytest

from creditrisk.bins import grouped_levels, read_bins
from creditrisk.core.errors import InputError
from creditrisk.eda.adjust import EdaParams, learn
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
    assert found["monotone"] == {"amount": 1, "burden": 1}  # the ratio rises with the amount
    assert found["bins"] == {"amount": {"edges": [500.0]}}


def test_levels_that_a_person_has_grouped_are_not_merged_however_rare(tmp_path):
    path = tmp_path / "bins.yaml"
    path.write_text("job: {groups: [[clerk, cook], [driver]]}\namount: {edges: [500]}")
    job = pd.Series(["clerk"] * 480 + ["cook", "cook", "driver", "diver", "poet"] * 4)
    frame = pd.DataFrame({"amount": 1.0, "age": 30.0, "home": "1", "job": job})
    grouped = grouped_levels(path, SCHEMA)
    assert grouped == {"job": {"clerk", "cook", "driver"}}
    params = EdaParams(rare_level_share=0.02)
    merged = learn(frame, SCHEMA, params, grouped)["merges"]["job"]["merged"]
    assert set(merged) == {"diver", "poet"}
    assert set(learn(frame, SCHEMA, params)["merges"]["job"]["merged"]) > set(merged)
    assert grouped_levels(tmp_path / "absent.yaml", SCHEMA) == {}


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    (tmp_path / "bins.yaml").mkdir()
    with pytest.raises(InputError, match=r"bins\.yaml: file: not a file"):
        read_bins(tmp_path / "bins.yaml", SCHEMA, [])


@pytest.mark.parametrize(
    ("op", "of", "way"),
    [
        ("ratio", ["amount", "age"], 1),
        ("ratio", ["age", "amount"], -1),
        ("product", ["age", "amount"], 1),
        ("sum", ["age", "amount"], 1),
        ("difference", ["age", "amount"], -1),
    ],
)
@pytest.mark.parametrize("least", [-3.0, 0.0])
def test_what_is_derived_from_a_directed_column_keeps_its_direction(op, of, way, least):
    frame = pd.DataFrame({"amount": [5.0, 9.0], "age": [least, 40.0], "home": "1", "job": "cook"})
    params = FeaturizeParams(derived={"mix": {"op": op, "of": of}})
    found = manifest(SCHEMA, params, frame)
    if least < 0 and op in ("ratio", "product"):  # which way it goes hangs on the sign
        assert (
            found["left_out"]["mix"]
            == "the direction of amount would not hold with negative numbers"
        )
        assert "mix" not in found["numeric"]
    else:
        assert found["monotone"] == {"amount": 1, "mix": way}


def test_a_derived_column_that_two_directions_forbid_is_left_out():
    tree = SCHEMA.model_dump(by_alias=True, exclude_none=True)
    tree["columns"]["age"]["monotone"] = "up"
    both = parse_schema(tree, "t.yaml")
    frame = pd.DataFrame({"amount": [5.0, 9.0], "age": [20.0, 40.0], "home": "1", "job": "cook"})
    found = manifest(both, FeaturizeParams(derived=DERIVED), frame)
    assert found["left_out"] == {"burden": "the direction of amount and age would not hold"}
    assert found["monotone"] == {"amount": 1, "age": 1}

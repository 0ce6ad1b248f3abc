"""The schema: characters that do not show, texts that read the same, names that are taken."""

import copy
import gc
import unicodedata
from time import process_time

import pytest

from creditrisk.core.errors import InputError
from creditrisk.schema import load_schema, parse_schema

TREE = {
    "name": "small",
    "description": "applicants",
    "licence": "none",
    "source": "a bank",
    "target": {"column": "paid", "good": ["yes"], "bad": ["no"]},
    "columns": {
        "Income": {"name": "income", "kind": "numeric", "unit": ["EUR"], "description": "a year"},
        "Region": {"name": "region", "kind": "nominal", "levels": {"N": "north", "S": "south"}},
    },
}
TEXTS = [
    ("name",), ("description",), ("licence",), ("source",), ("target", "column"),
    ("target", "good", 0), ("target", "bad", 0), ("columns", "Income", "name"),
    ("columns", "Income", "unit", 0), ("columns", "Income", "description"),
    ("columns", "Region", "levels", "N"),
]  # fmt: skip


def changed(place, change) -> dict:
    tree = copy.deepcopy(TREE)
    *above, last = place
    here = tree
    for part in above:
        here = here[part]
    here[last] = change(here[last])
    return tree


@pytest.mark.parametrize("place", TEXTS)
@pytest.mark.parametrize("unseen", ["\u200b", "\ufeff", "\x1b", "\x00", "\u202e", "\ud800"])
def test_a_character_that_does_not_show_is_refused_where_it_is(place, unseen):
    tree = changed(place, lambda text: f"{text[:1]}{unseen}{text[1:]}")
    with pytest.raises(InputError) as caught:
        parse_schema(tree, "s.yaml")
    assert str(caught.value).startswith(f"s.yaml: {'.'.join(map(str, place))}: ")
    assert f"U+{ord(unseen):04X}" in str(caught.value)


@pytest.mark.parametrize("unseen", ["\u200b", "\n", "\u2028"])
def test_so_it_is_in_the_name_of_a_source_column_and_in_a_code(unseen):
    tree = copy.deepcopy(TREE)
    tree["columns"][f"In{unseen}come"] = tree["columns"].pop("Income")
    with pytest.raises(InputError, match=r"s\.yaml: columns\.In ?come: .*does not show \(U\+"):
        parse_schema(tree, "s.yaml")
    tree = copy.deepcopy(TREE)
    tree["columns"]["Region"]["levels"] = ["north", f"so{unseen}uth"]
    with pytest.raises(InputError, match=r"columns\.Region\.levels\.so ?uth: .*\(U\+"):
        parse_schema(tree, "s.yaml")


def test_prose_may_have_line_breaks_which_become_blanks():
    tree = TREE | {"description": "consumer loans,\n2019 to 2023\n"}
    assert parse_schema(tree, "s.yaml").description == "consumer loans, 2019 to 2023"


def test_all_texts_are_in_form_nfc():
    word = "Re\u0301gion"
    tree = copy.deepcopy(TREE)
    tree["columns"][word] = {"name": word, "kind": "nominal", "levels": [word]}
    schema = parse_schema(tree, "s.yaml")
    column = schema.columns["R\u00e9gion"]
    assert column.name == "R\u00e9gion"
    assert column.levels == {"R\u00e9gion": "R\u00e9gion"}


@pytest.mark.parametrize("as_list", [True, False])
def test_two_levels_that_read_the_same_are_an_error(as_list):
    levels = ["caf\u00e9", "cafe\u0301"]
    tree = copy.deepcopy(TREE)
    tree["columns"]["Region"]["levels"] = levels if as_list else dict.fromkeys(levels, "x")
    with pytest.raises(InputError, match=r"columns\.Region\.levels: two .* read the same"):
        parse_schema(tree, "s.yaml")


def test_so_are_two_columns_and_two_codes_of_the_target():
    tree = copy.deepcopy(TREE)
    tree["columns"] |= {
        unicodedata.normalize(form, "\u00c9tat"): {"name": form, "kind": "nominal"}
        for form in ("NFC", "NFD")
    }
    with pytest.raises(InputError, match="columns: two of its names read the same"):
        parse_schema(tree, "s.yaml")
    tree = TREE | {"target": {"column": "paid", "good": ["\u00e9"], "bad": ["e\u0301"]}}
    with pytest.raises(InputError, match=r"target: .*no code may be in two"):
        parse_schema(tree, "s.yaml")


def test_codes_beyond_the_precision_of_a_float_are_different():
    tree = copy.deepcopy(TREE)
    tree["columns"]["Region"]["levels"] = ["9007199254740992", "9007199254740993"]
    assert len(parse_schema(tree, "s.yaml").columns["Region"].levels) == 2
    tree["columns"]["Region"]["levels"] = ["9007199254740993", "9007199254740993.0"]
    with pytest.raises(InputError, match="two levels are the same code"):
        parse_schema(tree, "s.yaml")


NEEDED = ["row_id", "line", "malformed", "applicant", "split", "bad", " Bad ", "original.income"]


@pytest.mark.parametrize("name", [*NEEDED, " "])
def test_no_feature_takes_a_name_that_the_pipeline_needs(name):
    tree = copy.deepcopy(TREE)
    tree["columns"]["Income"] = {"name": name, "kind": "numeric"}
    with pytest.raises(InputError, match=r"columns\.Income\.name: the name is (reserved|empty)"):
        parse_schema(tree, "s.yaml")


@pytest.mark.parametrize("name", [*NEEDED, "pd", "PD", "score", "decision", "reasons", "problem"])
def test_no_id_takes_a_name_of_the_scored_rows_either(name):
    tree = copy.deepcopy(TREE)
    tree["columns"]["Income"] = {"name": name, "kind": "id"}
    with pytest.raises(InputError, match=r"columns\.Income.*: the name is reserved"):
        parse_schema(tree, "s.yaml")


@pytest.mark.parametrize("name", ["score", "pd", "fold", "missing"])
def test_a_feature_may_have_a_name_that_only_other_tables_have(name):
    tree = copy.deepcopy(TREE)
    tree["columns"]["Income"] = {"name": name, "kind": "numeric"}
    assert name in parse_schema(tree, "s.yaml").features


@pytest.mark.parametrize("value", ["-1", "0", str(2**64)])
def test_limits_may_be_any_finite_number(value):
    tree = copy.deepcopy(TREE)
    tree["columns"]["Income"] |= {"min": value, "max": value}
    column = parse_schema(tree, "s.yaml").columns["Income"]
    assert column.min == column.max == float(value)


@pytest.mark.parametrize("value", [".inf", ".nan", "inf", "-inf", "nan", "1e999", ""])
@pytest.mark.parametrize("limit", ["min", "max"])
def test_other_limits_are_refused_by_name(value, limit):
    tree = copy.deepcopy(TREE)
    tree["columns"]["Income"][limit] = value
    with pytest.raises(InputError, match=rf"columns\.Income\.{limit}: "):
        parse_schema(tree, "s.yaml")


@pytest.mark.parametrize("form", ["      - level {0}\n", "      {0}: level {0}\n"])
def test_the_time_to_read_a_schema_grows_with_its_levels_not_with_their_square(tmp_path, form):
    path = tmp_path / "s.yaml"

    def cost(levels: int) -> float:
        path.write_text(
            "name: x\ntarget: {column: y, good: [0], bad: [1]}\ncolumns:\n  a:\n    name: a\n"
            "    kind: nominal\n    levels:\n" + "".join(form.format(i) for i in range(levels))
        )
        # What other tests have left in memory would be searched for garbage in the meantime.
        gc.collect()
        gc.disable()
        try:
            start = process_time()
            schema = load_schema(path)
            spent = process_time() - start
        finally:
            gc.enable()
        assert len(schema.columns["a"].levels) == levels
        return spent

    # Ten times the levels: a hundred times the time would be the square.
    assert cost(20_000) < 40 * min(cost(2_000) for _ in range(3))

"""Error lines of parameters: the parameter's own name, the value, and all that is allowed."""

import math
import pickle
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, ValidationError
from pydantic import field_validator as validator

from creditrisk.core.errors import InputError, from_validation
from creditrisk.core.params import Number, Strict, read_params
from creditrisk.metrics.costs import DecisionParams
from creditrisk.schema import parse_schema
from creditrisk.train.ensemble_params import ensemble_params
from creditrisk.workflow.check import Params
from tests.support.project import ROOT

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
BAND = "auto, a number from 0 to 0.5, a list of two numbers from 0 to 1, null"
BLOCK = "a block of `name: value` lines"


def line(model: type[BaseModel], values: Any) -> str:
    """The location and the problem of the error line."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    text = str(from_validation("f", caught.value, model))
    return text.removeprefix("f: ").removesuffix(". Correct the value.")


def line_of(place: str, value: Any) -> str:
    """The error line of params.yaml with another value at a dotted place."""
    first, *inner, last = place.split(".")
    tree = block = dict(PARAMS)
    for name in (first, *inner):
        block[name] = dict(block.get(name, {}))
        block = block[name]
    block[last] = value
    return line(Params, tree)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1, "1"),
        (-0.1, "-0.1"),
        ([0.1], "[0.1]"),
        ([0.1, 2], "[0.1, 2]"),
        (math.nan, ".nan"),
        (True, "true"),
        ("true", "'true'"),
        ({"a": None}, "{a: null}"),
        ("x" * 100, "x" * 57 + "..."),
    ],
)
def test_all_types_of_a_parameter_are_told_with_the_value(value, written):
    place = "decision.refer.band"
    assert line_of(place, value) == f"{place}: {written} is not allowed; allowed are {BAND}"


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("decision.refer.missing", "maybe", "are auto, true, false"),
        ("decision.refer.unseen", "maybe", "are auto, true, false"),
        ("decision.refer", None, f"is {BLOCK}"),
        ("decision.amount_column", 3, "are a text, null"),
        ("decision.loss_given_default", "x", "are a number from 1e-09 to 100, null"),
        ("decision.margin", 0, "are a number from 1e-09 to 100, null"),
        ("preprocess.missing_indicator", "x", "are auto, true, false"),
        ("grades.bands", [2], "are optimal, a list of 1 to 25 numbers above 0 and below 1"),
        ("grades.bands", [], "are optimal, a list of 1 to 25 numbers above 0 and below 1"),
        ("scorecard.digits", 7, "are a whole number from 0 to 6, null"),
        ("eda.cap_iqr_factor", 0, "are a number above 0, null"),
        ("data.sheet", 3, "are a text, null"),
        ("fairness.age", "x", f"are {BLOCK}, levels"),
    ],
)
def test_every_parameter_of_several_types_tells_them_all(place, value, told):
    shown = "null" if value is None else value
    assert line_of(place, value) == f"{place}: {shown} is not allowed; allowed {told}"


def places(model: type[BaseModel], values: dict[str, Any], start: str = "") -> Iterator[str]:
    """All parameters of the blocks of params.yaml, also those that are left out there."""
    for name, field in model.model_fields.items():
        kind, name = field.annotation, field.alias or name
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from places(kind, values.get(name, {}), f"{start}{name}.")
        elif start:
            yield start + name


def test_no_line_names_a_type_of_the_library():
    found = list(places(Params, PARAMS))
    assert len(found) > 60
    for place in found:
        location = line_of(place, {"a": object()}).partition(": ")[0]
        assert location in (place, f"{place}.a")


def test_an_error_of_a_rule_of_ours_comes_alone():
    place = "decision.refer.band"
    said = "the band's first PD must be below its second"
    assert line_of(place, [0.3, 0.2]) == f"{place}: {said}"
    told = line_of("decision.amount_column", "a\u200b")
    assert told.startswith("decision.amount_column: a character that does not show (U+200B")

    class Ruled(Strict):
        many: Annotated[list[str], Field()] | Literal["all"]

        @validator("many", mode="before")
        @classmethod
        def _no_x(cls, value: Any) -> Any:
            if value == "x":
                raise ValueError("x is for others")
            return value

    class Within(Strict):
        one: Annotated[str, BeforeValidator(_refuse)] | bool

    assert line(Ruled, {"many": "x"}) == "many: x is for others, got 'x'"
    assert line(Ruled, {"many": "y"}).endswith("allowed are a list of texts, all")
    assert line(Within, {"one": "a"}) == "one: not this one, got 'a'"


def _refuse(value: Any) -> Any:
    raise ValueError("not this one")


def test_what_a_validator_before_a_type_takes_is_not_guessed():
    class Open(Strict):
        many: Annotated[list[str] | None, BeforeValidator(lambda value: value)]

    assert line(Open, {"many": 3}) == "many: Input should be a valid list, got '3'"


def test_within_the_branch_that_a_discriminator_chose_the_place_is_exact():
    class Inner(Strict):
        edge: Number | None

    class Outer(Strict):
        by: dict[
            str,
            Annotated[
                Annotated[Inner, Tag("inner")] | Annotated[Literal["levels"], Tag("word")],
                Discriminator(lambda value: "word" if isinstance(value, str) else "inner"),
            ],
        ]

    told = "by.a.edge: x is not allowed; allowed are a number, null"
    assert line(Outer, {"by": {"a": {"edge": "x"}}}) == told
    assert line(Outer, {"by": {"a": {"edgy": 1}}}).endswith("unknown parameter. Did you mean edge?")
    assert line(Outer, {"by": {"a": "x"}}).startswith("by.a: x is not allowed; allowed are a block")


def test_lists_say_how_many_of_what():
    class Lists(Strict):
        some: Annotated[list[Literal["a", "b"]], Field(min_length=1)] | None
        rows: list[list[int | str]] | bool = False

    assert line(Lists, {"some": 3}).endswith("are a list of 1 or more values, each a or b, null")
    told = "are a list of lists, each of values, each a whole number or a text, true, false"
    assert line(Lists, {"some": None, "rows": 3}).endswith(told)


@pytest.mark.parametrize("value", ["a", [3]])
def test_members_of_an_ensemble(value):
    told = "algorithms.vote.members: .* is not allowed; allowed are a list of texts, auto"
    with pytest.raises(InputError, match=told):
        ensemble_params("vote", {"members": value}, ["lr"])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mutable", "are true, false, up, down"),
        ("monotone", "are up, down"),
        ("min", "is a number"),  # the schema's scalars are texts: there is no null
        ("levels", f"are a list of texts, {BLOCK}"),
        ("special", f"are a list of texts, {BLOCK}"),
    ],
)
def test_the_schema_tells_as_well(name, told):
    tree = {
        "name": "s",
        "target": {"column": "y", "good": "0", "bad": "1"},
        "columns": {"mutable": {"name": "a", "kind": "numeric", name: "null"}},
    }
    told = f"columns.mutable.{name}: null is not allowed; allowed {told}. "
    with pytest.raises(InputError) as caught:
        parse_schema(tree, "s.yaml")
    assert str(caught.value).startswith(f"s.yaml: {told}")


def test_an_unknown_name_gets_the_names_of_its_own_block():
    tree = PARAMS | {"decision": PARAMS["decision"] | {"refer": {"bandd": 0.1}}}
    assert line(Params, tree) == "decision.refer.bandd: unknown parameter. Did you mean band?"


def test_a_stage_names_the_place_in_the_file(tmp_path):
    class Read(Strict):
        decision: DecisionParams
        digits: Annotated[int, Field(ge=0)] | None

    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(PARAMS | {"scorecard": {"digits": -1}}))
    told = "scorecard.digits: -1 is not allowed; allowed are a whole number of at least 0, null"
    with pytest.raises(InputError, match=told):
        read_params(path, Read, digits="scorecard.digits")


@pytest.mark.parametrize("quotes_data", [False, True])
def test_an_error_of_another_process_is_the_same_error(quotes_data):
    error = InputError("f.csv", "line 3", "no number: 'x'", "Correct it.", quotes_data)
    other = pickle.loads(pickle.dumps(error))
    assert type(other) is InputError
    assert (str(other), other.for_log) == (str(error), error.for_log)
    assert ("'x'" in other.for_log) == (not quotes_data)

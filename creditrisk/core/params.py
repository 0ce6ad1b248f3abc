"""Parameters: each stage reads only those entries of params.yaml that its model names."""

import sys
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.regular import read_regular
from creditrisk.core.text import hidden_character, normalise, same_text
from creditrisk.core.yaml_text import parse_yaml

READ_EVENT = "creditrisk.param"  # audit event: the tests compare the reads with dvc.yaml


def _no_number() -> PydanticCustomError:
    # An error of the type, not of a rule of ours: in a union, another type may be meant.
    return PydanticCustomError("number_type", "a number is needed")


class Strict(BaseModel):
    """A block of parameters: unknown names are errors, numbers are finite, values are frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, strict=True, allow_inf_nan=False
    )


def _as_float(value: Any) -> Any:
    """Read a number as DVC does: for YAML 1.1, which we read, `1e9` is a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _no_number()
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise _no_number() from None


def visible(text: str) -> str:
    """Normalise a text that people will read, for pydantic.

    Raises:
        ValueError: it has a character that does not show.
    """
    hidden = hidden_character(text)
    if hidden:
        raise ValueError(
            f"a character that does not show ({hidden}); delete it, the data are read without it"
        )
    return normalise(text)


def distinct_keys(mapping: Any) -> Any:
    """Check a mapping whose keys are names, for pydantic, which would keep only the last of two.

    Raises:
        ValueError: two keys are one name, written with other characters.
    """
    same = same_text(mapping) if isinstance(mapping, dict) else None
    if same:
        raise ValueError(f"two of its names read the same: {same[0]} and {same[1]}")
    return mapping


# The type of the input tells what is allowed, for error lines: a number, however it is written.
Number = Annotated[float, BeforeValidator(_as_float, json_schema_input_type=float)]
# Libraries take seeds of 32 bits, and some folds use the seed plus up to a few thousand.
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
# The name of a column.
Name = Annotated[str, AfterValidator(visible)]


Model = TypeVar("Model", bound=Strict)


def read_params(path: str | Path, model: type[Model], **places: str) -> Model:
    """Read and check the parameters that `model` names.

    Args:
        path: a YAML file.
        model: its fields are the top-level names to read.
        places: dotted location in the file, for each field that is not a top-level name.

    Raises:
        InputError: the file is missing or not YAML; a value is missing or of a wrong type; a name
            is unknown.
    """
    tree = read_yaml(path)
    values: dict[str, Any] = {}
    for field in model.model_fields:
        location = places.get(field, field)
        sys.audit(READ_EVENT, location)
        values[field] = _at(path, tree, location)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise from_validation(path, error, model, places=places) from None


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        InputError: the file is missing, not YAML, or not a mapping.
    """
    try:
        tree = parse_yaml(read_regular(path), path)
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run from the project's folder.") from None
    except OSError as error:
        raise InputError(
            path, "file", f"can't be read: {error.strerror}", "Check the path."
        ) from None
    if not isinstance(tree, dict):
        raise InputError(path, "file", "not a mapping", "Write `name: value` lines.")
    return tree


def _at(path: str | Path, tree: dict[str, Any], location: str) -> Any:
    value: Any = tree
    for part in location.split("."):
        if not isinstance(value, dict):
            problem = "not a block of parameters"
            raise InputError(path, location, problem, "Write `name: value` lines.")
        if part not in value:
            raise InputError(path, location, "missing", nearest(part, value))
        value = value[part]
    return value

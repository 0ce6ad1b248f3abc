"""Parameters: each stage reads the entries of params.yaml that its model names, and no other."""

import sys
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from creditrisk.core.errors import InputError, from_validation, nearest

READ_EVENT = "creditrisk.param"  # an audit event: the tests compare what was read with dvc.yaml


class Strict(BaseModel):
    """A block of parameters: unknown names are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)


Model = TypeVar("Model", bound=Strict)


def read_params(path: str | Path, model: type[Model], **places: str) -> Model:
    """Read and check the parameters that `model` names.

    Args:
        path: a YAML file.
        model: its fields are the top-level names to read.
        places: for a field that does not stand at the top level, its dotted place.

    Raises:
        InputError: the file is missing or no YAML; a value is missing, unknown or of a wrong type.
    """
    tree = read_yaml(path)
    given: dict[str, Any] = {}
    for field in model.model_fields:
        place = places.get(field, field)
        sys.audit(READ_EVENT, place)
        given[field] = _at(path, tree, place)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        known = names_at(model, error)
        raise from_validation(path, error, known) from None


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        InputError: the file is missing, unreadable as YAML, or holds no mapping.
    """
    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run from the project's folder.") from None
    except OSError as error:
        raise InputError(path, "file", f"can't be read: {error.strerror}", "Mend that.") from None
    except (yaml.YAMLError, ValueError) as error:  # a date that is none is a ValueError
        raise InputError(path, "file", f"not YAML: {error}", "Correct the syntax.") from None
    if not isinstance(tree, dict):
        raise InputError(path, "file", "holds no mapping", "Write `name: value` lines.")
    return tree


def names_at(model: type[BaseModel], error: ValidationError) -> list[str]:
    """List the names valid at the place of the first unknown one, by walking the models."""
    found = min(error.errors(), key=lambda f: f["type"] != "extra_forbidden")
    here: Any = model
    for part in found["loc"][:-1]:
        fields = getattr(here, "model_fields", {})
        if part in fields:
            here = fields[part].annotation
    fields = getattr(here, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _at(path: str | Path, tree: dict[str, Any], place: str) -> Any:
    value: Any = tree
    for part in place.split("."):
        if not isinstance(value, dict):
            raise InputError(path, place, "is no block of parameters", "Write `name: value` lines.")
        if part not in value:
            raise InputError(path, place, "missing", nearest(part, value))
        value = value[part]
    return value

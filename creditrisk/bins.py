"""The bins file: edges of numeric variables and groups of levels that a person has fixed."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import Number, Strict
from creditrisk.core.regular import read_regular
from creditrisk.core.yaml_text import parse_yaml
from creditrisk.schema import Schema

PATH = Path("data/schema/bins.yaml")


class HandMade(Strict):
    """The bins of one variable.

    Attributes:
        edges: lower ends of all bins of a numeric variable but the first, ascending.
        groups: levels that are one bin each, by their codes or labels; others are bins of their
            own.
    """

    edges: Annotated[list[Number], Field(max_length=100)] | None = None
    groups: list[Annotated[list[str | int | float], Field(min_length=1)]] | None = None

    @model_validator(mode="after")
    def _one(self) -> "HandMade":
        if (self.edges is None) == (self.groups is None):
            raise ValueError("either edges or groups are needed")
        if self.edges is not None and sorted(set(self.edges)) != self.edges:
            raise ValueError("edges must be ascending")
        return self


def read_bins(path: Path, schema: Schema, numeric: list[str]) -> dict[str, dict[str, Any]]:
    """Read the bins file, if there is one, and check it against the schema.

    Args:
        path: the file, which maps variables to `edges` or `groups`.
        schema: the schema of the data set.
        numeric: names of the numeric features, the derived ones included.

    Returns:
        Variable to `{"edges": [...]}` or `{"groups": [[code, ...], ...]}`; empty without a file.

    Raises:
        InputError: an unknown variable or level, or edges that are not ascending.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, made in _read(path).items():
        leveled = [name for name in schema.inputs if _has_levels(schema, name)]
        possible = numeric if made.edges is not None else leveled
        if name not in possible:
            kind = "numeric variable" if made.edges is not None else "variable with levels"
            raise InputError(path, name, f"no {kind} of this name", nearest(name, possible))
        if made.edges is not None:
            found[name] = {"edges": made.edges}
        else:
            found[name] = {"groups": _codes(path, name, made.groups or [], schema)}
    return found


def _read(path: Path) -> dict[str, HandMade]:
    if not os.path.lexists(path):
        return {}
    if not path.is_file():
        raise InputError(path, "file", "not a file", "Write it again, or delete it.")
    tree = parse_yaml(read_regular(path), path) or {}  # all lines may be comments
    if not isinstance(tree, dict):
        hint = "Write `variable: {edges: [...]}` lines."
        raise InputError(path, "file", "not a mapping", hint)
    found = {}
    for name, entry in tree.items():
        try:
            found[str(name)] = HandMade.model_validate(entry)
        except ValidationError as error:
            raise from_validation(path, error, HandMade, str(name)) from None
    return found


def _has_levels(schema: Schema, name: str) -> bool:
    return name in schema.inputs and schema.inputs[name].kind in ("nominal", "ordinal")


def grouped_levels(path: Path, schema: Schema) -> dict[str, set[str]]:
    """Return the levels that stand in a group of the bins file, by variable.

    Args:
        path: the file; it may be absent.
        schema: the schema of the data set.

    Raises:
        InputError: as for `read_bins`; names of numeric variables are not checked.
    """
    found = _read(path)
    return {
        name: {code for group in _codes(path, name, made.groups, schema) for code in group}
        for name, made in found.items()
        if made.groups is not None and _has_levels(schema, name)
    }


def _codes(path: Path, name: str, groups: list[list[Any]], schema: Schema) -> list[list[str]]:
    levels = schema.variables[name].levels or {}
    by_text = {label: code for code, label in levels.items()} | {code: code for code in levels}
    used: set[str] = set()
    found = []
    for group in groups:
        codes = [by_text.get(str(text), str(text)) for text in group]
        for code in codes:
            if levels and code not in levels:
                raise InputError(path, name, f"no level {code}", nearest(code, by_text))
            if code in used:
                hint = "Leave it in one group."
                raise InputError(path, name, f"the level {code} stands twice", hint)
            used.add(code)
        found.append(codes)
    return found

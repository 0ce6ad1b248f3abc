"""The bins file: edges of numeric variables and groups of levels that a person has fixed."""

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
    if not path.exists():
        return {}
    found: dict[str, dict[str, Any]] = {}
    tree = parse_yaml(read_regular(path), path) or {}  # all lines may be comments
    if not isinstance(tree, dict):
        hint = "Write `variable: {edges: [...]}` lines."
        raise InputError(path, "file", "not a mapping", hint)
    for name, entry in tree.items():
        try:
            made = HandMade.model_validate(entry)
        except ValidationError as error:
            raise from_validation(path, error, list(HandMade.model_fields), str(name)) from None
        leveled = [n for n, c in schema.variables.items() if c.kind in ("nominal", "ordinal")]
        possible = numeric if made.edges is not None else leveled
        if name not in possible:
            kind = "numeric variable" if made.edges is not None else "variable with levels"
            raise InputError(
                path, str(name), f"no {kind} of this name", nearest(str(name), possible)
            )
        if made.edges is not None:
            found[name] = {"edges": made.edges}
        else:
            found[name] = {"groups": _codes(path, name, made.groups or [], schema)}
    return found


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

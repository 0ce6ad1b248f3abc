"""The schema: name, kind and valid values of each source column, read from a YAML file."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from creditrisk.core.columns import RESERVED_IN_SOURCE, name_fault
from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import Name, distinct_keys, names_at
from creditrisk.core.regular import read_regular
from creditrisk.core.text import code_key, fold, repeated, same_text
from creditrisk.core.yaml_text import parse_yaml


class _Lax(BaseModel):
    """Base without strict types: YAML scalars arrive as text (see `load_schema`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _labelled(value: Any) -> Any:
    if isinstance(value, list):
        if not all(isinstance(v, str) for v in value):
            raise ValueError("levels must be a list of values or a map from code to label")
        if len(set(value)) < len(value):
            raise ValueError("a level is listed twice")
        if pair := same_text(value):
            raise ValueError(f"two levels read the same: {pair[0]} and {pair[1]}")
        return {v: v for v in value}
    return distinct_keys(value)


def _on_one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


# A text that people read: in form NFC, and all of it shows.
Prose = Annotated[Name, BeforeValidator(_on_one_line)]


class Target(_Lax):
    """The outcome column and the codes of its two classes."""

    column: Name
    good: Annotated[list[Name], BeforeValidator(_listed)]
    bad: Annotated[list[Name], BeforeValidator(_listed)]

    @model_validator(mode="after")
    def _disjoint(self) -> "Target":
        both = {code_key(v) for v in self.good} & {code_key(v) for v in self.bad}
        if both or not self.good or not self.bad:
            raise ValueError("good and bad each need at least one code, and no code may be in both")
        return self


class Column(_Lax):
    """One source column."""

    name: Name
    kind: Literal["numeric", "nominal", "ordinal", "id"]
    unit: Annotated[list[Name], BeforeValidator(_listed)] = []
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    integer: bool = False
    levels: Annotated[dict[Name, Name] | None, BeforeValidator(_labelled)] = None
    description: Prose = ""

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        fault = name_fault(name)
        if fault:
            raise ValueError(fault)
        return name

    @model_validator(mode="after")
    def _consistent(self) -> "Column":
        if self.kind == "id" and (fault := name_fault(self.name, is_id=True)):
            raise ValueError(fault)
        if self.kind == "ordinal" and not self.levels:
            raise ValueError("an ordinal column needs levels, in ascending order")
        if self.kind in ("numeric", "id") and self.levels is not None:
            raise ValueError(f"a column of kind {self.kind} may not have levels")
        if self.kind != "numeric" and (self.min, self.max, self.integer) != (None, None, False):
            raise ValueError("min, max and integer are for numeric columns only")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is greater than max")
        keys = [code_key(level) for level in self.levels or ()]
        twice = repeated(keys)
        if twice is not None:
            same = [v for v, key in zip(self.levels or (), keys, strict=True) if key == twice]
            raise ValueError(f"two levels are the same code: {same[0]} and {same[1]}")
        return self


class Schema(_Lax):
    """A data set's columns, by their names in the source file."""

    name: Name
    target: Target
    columns: Annotated[dict[Name, Column], BeforeValidator(distinct_keys)]
    description: Prose = ""
    licence: Prose = ""
    source: Prose = ""

    @model_validator(mode="after")
    def _distinct(self) -> "Schema":
        twice = repeated([c.name for c in self.columns.values()])
        if twice is not None:
            raise ValueError(f"two columns have the name {twice}")
        if self.target.column in self.columns:
            raise ValueError(f"the target {self.target.column} is also listed under columns")
        for column in (*self.columns, self.target.column):
            if column in RESERVED_IN_SOURCE:
                raise ValueError(f"the name of the source column {column} is reserved; rename it")
        twice = repeated([fold(c) for c in (*self.columns, self.target.column)])
        if twice is not None:
            raise ValueError(f"two source columns differ only in case or blanks: {twice}")
        if not any(c.kind != "id" for c in self.columns.values()):
            raise ValueError("there is no feature column")
        if sum(c.kind == "id" for c in self.columns.values()) > 1:
            raise ValueError("more than one column is of kind id")
        return self

    @cached_property
    def features(self) -> dict[str, Column]:
        """The feature columns, by their names in the clean frame."""
        return {c.name: c for c in self.columns.values() if c.kind != "id"}

    @cached_property
    def id_name(self) -> str | None:
        """The name of the column that identifies applicants, or None."""
        return next((c.name for c in self.columns.values() if c.kind == "id"), None)

    def of_kind(self, kind: str) -> list[str]:
        """List the feature columns of one kind, in the order of the schema."""
        return [name for name, column in self.features.items() if column.kind == kind]

    def label(self, name: str, code: Any) -> str:
        """Return the text to show for a cell: the level's label, or the value itself."""
        column = self.features.get(name)
        levels = column.levels if column and column.levels else {}
        return levels.get(str(code), str(code))


def load_schema(path: str | Path) -> Schema:
    """Read and check a schema file.

    Raises:
        InputError: the file is missing, not YAML, or not a valid schema (an unknown kind, a
            repeated name, no target, an ordinal column without levels, ...).
    """
    try:
        tree = parse_yaml(read_regular(path), path, as_text=True)
    except FileNotFoundError:
        hint = "Set data.schema in params.yaml."
        raise InputError(path, "file", "not found", hint) from None
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise InputError(path, "file", problem, "Check the path.") from None
    if not isinstance(tree, dict):
        raise InputError(path, "file", "not a mapping", "Write `name:`, `target:`, `columns:`.")
    return parse_schema(tree, path)


def parse_schema(tree: dict[str, Any], path: str | Path) -> Schema:
    """Check a schema that is already a mapping.

    Args:
        tree: the content of a schema file, all scalars as text.
        path: the file's name in error messages.

    Raises:
        InputError: it is not a valid schema.
    """
    if not tree.get("target"):
        hint = "Add `target: {column: NAME, good: [CODES], bad: [CODES]}`."
        raise InputError(path, "target", "missing", hint)
    try:
        return Schema.model_validate(tree)
    except ValidationError as error:
        found = min(error.errors(), key=lambda f: f["type"] != "extra_forbidden")
        if found["type"] == "literal_error":
            location = ".".join(map(str, found["loc"]))
            kinds = ("numeric", "nominal", "ordinal", "id")
            problem = f"unknown kind {found['input']!r}"
            hint = nearest(str(found["input"]), kinds)
            raise InputError(path, location, problem, hint) from None
        known = names_at(Schema, error)
        if found["loc"][:1] == ("columns",) and len(found["loc"]) > 2:
            known = list(Column.model_fields)
        raise from_validation(path, error, known) from None

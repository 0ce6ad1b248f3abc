"""The schema: name, kind and valid values of each source column, read from a YAML file."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from creditrisk.core.columns import ORIGINAL
from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import names_at

# Names of columns that the pipeline adds: no feature may have one of them. The raw frame has only
# the second group, so only those are forbidden as source columns.
RESERVED = ("row_id", "line", "malformed", "split", "bad", "applicant")
RESERVED_IN_SOURCE = ("row_id", "line", "malformed")


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
        return {v: v for v in value}
    return value


class Target(_Lax):
    """The outcome column and the codes of its two classes."""

    column: str
    good: Annotated[list[str], BeforeValidator(_listed)]
    bad: Annotated[list[str], BeforeValidator(_listed)]

    @model_validator(mode="after")
    def _disjoint(self) -> "Target":
        both = {code_key(v) for v in self.good} & {code_key(v) for v in self.bad}
        if both or not self.good or not self.bad:
            raise ValueError("good and bad each need at least one code, and no code may be in both")
        return self


class Column(_Lax):
    """One source column."""

    name: str
    kind: Literal["numeric", "nominal", "ordinal", "id"]
    unit: Annotated[list[str], BeforeValidator(_listed)] = []
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    integer: bool = False
    levels: Annotated[dict[str, str] | None, BeforeValidator(_labelled)] = None
    description: str = ""

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if not name.strip() or name in RESERVED or name.startswith(ORIGINAL):
            reserved = ", ".join(RESERVED)
            raise ValueError(
                f"the name may not be empty, start with '{ORIGINAL}' or be one of {reserved}"
            )
        return name

    @model_validator(mode="after")
    def _consistent(self) -> "Column":
        if self.kind == "ordinal" and not self.levels:
            raise ValueError("an ordinal column needs levels, in ascending order")
        if self.kind in ("numeric", "id") and self.levels is not None:
            raise ValueError(f"a column of kind {self.kind} may not have levels")
        if self.kind != "numeric" and (self.min, self.max, self.integer) != (None, None, False):
            raise ValueError("min, max and integer are for numeric columns only")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is greater than max")
        if self.levels is not None and len({code_key(v) for v in self.levels}) < len(self.levels):
            raise ValueError("two levels are the same code")
        return self


class Schema(_Lax):
    """A data set's columns, by their names in the source file."""

    name: str
    target: Target
    columns: dict[str, Column]
    description: str = ""
    licence: str = ""
    source: str = ""

    @model_validator(mode="after")
    def _distinct(self) -> "Schema":
        names = [c.name for c in self.columns.values()]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two columns have the name {name}")
        if self.target.column in self.columns:
            raise ValueError(f"the target {self.target.column} is also listed under columns")
        for column in (*self.columns, self.target.column):
            if column in RESERVED_IN_SOURCE:
                raise ValueError(f"the name of the source column {column} is reserved; rename it")
        folded = [fold(c) for c in (*self.columns, self.target.column)]
        for column in folded:
            if folded.count(column) > 1:
                raise ValueError(f"two source columns differ only in case or blanks: {column}")
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


def fold(text: str) -> str:
    """Normalise a header name or level: case folded, blanks stripped and collapsed to one."""
    return " ".join(text.split()).casefold()


def code_key(text: str) -> Any:
    """Normalise a code: a number if it is one (`2`, `2.0`, ` 2 `), else its folded text."""
    try:
        number = float(text)
    except ValueError:
        return fold(text)
    # `nan` and `infinity` parse as floats, but as codes they are words. x - x is 0 if x is finite.
    return number if number - number == 0 else fold(text)


class _TextLoader(yaml.BaseLoader):
    """Loader that keeps every scalar as the text in the file: `1`, `no` and `2.0` are codes."""


def _mapping_without_repeats(loader: _TextLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key} occurs twice", node.start_mark
            )
    return yaml.BaseLoader.construct_mapping(loader, node, deep=True)


_TextLoader.add_constructor("tag:yaml.org,2002:map", _mapping_without_repeats)


def load_schema(path: str | Path) -> Schema:
    """Read and check a schema file.

    Raises:
        InputError: the file is missing, not YAML, or not a valid schema (an unknown kind, a
            repeated name, no target, an ordinal column without levels, ...).
    """
    try:
        # Not the faster C loader: it does not let a constructor see repeated keys.
        tree = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_TextLoader)
    except FileNotFoundError:
        hint = "Set data.schema in params.yaml."
        raise InputError(path, "file", "not found", hint) from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        problem, hint = f"not YAML: {error}", "Correct the syntax."
        raise InputError(path, "file", problem, hint, quotes_data=True) from None
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

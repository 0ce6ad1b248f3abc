"""The schema: name, kind and valid values of each source column, read from a YAML file."""

import math
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FiniteFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from creditrisk.core.columns import (
    APPLICATION_DATE,
    NO_CODE,
    RESERVED_IN_SOURCE,
    SPECIAL,
    name_fault,
)
from creditrisk.core.dates import format_fault
from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import Name, distinct_keys
from creditrisk.core.regular import read_regular
from creditrisk.core.text import code_key, exact_number, fold, repeated, same_text
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


# The type of the input is what error lines say.
_Labelled = BeforeValidator(_labelled, json_schema_input_type=list[Name] | dict[Name, Name])
# A text that people read: in form NFC, and all of it shows.
Prose = Annotated[Name, BeforeValidator(_on_one_line)]

Kind = Literal["numeric", "nominal", "ordinal", "date", "group", "id"]
KINDS: tuple[str, ...] = get_args(Kind)
KEY_KINDS = ("group", "id")  # they tell who an applicant is, and are no features


class Target(_Lax):
    """The outcome column and the codes of its two classes.

    Attributes:
        column: its name in the source.
        good: codes of those who paid back.
        bad: codes of those who defaulted.
        exclude: codes of outcomes that are not known yet (indeterminate). Such rows are rejected,
            and do not count as defects.
    """

    column: Name
    good: Annotated[list[Name], BeforeValidator(_listed)]
    bad: Annotated[list[Name], BeforeValidator(_listed)]
    exclude: Annotated[list[Name], BeforeValidator(_listed)] = []

    @model_validator(mode="after")
    def _disjoint(self) -> "Target":
        lists = [{code_key(v) for v in codes} for codes in (self.good, self.bad, self.exclude)]
        if not self.good or not self.bad or len(set().union(*lists)) < sum(map(len, lists)):
            raise ValueError(
                "good and bad each need at least one code, and no code may be in two of good, bad "
                "and exclude"
            )
        return self


class Column(_Lax):
    """One source column.

    Attributes:
        name: its name in all frames and pages.
        kind: `numeric`, `nominal`, `ordinal`; `date`; `group`, whose rows of one value belong to
            one applicant; `id`, which names a row or an applicant.
        unit: texts that may stand before or after a number.
        min: least valid number; of a date, in months before the application.
        max: greatest valid number, likewise.
        integer: whether only integers are valid.
        levels: code to label; of an ordinal column in ascending order.
        special: codes in the place of a number that are no numbers (`refused`, `not asked`), to
            their labels.
        format: how a date is written, by the codes of Python's strptime.
        monotone: `up` if the risk can only rise with the number, `down` if it can only fall; the
            boosting models and the bins of a scorecard keep to it.
        audit: whether the column is kept out of the model, for the comparison of groups only;
            applicants who are scored need not have it.
        mutable: whether an applicant can change it, for "accepted if" (counterfactuals): `true`, or
            `up` or `down` for one direction of a number or of ordinal levels.
        force: whether a column whose text differs in nearly every row is a feature all the same.
        description: for people.
    """

    name: Name
    kind: Kind
    unit: Annotated[list[Name], BeforeValidator(_listed)] = []
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    integer: bool = False
    levels: Annotated[dict[Name, Name] | None, _Labelled] = None
    special: Annotated[dict[Name, Name], _Labelled] = {}
    format: Name | None = None
    monotone: Literal["up", "down"] | None = None
    audit: bool = False
    mutable: bool | Literal["up", "down"] = False
    force: bool = False
    description: Prose = ""

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        # A date may have the name that the application date has in every frame; see below.
        fault = None if fold(name) == APPLICATION_DATE else name_fault(name)
        if fault:
            raise ValueError(fault)
        return name

    @model_validator(mode="after")
    def _consistent(self) -> "Column":
        is_date = self.kind == "date" and fold(self.name) == APPLICATION_DATE
        fault = None if is_date else name_fault(self.name, is_id=self.kind in KEY_KINDS)
        if fault:
            raise ValueError(fault)
        if self.kind == "ordinal" and not self.levels:
            raise ValueError("an ordinal column needs levels, in ascending order")
        if self.kind not in ("nominal", "ordinal") and self.levels is not None:
            raise ValueError(f"a column of kind {self.kind} may not have levels")
        if self.kind not in ("numeric", "date") and (self.min, self.max) != (None, None):
            raise ValueError("min and max are for numeric columns and dates only")
        if self.kind != "numeric" and (self.integer or self.special):
            raise ValueError("integer and special are for numeric columns only")
        if self.kind not in ("numeric", "date") and self.monotone:
            raise ValueError("monotone is for numeric columns and dates only")
        if (self.audit or self.mutable) and self.kind in KEY_KINDS:
            raise ValueError("audit and mutable are for variables, not for ids and groups")
        if self.audit and (self.mutable or self.monotone):
            raise ValueError(
                "a column for audit only is not in the model: it can't be mutable or monotone"
            )
        if self.mutable and self.kind == "date":
            raise ValueError("a date can't be mutable: its months pass by themselves")
        if self.mutable in ("up", "down") and self.kind == "nominal":
            raise ValueError("a nominal column has no direction: write mutable: true")
        if self.force and self.kind != "nominal":
            raise ValueError("force is for nominal columns only")
        self._check_date()
        self._check_special()
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is greater than max")
        for what, codes in (("levels", self.levels), ("special codes", self.special)):
            keys = [code_key(code) for code in codes or ()]
            twice = repeated(keys)
            if twice is not None:
                same = [v for v, key in zip(codes or (), keys, strict=True) if key == twice]
                raise ValueError(f"two {what} are the same code: {same[0]} and {same[1]}")
        return self

    def _check_date(self) -> None:
        if (self.kind == "date") != (self.format is not None):
            raise ValueError("a date, and no other column, needs a format, such as '%Y-%m-%d'")
        if self.format is not None and (fault := format_fault(self.format)):
            raise ValueError(fault)

    def _check_special(self) -> None:
        for code in self.special:
            number = exact_number(fold(code))
            if number is None or not math.isfinite(float(number)):
                raise ValueError(f"the special code {code} is no number; list it in null_words")


class Schema(_Lax):
    """A data set's columns, by their names in the source file.

    Attributes:
        name: of the data set.
        target: the outcome.
        application_date: source column of kind date from which the other dates are counted, and by
            which rows can be split.
        columns: source name to column.
        description: for people, as are `licence` and `source`.
    """

    name: Name
    target: Target
    application_date: Name | None = None
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
        self._check_dates()
        if all(
            c.kind in KEY_KINDS or c.audit or source == self.application_date
            for source, c in self.columns.items()
        ):
            raise ValueError("there is no feature column")
        return self

    def _check_dates(self) -> None:
        dates = {source: c.name for source, c in self.columns.items() if c.kind == "date"}
        if self.application_date is None and dates:
            raise ValueError(
                f"the column {next(iter(dates))} is a date, and application_date is not set. A "
                "date means months before the application; by itself it is calendar time, which a "
                "model must not learn. Name the date of the application, or leave the column out"
            )
        if self.application_date is not None and self.application_date not in dates:
            raise ValueError(
                f"application_date names {self.application_date}, which is no column of kind date"
            )
        if self.application_date is not None and self.columns[self.application_date].audit:
            raise ValueError("the column of application_date is no variable: it can't be for audit")
        for source, name in dates.items():
            if source != self.application_date and fold(name) == APPLICATION_DATE:
                raise ValueError(f"only the column of application_date may have the name {name}")

    @cached_property
    def variables(self) -> dict[str, Column]:
        """The variables, by their names in the clean frame: all but ids, groups, application date.

        A date is described as what it becomes: a number of months before the application.
        """
        return {
            c.name: _as_months(c) if c.kind == "date" else c
            for source, c in self.columns.items()
            if c.kind not in KEY_KINDS and source != self.application_date
        }

    @cached_property
    def companions(self) -> dict[str, Column]:
        """The columns with the special codes of numeric variables, by their names in the frames.

        In such a column a cell holds the code that takes the place of the number, or `NO_CODE`.
        """
        return {
            SPECIAL + name: Column.model_construct(
                name=SPECIAL + name,
                kind="nominal",
                levels={**column.special, NO_CODE: "no special code"},
                description=f"special codes of {name}",
            )
            for name, column in self.variables.items()
            if column.special
        }

    @cached_property
    def inputs(self) -> dict[str, Column]:
        """The variables that models learn from: all but those that are for audit only."""
        return {name: column for name, column in self.variables.items() if not column.audit}

    @cached_property
    def audited(self) -> dict[str, Column]:
        """The variables that are for audit only, by their names in the clean frame."""
        return {name: column for name, column in self.variables.items() if column.audit}

    @cached_property
    def needed(self) -> dict[str, Column]:
        """The columns that every file of applicants must have, by their names in the source."""
        return {source: column for source, column in self.columns.items() if not column.audit}

    @cached_property
    def features(self) -> dict[str, Column]:
        """The columns that models learn from, by their names in the frames."""
        audited = {SPECIAL + name for name in self.audited}
        return self.inputs | {n: c for n, c in self.companions.items() if n not in audited}

    @cached_property
    def keys(self) -> dict[str, Column]:
        """The ids and groups, by their names in the clean frame."""
        return {c.name: c for c in self.columns.values() if c.kind in KEY_KINDS}

    def of_kind(self, kind: str) -> list[str]:
        """List the variables of one kind, in the order of the schema."""
        return [name for name, column in self.variables.items() if column.kind == kind]

    def label(self, name: str, code: Any) -> str:
        """Return the text to show for a cell: the level's label, or the value itself."""
        column = self.variables.get(name) or self.companions.get(name)
        levels = (column.levels or {}) | column.special if column else {}
        return levels.get(str(code), str(code))


def _as_months(date: Column) -> Column:
    return Column.model_construct(
        name=date.name,
        kind="numeric",
        unit=["months"],
        min=date.min,
        max=date.max,
        audit=date.audit,
        description=date.description or "months before the application",
    )


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
        if found["type"] == "literal_error" and found["loc"][-1] == "kind":
            location = ".".join(map(str, found["loc"]))
            problem = f"unknown kind {found['input']!r}"
            hint = nearest(str(found["input"]), KINDS)
            raise InputError(path, location, problem, hint) from None
        raise from_validation(path, error, Schema) from None

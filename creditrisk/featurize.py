"""featurize: derived columns, and the list of features that the models use."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, field_validator

from creditrisk.bins import read_bins
from creditrisk.core.columns import (
    APPLICATION_DATE,
    FEATURES,
    KEYS,
    MANY_LEVELS,
    SPECIAL,
    keep_originals,
    name_fault,
    original_columns,
)
from creditrisk.core.errors import InputError
from creditrisk.core.params import Name, Strict, distinct_keys
from creditrisk.core.text import in_order_of_codes
from creditrisk.eda.look_at import unique_texts
from creditrisk.schema import Schema


class Derived(Strict):
    """A derived column: an operation on two numeric columns."""

    op: Literal["ratio", "product", "sum", "difference"]
    of: list[Name]

    @field_validator("of")
    @classmethod
    def _two(cls, of: list[str]) -> list[str]:
        if len(of) != 2:
            raise ValueError("exactly two columns are needed")
        return of


class FeaturizeParams(Strict):
    """The block `featurize`: derived columns by name."""

    derived: Annotated[dict[Name, Derived], BeforeValidator(distinct_keys)]


OPERATIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ratio": lambda a, b: a / np.where(b != 0, b, np.nan),
    "product": lambda a, b: a * b,
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
}


def derive(frame: pd.DataFrame, derived: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Add the derived columns; a value depends only on its own row.

    Args:
        frame: rows with the columns that the definitions use, shape (n, d).
        derived: maps a name to `{op, of}`; a definition may use a column that is derived before it.

    Returns:
        A copy of the frame with a float64 column per definition. A value is missing if an operand
        is missing, a ratio divides by zero, or the result is not finite.
    """
    names = {column for definition in derived.values() for column in definition["of"]}
    operands = {
        name: frame[name].to_numpy(dtype="float64", na_value=np.nan)
        for name in names - derived.keys()
    }
    return frame.assign(**derived_columns(operands, derived))


def derived_columns(
    columns: Mapping[str, np.ndarray], derived: dict[str, dict[str, Any]]
) -> dict[str, np.ndarray]:
    """Compute the derived columns as `derive` does, from arrays of n numbers.

    Returns:
        The derived columns alone.
    """
    found: dict[str, np.ndarray] = {}
    for name, definition in derived.items():
        a, b = (found[n] if n in found else columns[n] for n in definition["of"])
        with np.errstate(all="ignore"):  # what is not finite is missing
            values = OPERATIONS[definition["op"]](a, b)
        found[name] = np.where(np.isfinite(values), values, np.nan)
    return found


def manifest(
    schema: Schema,
    params: FeaturizeParams,
    train: pd.DataFrame | None = None,
    bins_file: Path | None = None,
) -> dict[str, Any]:
    """List the features that the models use: the content of features.json.

    The same parameters may be used for several data sets, so a derived column whose operands this
    data set does not have is not an error: it is left out and listed in `left_out` with the reason.

    Args:
        schema: the schema of the data set.
        params: the block `featurize`.
        train: the training rows, which show what a column is worth; None leaves that out.
        bins_file: has bins made by hand, if it exists.

    Returns:
        `numeric` (source columns, then derived ones) and `nominal` (also the companions with the
        special codes of numeric variables), lists of names; `many`, those of the nominal ones that
        have more than `MANY_LEVELS` levels; `ordinal`, name to levels in ascending order; `target`;
        `derived`, name to definition; `left_out`, name to reason; `audit`, the variables that no
        model sees (`audit: true` in the schema), which are in no other list; `missing`, the
        variables with missing training cells; `monotone`, variable to 1 or -1 as the schema asks
        for it, also for columns derived from such variables; `bins`, from the bins file; and, where
        the order of codes is not that of texts, or with `monotone`, `levels`, the nominal variables
        to theirs.

    Raises:
        InputError: a derived column has the name of another column, or a reserved one.
    """
    audit = [*schema.audited]
    numeric, nominal, ordered = (
        [name for name in schema.of_kind(kind) if name not in audit]
        for kind in ("numeric", "nominal", "ordinal")
    )
    own = {column.name for column in schema.columns.values()}
    taken = {*own, *schema.columns, schema.target.column}
    derived: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    ways = {
        name: 1 if column.monotone == "up" else -1
        for name, column in schema.variables.items()
        if column.monotone
    }
    for name, definition in params.derived.items():
        fault = "the data already has a column of this name" if name in taken else name_fault(name)
        if fault:
            location, hint = f"featurize.derived.{name}", "Choose another name."
            raise InputError("params.yaml", location, fault, hint)
        unusable = next((column for column in definition.of if column not in numeric), None)
        if unusable is not None:
            left_out[name] = _why_not(unusable, audit, own)
            continue
        way, fault = _way(definition, ways, None if train is None else derive(train, derived))
        if fault:
            left_out[name] = fault
            continue
        derived[name] = definition.model_dump()
        numeric.append(name)
        if way:
            ways[name] = way
    nominal += [name for name in schema.companions if name in schema.features]
    many: list[str] = []
    if train is not None:
        useless = {n: why for n, why in unique_texts(train, schema).items() if n not in audit}
        nominal = [name for name in nominal if name not in useless]
        many = [name for name in nominal if train[name].nunique() > MANY_LEVELS]
        left_out |= useless
    if train is not None and not (numeric or nominal or ordered):
        problem = f"no feature is left: {'; '.join(f'{n}: {why}' for n, why in left_out.items())}"
        hint = "Add variables, or set force: true for a text that is one."
        raise InputError("data.schema", "columns", problem, hint)
    ordinal = {name: list(schema.features[name].levels or ()) for name in ordered}
    found: dict[str, Any] = {
        "numeric": numeric,
        "nominal": nominal,
        "many": many,
        "ordinal": ordinal,
        "target": "bad",
        "derived": derived,
        "left_out": left_out,
        "audit": audit,
        "monotone": ways,
        "bins": read_bins(bins_file, schema, numeric) if bins_file else {},
    }
    if train is not None:
        gaps = derive(train, derived)
        found["missing"] = [n for n in (*numeric, *nominal, *ordinal) if gaps[n].isna().any()]
        codes = {n: sorted(train[n].dropna().unique()) for n in nominal}
        if ways or any(in_order_of_codes(levels) != levels for levels in codes.values()):
            found["levels"] = codes
    return found


def _why_not(column: str, audit: Collection[str], own: Collection[str]) -> str:
    """Say why a derived column can't use a column."""
    if column in audit:
        return f"{column} is for audit only"
    return f"{column} is not numeric" if column in own else f"there is no column {column}"


def feature_frame(explored: pd.DataFrame, features: Mapping[str, Any]) -> pd.DataFrame:
    """Make the frame that the models learn from.

    Args:
        explored: the rows after the adjustments, shape (n, d).
        features: from `manifest`.

    Returns:
        The keys, the application date if there is one, the features, and the original values
        (`original.NAME`) of the adjusted variables and of those for audit, which have no other
        column. `core.columns.feature_columns` lists the features.
    """
    frame = derive(explored, features["derived"])
    audited = [*features["audit"]]
    audited += [SPECIAL + name for name in audited if SPECIAL + name in frame]
    frame = keep_originals(frame, explored, audited)
    dated = [APPLICATION_DATE] if APPLICATION_DATE in frame else []
    columns = [name for kind in FEATURES for name in features[kind]]
    return frame[[*KEYS, *dated, *columns, *original_columns(frame)]]


def _way(definition: Derived, ways: dict[str, int], train: pd.DataFrame | None) -> tuple[int, str]:
    """Return the direction that a derived column must have, and why it can have none.

    If the risk may only rise with a column, it may only rise with what rises with that column.
    """
    first, second = definition.of
    signs = {first: 1, second: -1 if definition.op in ("ratio", "difference") else 1}
    asked = {ways[name] * signs[name] for name in signs if name in ways}
    if not asked:
        return 0, ""
    fault = f"the direction of {' and '.join(n for n in signs if n in ways)} would not hold"
    least = [] if train is None else [train[name].min() for name in signs]
    if definition.op in ("ratio", "product") and not all(value >= 0 for value in least):
        return 0, f"{fault} with negative numbers"
    return (asked.pop(), "") if len(asked) == 1 else (0, fault)

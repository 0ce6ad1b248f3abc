"""featurize: derived columns, and the manifest of what a model learns from."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import field_validator

from creditrisk.errors import InputError, nearest
from creditrisk.params import Strict
from creditrisk.schema import RESERVED, Schema


class Derived(Strict):
    """A derived column: an operation on two numeric ones."""

    op: Literal["ratio", "product", "sum", "difference"]
    of: list[str]

    @field_validator("of")
    @classmethod
    def _two(cls, of: list[str]) -> list[str]:
        if len(of) != 2:
            raise ValueError("two columns are needed")
        return of


class FeaturizeParams(Strict):
    """The block `featurize`: derived columns by name."""

    derived: dict[str, Derived]


OPERATIONS = {
    "ratio": lambda a, b: a / b.where(b != 0),
    "product": lambda a, b: a * b,
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
}


def derive(frame: pd.DataFrame, derived: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Add the derived columns, each from the row alone.

    Parameters
    ----------
    frame : has the columns that the definitions name, shape (n, d).
    derived : name to `{op, of}`, in order; a definition may use an earlier one.

    Returns
    -------
    float64 columns added; missing where an operand is, or where a ratio divides by zero.
    """
    frame = frame.copy()
    for name, definition in derived.items():
        a, b = (frame[column] for column in definition["of"])
        values = OPERATIONS[definition["op"]](a, b).astype("float64")
        frame[name] = values.where(np.isfinite(values))
    return frame


def manifest(schema: Schema, params: FeaturizeParams) -> dict[str, Any]:
    """List what a model learns from: the content of features.json.

    Raises
    ------
    InputError : a derived column takes a name that is in use, or one of its operands is no numeric
        column.
    """
    numeric = schema.of_kind("numeric")
    taken = {*RESERVED, *(column.name for column in schema.columns.values())}
    for name, definition in params.derived.items():
        where = f"featurize.derived.{name}"
        if name in taken:
            mend = "Choose another name."
            raise InputError("params.yaml", where, "the name is in use", mend)
        for column in definition.of:
            if column not in numeric:
                hint = nearest(column, numeric) if numeric else "There is none."
                what = f"no numeric column {column}"
                raise InputError("params.yaml", f"{where}.of", what, hint)
        numeric.append(name)
    return {
        "numeric": numeric,
        "nominal": schema.of_kind("nominal"),
        "ordinal": {name: list(schema.features[name].levels) for name in schema.of_kind("ordinal")},
        "target": "bad",
        "derived": {name: d.model_dump() for name, d in params.derived.items()},
    }

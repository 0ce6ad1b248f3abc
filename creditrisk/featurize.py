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

    A derived column whose operands this data set doesn't have is left out, and named in
    `left_out` with the operand that is missing: the parameters serve other data sets too.

    Raises
    ------
    InputError : a derived column takes a name that is in use, or an operand is no numeric column.
    """
    numeric = schema.of_kind("numeric")
    taken = {*RESERVED, *(column.name for column in schema.columns.values())}
    derived, left_out = {}, {}
    for name, definition in params.derived.items():
        where = f"featurize.derived.{name}"
        if name in taken:
            mend = "Choose another name."
            raise InputError("params.yaml", where, "the name is in use", mend)
        absent = [column for column in definition.of if column not in {*taken, *numeric}]
        if absent:
            left_out[name] = absent[0]
            continue
        for column in definition.of:
            if column not in numeric:
                what = f"{column} is no numeric column"
                hint = nearest(column, numeric) if numeric else "There is none."
                raise InputError("params.yaml", f"{where}.of", what, hint)
        derived[name] = definition.model_dump()
        numeric.append(name)
    return {
        "numeric": numeric,
        "nominal": schema.of_kind("nominal"),
        "ordinal": {name: list(schema.features[name].levels) for name in schema.of_kind("ordinal")},
        "target": "bad",
        "derived": derived,
        "left_out": left_out,
    }

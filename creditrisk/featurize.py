"""featurize: derived columns, and the manifest of what a model learns from."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import field_validator

from creditrisk.core.errors import InputError
from creditrisk.core.params import Strict
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

    Args:
        frame: has the columns that the definitions name, shape (n, d).
        derived: name to `{op, of}`, in order; a definition may use an earlier one.

    Returns:
        Float64 columns added; missing where an operand is, or where a ratio divides by zero.
    """
    frame = frame.copy()
    for name, definition in derived.items():
        a, b = (frame[column] for column in definition["of"])
        values = OPERATIONS[definition["op"]](a, b).astype("float64")
        frame[name] = values.where(np.isfinite(values))
    return frame


def manifest(schema: Schema, params: FeaturizeParams) -> dict[str, Any]:
    """List what a model learns from: the content of features.json.

    A derived column that this data set can't have is left out, and named in `left_out` with the
    reason: the parameters serve other data sets too.

    Raises:
        InputError: a derived column takes a name of ours.
    """
    numeric = schema.of_kind("numeric")
    own = {column.name for column in schema.columns.values()}
    derived, left_out = {}, {}
    for name, definition in params.derived.items():
        if name in RESERVED:
            location, hint = f"featurize.derived.{name}", "Choose another name."
            raise InputError("params.yaml", location, "the name is in use", hint)
        unfit = next((column for column in definition.of if column not in numeric), None)
        if name in own:
            left_out[name] = f"the data have a column {name} of their own"
        elif unfit is not None:
            problem = f"{unfit} is no numeric column" if unfit in own else f"no column {unfit} here"
            left_out[name] = problem
        else:
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

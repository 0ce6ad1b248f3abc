"""The columns that are for audit only: the model never sees them, monitoring groups by them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from creditrisk.core.columns import SPECIAL
from creditrisk.prepare.cells import Notation, reader_of
from creditrisk.prepare.parse import ages, read_texts, special_codes
from creditrisk.schema import Schema


def audit_cells(
    texts: Mapping[str, Sequence[str | None] | np.ndarray | pd.Series],
    schema: Schema,
    notation: Notation,
) -> dict[str, np.ndarray]:
    """Read the columns for audit that a batch has.

    Args:
        texts: under the names of the source, n cells each; a column for audit may be absent.
        schema: says which columns are for audit.
        notation: how numbers and missing values are written.

    Returns:
        Their values, and the special codes of those that have any, as in the clean frame; each of
        shape (n,).
    """
    found: dict[str, np.ndarray] = {}
    for source, column in schema.columns.items():
        if not column.audit or source not in texts:
            continue
        values, causes = read_texts(texts[source], reader_of(column, notation))
        if column.kind == "date":
            first = str(schema.application_date)
            application = read_texts(texts[first], reader_of(schema.columns[first], notation))
            values, causes = ages(values, causes, *application, column)
        if schema.variables[column.name].kind == "numeric":
            values = values.astype("float64")  # None becomes NaN
        companion = schema.companions.get(SPECIAL + column.name)
        if companion is not None:
            found[SPECIAL + column.name] = special_codes(values, companion)
            values = np.where(causes == "special", np.nan, values)
        found[column.name] = values
    return found

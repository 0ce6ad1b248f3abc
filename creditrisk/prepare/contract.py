"""The contract of the clean frame (columns, types, valid values), checked before it is written."""

import pandas as pd
import pandera.errors
import pandera.pandas as pa
from pandas.api.typing import SeriesGroupBy

from creditrisk.core.columns import APPLICATION_DATE
from creditrisk.prepare.parse import DATE_TYPE
from creditrisk.schema import Column, Schema


def contract(schema: Schema) -> pa.DataFrameSchema:
    """Build the contract of clean.parquet from the schema."""
    keys = {
        "row_id": pa.Column("int64", pa.Check.ge(1), unique=True),
        "applicant": pa.Column("int64", pa.Check.ge(1)),
        "split": pa.Column("str", pa.Check.isin(["train", "test"])),
        "bad": pa.Column("int8", pa.Check.isin([0, 1])),
    }
    keys |= {name: pa.Column("str", nullable=True) for name in schema.keys}
    if schema.application_date is not None:
        keys[APPLICATION_DATE] = pa.Column(DATE_TYPE, nullable=True)
    variables = schema.variables | schema.companions
    features = {name: _column(column) for name, column in variables.items()}
    one_side = pa.Check(
        lambda frame: _same_side((frame["split"] == "test").groupby(frame["applicant"])),
        error="an applicant on both sides of the split",
    )
    return pa.DataFrameSchema(keys | features, checks=[one_side], strict=True, ordered=True)


def _same_side(in_test: SeriesGroupBy) -> pd.Series:
    return in_test.transform("min") == in_test.transform("max")


def _column(column: Column) -> pa.Column:
    if column.kind != "numeric":
        checks = [pa.Check.isin(list(column.levels))] if column.levels else []
        return pa.Column("str", checks, nullable=True)
    checks = []
    if column.min is not None:
        checks.append(pa.Check.ge(column.min))
    if column.max is not None:
        checks.append(pa.Check.le(column.max))
    if column.integer:
        checks.append(pa.Check(lambda values: values % 1 == 0, error="not an integer"))
    return pa.Column("float64", checks, nullable=True)


def check_clean(clean: pd.DataFrame, schema: Schema) -> None:
    """Check that the clean frame fulfils its contract.

    Raises:
        RuntimeError: it does not, which is a bug in prepare.
    """
    try:
        contract(schema).validate(clean, inplace=True)  # it changes nothing: without a copy
    except pandera.errors.SchemaError as error:
        raise RuntimeError(f"the clean frame violates its contract: {error}") from error

"""New applicants from Parquet, a batch of rows at a time, as the text that a CSV would have."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.core.errors import InputError
from creditrisk.ingest.header import find_columns
from creditrisk.ingest.params import DataParams
from creditrisk.schema import Column, Schema, fold

MAGIC = b"PAR1"  # how a Parquet file begins


def read_parquet_batches(
    path: str | Path, data: DataParams, schema: Schema, size: int
) -> Iterator[pd.DataFrame]:
    """Read a Parquet file in batches.

    Args:
        path: the file.
        data: its decimal sign is used for the text.
        schema: names the columns to keep; the target is not needed.
        size: rows per batch.

    Yields:
        `row_id` (int64, from 1), `malformed` (always missing), then the schema's columns as text.

    Raises:
        InputError: the file is no Parquet, or a column is missing or appears twice.
    """
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        columns = find_columns(path, names, schema, data.delimiter, with_target=False)
        wanted = {name: names[position] for name, position in columns.items()}
        first = 1
        for batch in file.iter_batches(size, columns=list(wanted.values()), use_threads=False):
            cells = {
                name: as_text(
                    batch.column(batch.schema.get_field_index(source)),
                    data.decimal,
                    schema.columns[name],
                )
                for name, source in wanted.items()
            }
            row_id = np.arange(first, first + batch.num_rows, dtype=np.int64)
            malformed = pd.Series([None] * batch.num_rows, dtype="str")
            yield pd.DataFrame({"row_id": row_id, "malformed": malformed, **cells})
            first += batch.num_rows
    except pa.ArrowException as error:
        problem = f"not Parquet: {error}"
        raise InputError(path, "file", problem, "Write the file again.") from None


def as_text(column: pa.Array, decimal: str, contract: Column) -> pd.Series:
    """Turn a Parquet column into the text that a CSV would have; null is an empty cell."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values = pd.Series(column.to_pandas(types_mapper=pd.ArrowDtype))
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        texts = [None if v is None else str(v).replace(".", decimal) for v in column.to_pylist()]
        return pd.Series(texts, dtype="str")
    if pa.types.is_boolean(column.type):
        return values.map(_truths(contract)).astype("str")
    return values.astype("str").reset_index(drop=True)


def _truths(contract: Column) -> dict[bool, str]:
    """Spell true and false as words where the column may have these, otherwise as numbers."""
    if contract.kind != "numeric" and not contract.levels:
        return {True: "True", False: "False"}
    words = {fold(level) for level in contract.levels or ()}
    return {
        value: str(value) if fold(str(value)) in words else str(int(value))
        for value in (True, False)
    }

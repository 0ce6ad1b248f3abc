"""New applicants from a file of any form, a batch of rows at a time."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.ingest.csv_reader import CsvReader
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.parquet_reader import MAGIC, read_parquet_batches
from creditrisk.schema import Schema


def read_batches(
    path: str | Path, data: DataParams, schema: Schema, size: int
) -> Iterator[pd.DataFrame]:
    """Read a file of applicants without an outcome in batches; a file without rows yields none.

    Args:
        path: CSV, or Parquet, recognised by its first bytes.
        data: how a CSV is written.
        schema: names the columns to keep; the target is not needed.
        size: rows per batch.

    Returns:
        Batches with `row_id` (int64, from 1), `malformed` (text, missing for a well-formed row),
        then the schema's columns as text.

    Raises:
        InputError: the file is missing, can't be read, or its columns are not those of the schema.
    """
    try:
        with open(path, "rb") as file:
            parquet = file.read(len(MAGIC)) == MAGIC
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Give the file with --input.") from None
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise InputError(
            path, "file", problem, "Check the path and the file permissions."
        ) from None
    if parquet:
        return read_parquet_batches(path, data, schema, size)
    return iter(CsvReader(path, data, schema, size, with_target=False))

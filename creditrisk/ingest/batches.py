"""New applicants from a file of any form, or from a pipe, a batch of rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.ingest.csv_reader import CsvReader
from creditrisk.ingest.json_reader import read_json_batches
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.parquet_reader import MAGIC, read_parquet_batches
from creditrisk.ingest.source import STDIN, open_source, put_back, seekable, source_name
from creditrisk.schema import Schema

PARQUET, JSON_LINES, CSV = "parquet", "jsonl", "csv"
SUFFIXES = {
    ".csv": CSV,
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
}
# Names that text files have as well; what they hold is what `data.delimiter` says.
TEXT_SUFFIXES = dict.fromkeys((".txt", ".tsv", ".data"), CSV)
_HEAD = 4096  # bytes that tell the form of an input without a suffix


def read_batches(
    path: str | Path, data: DataParams, schema: Schema, size: int
) -> Iterator[pd.DataFrame]:
    """Read applicants without an outcome in batches; an input without rows yields none.

    The input is opened once and read once.

    Args:
        path: CSV, Parquet or JSON lines, by its suffix; `-` for standard input. A Parquet file is
            recognised by its first bytes, and so is any input without a suffix, such as a pipe.
        data: how a CSV is written.
        schema: names the columns to keep; the target is not needed.
        size: rows per batch.

    Yields:
        `row_id` (int64, from 1; or the text of the input's own column `row_id`), `malformed` (text,
        missing for a well-formed row), then the schema's columns as text (or categories of text).

    Raises:
        InputError: the file is missing, can't be read, or its columns are not those of the schema;
            or its suffix is unknown.
    """
    name = source_name(path)
    suffix = "" if str(path) == STDIN else Path(path).suffix.lower()
    if suffix and suffix not in SUFFIXES | TEXT_SUFFIXES:
        hint = f"Name it {', '.join(SUFFIXES | TEXT_SUFFIXES)}, or use --input - for a pipe."
        raise InputError(path, "file", f"the suffix {suffix} is unknown", hint)
    with open_source(path, "Give the file with --input.") as stream:
        head = stream.read(_HEAD)
        form = (SUFFIXES | TEXT_SUFFIXES).get(suffix) or _form_of(head)
        whole = put_back(head, stream)
        if form == PARQUET or head.startswith(MAGIC):
            yield from _parquet(stream, whole, name, data, schema, size)
        elif form == JSON_LINES:
            yield from read_json_batches(whole, name, data, schema, size)
        else:
            yield from CsvReader(path, data, schema, size, with_target=False, stream=whole)


def _parquet(
    stream: BinaryIO, whole: BinaryIO, name: str, data: DataParams, schema: Schema, size: int
) -> Iterator[pd.DataFrame]:
    with seekable(stream if stream.seekable() else whole) as file:
        yield from read_parquet_batches(file, name, data, schema, size)


def _form_of(head: bytes) -> str:
    if head.startswith(MAGIC):
        return PARQUET
    return JSON_LINES if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else CSV

"""New applicants, a batch at a time: from CSV or Parquet to verbatim text, as ingest reads it."""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from creditrisk.core.errors import InputError
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.records import read_records
from creditrisk.ingest.table import find_columns, ragged
from creditrisk.schema import Column, Schema, fold

MAGIC = b"PAR1"  # how a Parquet file begins


def read_batches(
    path: str | Path, data: DataParams, schema: Schema, size: int
) -> Iterator[pd.DataFrame]:
    """Read a file in batches; a file without rows gives none.

    Args:
        path: CSV, or Parquet by its first bytes.
        data: how a CSV is written.
        schema: names the columns to keep; the target is not needed.
        size: rows of a batch.

    Yields:
        `row_id` (int64, from 1), `malformed` (text, missing for a well-formed row), then the
        schema's columns as text.

    Raises:
        InputError: those of ingest, or the file is empty.
    """
    try:
        with open(path, "rb") as file:
            parquet = file.read(len(MAGIC)) == MAGIC
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Give the file with --input.") from None
    except OSError as error:
        raise InputError(path, "file", f"can't be read: {error.strerror}", "Mend that.") from None
    if parquet:
        return _parquet(path, data, schema, size)
    # Encodings in which a byte of a quote or of a line end is nothing else.
    if data.delimiter != " " and data.encoding.lower() in ("utf-8", "utf8", "latin-1", "ascii"):
        return _csv(path, data, schema, size)
    return _exact_csv(path, data, schema, size)


def _frame(
    first: int, cells: dict[str, list[str | None] | pd.Series], faults: dict[int, str], rows: int
) -> pd.DataFrame:
    malformed = np.full(rows, None, dtype=object)
    for place, words in faults.items():
        malformed[place] = words
    return pd.DataFrame(
        {
            "row_id": np.arange(first, first + rows, dtype=np.int64),
            "malformed": pd.Series(malformed, dtype="str"),
            **{name: pd.Series(column, dtype="str") for name, column in cells.items()},
        }
    )


def _exact_csv(
    path: str | Path, data: DataParams, schema: Schema, size: int
) -> Iterator[pd.DataFrame]:
    """Any CSV, by the reader of ingest."""
    records = (r for r in read_records(path, data) if r[2])
    header = next(records, None)
    if header is None:
        raise _empty(path)
    places = find_columns(path, header[2], schema, data.delimiter, with_target=False)
    width, row = len(header[2]), 1
    while batch := list(islice(records, size)):
        faults = {
            i: ragged(start, end, len(cells), width)
            for i, (start, end, cells) in enumerate(batch)
            if len(cells) != width
        }
        gap = [None] * width
        rows = [gap if i in faults else cells for i, (_, _, cells) in enumerate(batch)]
        yield _frame(row, _columns(rows, places), faults, len(batch))
        row += len(batch)


def _csv(path: str | Path, data: DataParams, schema: Schema, size: int) -> Iterator[pd.DataFrame]:
    """CSV, faster where it has no quotes: a line is then a record, and its cells lie between signs.

    Where there may be more to it, the exact reader takes over, from the first row not yet read.
    """
    row = 1
    with open(path, "rb") as stream:
        header, number = _header(stream, data)
        if header is not None:
            names = header.split(data.delimiter)
            places = find_columns(path, names, schema, data.delimiter, with_target=False)
            while lines := list(islice(stream, size)):
                read = _unquoted_lines(b"".join(lines), data, names, places, number)
                if read is None:
                    break
                cells, faults, rows = read
                number += len(lines)
                if rows:
                    yield _frame(row, cells, faults, rows)
                row += rows
            else:
                return
    for batch in _exact_csv(path, data, schema, size):
        rest = batch[batch["row_id"] >= row]
        if len(rest):
            yield rest.reset_index(drop=True)


def _header(stream: BinaryIO, data: DataParams) -> tuple[str | None, int]:
    """Find the first line with text, and its number; None where it is not a plain one."""
    for number, line in enumerate(stream, start=1):
        text = _text(line, data)
        if text is None:
            break
        text = (text.removeprefix("\ufeff") if number == 1 else text).rstrip("\r\n")
        if text:
            return text, number
    return None, 0


def _text(block: bytes, data: DataParams) -> str | None:
    """Decode lines, if a line end is all that parts them."""
    if b'"' in block or b"\0" in block or block.count(b"\r") != block.count(b"\r\n"):
        return None
    try:
        return block.decode(data.encoding)
    except UnicodeError:
        return None


def _unquoted_lines(
    block: bytes, data: DataParams, names: list[str], places: dict[str, int], number: int
) -> tuple[dict[str, Any], dict[int, str], int] | None:
    """Read lines without quotes; `number` is that of the line before them."""
    text = _text(block, data)
    if text is None:
        return None
    if text.startswith(("\n", "\r")) or "\n\n" in text or "\n\r\n" in text:  # blank lines
        return _ragged_lines(text, data, names, places, number)
    columns = [str(place) for place in range(len(names))]
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(text.encode()),
            arrow_csv.ReadOptions(column_names=columns, use_threads=False),
            arrow_csv.ParseOptions(delimiter=data.delimiter, quote_char=False),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.large_string()),
                strings_can_be_null=False,
                include_columns=[str(place) for place in places.values()],
            ),
        )
    except pa.ArrowException:  # lines of other lengths
        return _ragged_lines(text, data, names, places, number)
    frame = table.to_pandas()
    return {name: frame[str(place)] for name, place in places.items()}, {}, len(frame)


def _ragged_lines(
    text: str, data: DataParams, names: list[str], places: dict[str, int], number: int
) -> tuple[dict[str, Any], dict[int, str], int]:
    faults: dict[int, str] = {}
    rows: list[list[str | None]] = []
    for place, line in enumerate(text.removesuffix("\n").split("\n"), start=number + 1):
        cells = line.removesuffix("\r").split(data.delimiter)
        if cells == [""]:
            continue
        if len(cells) != len(names):
            faults[len(rows)] = ragged(place, place, len(cells), len(names))
            cells = [None] * len(names)
        rows.append(cells)
    return _columns(rows, places) if rows else {}, faults, len(rows)


def _columns(
    rows: list[list[str | None]], places: dict[str, int]
) -> dict[str, list[str | None] | pd.Series]:
    columns = list(zip(*rows, strict=True))
    return {name: list(columns[place]) for name, place in places.items()}


def _parquet(
    path: str | Path, data: DataParams, schema: Schema, size: int
) -> Iterator[pd.DataFrame]:
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        places = find_columns(path, names, schema, data.delimiter, with_target=False)
        wanted = {name: names[place] for name, place in places.items()}
        row = 1
        batches = file.iter_batches(size, columns=list(wanted.values()), use_threads=False)
        for batch in batches:
            cells = {
                name: as_text(
                    batch.column(batch.schema.get_field_index(source)),
                    data.decimal,
                    schema.columns[name],
                )
                for name, source in wanted.items()
            }
            yield _frame(row, cells, {}, batch.num_rows)
            row += batch.num_rows
    except pa.ArrowException as error:
        raise InputError(path, "file", f"not Parquet: {error}", "Make it anew.") from None


def as_text(column: pa.Array, decimal: str, contract: Column) -> pd.Series:
    """Write a Parquet column as the text that a CSV would have; null is an empty cell."""
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
    """Spell true and false: as words where the column may have these, else as numbers."""
    if contract.kind != "numeric" and not contract.levels:
        return {True: "True", False: "False"}
    words = {fold(level) for level in contract.levels or ()}
    return {
        value: str(value) if fold(str(value)) in words else str(int(value))
        for value in (True, False)
    }


def _empty(path: str | Path) -> InputError:
    return InputError(path, "file", "empty", "Give a CSV file with a header and data lines.")

"""Applicants from a file of any form, or from a pipe, a batch of rows at a time."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from creditrisk.ingest.compressed import unpacked
from creditrisk.ingest.csv_reader import CsvReader
from creditrisk.ingest.excel_reader import ExcelReader
from creditrisk.ingest.forms import PACKED, Named, form_of, form_of_unpacked, named
from creditrisk.ingest.forms import SUFFIXES as SUFFIXES  # scored rows are written in these
from creditrisk.ingest.json_reader import JsonReader
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.parquet_reader import ParquetReader
from creditrisk.ingest.reader import Reader
from creditrisk.ingest.signatures import CSV as CSV
from creditrisk.ingest.signatures import (
    EXCEL,
    HEAD,
    JSON_LINES,
    PARQUET,
    must_be_seekable,
    recognise,
)
from creditrisk.ingest.source import open_source, put_back, seekable, source_name
from creditrisk.schema import Schema

_READERS: dict[str, type[Reader]] = {
    PARQUET: ParquetReader,
    JSON_LINES: JsonReader,
    EXCEL: ExcelReader,
}


class Batches(Iterator[pd.DataFrame]):
    """The rows of a file in batches, see `read_batches`; what was found of its columns."""

    def __init__(
        self,
        path: str | Path,
        data: DataParams,
        schema: Schema | None,
        size: int,
        with_target: bool,
        any_suffix: bool,
    ):
        self.path, self.data, self.schema = path, data, schema
        self.size, self.with_target, self.any_suffix = size, with_target, any_suffix
        self._reader = Reader(io.BytesIO(), source_name(path), data, schema, size, with_target)
        self._frames = self._read()

    def __next__(self) -> pd.DataFrame:
        return next(self._frames)

    @property
    def header(self) -> list[str]:
        """The names of the file's columns, once the first batch was read."""
        return self._reader.header

    @property
    def columns(self) -> dict[str, int]:
        """The names of the columns that are kept, and their position in the header."""
        return self._reader.columns

    @property
    def blank_lines(self) -> int:
        """Number of lines, or rows of a sheet, without any text so far; they are no records."""
        return self._reader.blank_lines

    @property
    def moments(self) -> set[str]:
        """Without a schema, the columns in which a date or time was written out in full."""
        return self._reader.moments

    def _read(self) -> Iterator[pd.DataFrame]:
        name = named(self.path, self.any_suffix)
        with ExitStack() as stack:
            hint = "Give the file with --input."
            if self.with_target or self.any_suffix:
                hint = "Set data.source in params.yaml to the applicants' file."
            stream = stack.enter_context(open_source(self.path, hint))
            head = stream.read(HEAD)
            whole = put_back(head, stream)
            if must_be_seekable(head):
                file = seekable(stream if stream.seekable() else whole)
                whole = stream = stack.enter_context(file)
            content = recognise(head, stream)
            if stream is whole:
                stream.seek(0)
            form = form_of(name, head, content, self.data)
            if form in PACKED:
                whole, form = self._unpack(stack, whole, name, form)
            self._reader = self._reader_of(form, whole)
            yield from self._reader

    def _unpack(
        self, stack: ExitStack, stream: BinaryIO, name: Named, form: str
    ) -> tuple[BinaryIO, str]:
        """Return the text in a compressed file as a stream, and its form."""
        inner, member = stack.enter_context(unpacked(stream, source_name(self.path), form))
        head = inner.read(HEAD)
        return put_back(head, inner), form_of_unpacked(name, member, head, self.data)

    def _reader_of(self, form: str, stream: BinaryIO) -> Reader:
        options = (self.data, self.schema, self.size, self.with_target)
        return _READERS.get(form, CsvReader)(stream, source_name(self.path), *options)


def read_batches(
    path: str | Path,
    data: DataParams,
    schema: Schema | None,
    size: int,
    with_target: bool = False,
    any_suffix: bool = False,
) -> Batches:
    """Read applicants in batches; an input without rows yields none.

    The input is opened once and read once.

    Args:
        path: CSV or JSON lines, also compressed (.gz, .zst, .zip), Parquet, or a workbook, by its
            suffix; `-` for standard input. An input without a suffix, such as a pipe, is recognised
            by its first bytes.
        data: how it is written.
        schema: names the columns to keep; None keeps all of them.
        size: rows per batch; a batch with very long rows has fewer.
        with_target: whether the target column is wanted; new applicants have none.
        any_suffix: whether a file with an unknown suffix is read, as one without a suffix is.

    Returns:
        An iterator over frames: `row_id` (int64, from 1; or the text of the own column `row_id` of
        new applicants), `line` (int64: the line of a text, the row of a sheet or of Parquet),
        `malformed` (text, missing for a well-formed row), then the columns as text (or categories
        of text). It has `header`, `columns`, `blank_lines` and `moments`, see `Reader`.

    Raises:
        InputError: at the first batch or later: the file is missing, can't be read, or is not what
            its suffix says; or its columns are not those of the schema.
    """
    return Batches(path, data, schema, size, with_target, any_suffix)

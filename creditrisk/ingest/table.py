"""ingest: the applicants' file becomes one frame of text, one row per record."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.batches import Batches, read_batches
from creditrisk.ingest.dates import shorten
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.source import STDIN
from creditrisk.schema import Schema

BATCH_ROWS = 65_536
_log = logging.getLogger(__name__)


@dataclass
class Extract:
    """A source file as it was read.

    Attributes:
        frame: `row_id` (int), `line` (int, the physical line on which the record starts, or the row
            of a sheet or of Parquet), `malformed` (text, missing for a well-formed record), then
            the schema's columns as text.
        ignored: names of the columns that the schema doesn't name.
        blank_lines: number of lines without any text, which are no records.
    """

    frame: pd.DataFrame
    ignored: list[str] = field(default_factory=list)
    blank_lines: int = 0


class SourceRows(Iterator[pd.DataFrame]):
    """The rows of a source file, a batch at a time, and what was counted so far.

    Attributes:
        path: the file.
        rows: number of rows so far.
        malformed: number of those that do not fit the header.
    """

    def __init__(self, path: str | Path, batches: Batches):
        self.path, self.rows, self.malformed = path, 0, 0
        self._batches = batches
        self._fault = ""  # of the first row that does not fit
        self._frames = self._read()

    def __next__(self) -> pd.DataFrame:
        return next(self._frames)

    @property
    def ignored(self) -> list[str]:
        """The columns that the schema doesn't name, once the first batch was read."""
        used = set(self._batches.columns.values())
        return [name.strip() for i, name in enumerate(self._batches.header) if i not in used]

    @property
    def columns(self) -> int:
        """The number of columns that are kept, once the first batch was read."""
        return len(self._batches.columns)

    @property
    def blank_lines(self) -> int:
        """Number of lines without any text so far, which are no records."""
        return self._batches.blank_lines

    def check(self) -> None:
        """Stop if there was no row so far that fits the header."""
        if not self.rows:
            hint = "Give at least one applicant."
            raise InputError(self.path, "file", "a header and no data lines", hint)
        if self.malformed == self.rows:
            problem = f"no row fits the header ({self._fault})"
            raise InputError(self.path, "file", problem, "Check data.delimiter in params.yaml.")

    def _read(self) -> Iterator[pd.DataFrame]:
        path, size = self.path, 0
        for batch in self._batches:
            plain = _plain(batch)
            faults = batch["malformed"].dropna()
            self.rows += len(batch)
            self.malformed += len(faults)
            self._fault = self._fault or next(iter(faults), "")
            size += int(plain.memory_usage(index=False).sum())
            if self.malformed >= limits.MAX_MALFORMED_ROWS and 2 * self.malformed > self.rows:
                problem = f"{self.malformed:,} of the first {self.rows:,} rows do not fit"
                problem += " the header"
                hint = "Check the file, and data.delimiter in params.yaml."
                raise InputError(path, f"line {batch['line'].iloc[-1]}", problem, hint)
            _check_memory(path, size)
            yield plain
        self.check()
        _log.info("read %s", path, extra={"rows": self.rows})


def source_rows(path: str | Path, data: DataParams, schema: Schema) -> SourceRows:
    """Read a file of applicants with their outcomes a batch at a time, every cell as text.

    Args:
        path: the source file: CSV, JSON lines, Parquet or a workbook.
        data: how it is written.
        schema: names the columns to keep.

    Returns:
        An iterator over frames as `Extract` has one; it holds one batch.

    Raises:
        InputError: besides those of `read_batches`: it is no regular file; at the first batch or
            later: there are no data lines, none that fits the header, or so many that don't fit
            that reading on would only fill the disk; or the text is much larger than the file.
    """
    _check_regular(path)
    batches = read_batches(path, data, schema, BATCH_ROWS, with_target=True, any_suffix=True)
    return SourceRows(path, batches)


def read_source(path: str | Path, data: DataParams, schema: Schema) -> Extract:
    """Read a file of applicants with their outcomes whole.

    Args:
        path: the source file: CSV, JSON lines, Parquet or a workbook.
        data: how it is written.
        schema: names the columns to keep.

    Raises:
        InputError: as `source_rows`.
    """
    rows = source_rows(path, data, schema)
    frame = pd.concat(rows, ignore_index=True)
    return Extract(frame, rows.ignored, rows.blank_lines)


read_csv = read_source  # its name when CSV was the only form


def read_columns(path: str | Path, data: DataParams, limit: int | None = None) -> pd.DataFrame:
    """Read all columns of a file, whatever they are: to draft a schema.

    Args:
        path: the source file.
        data: how it is written.
        limit: the number of rows to read; None for all of them.

    Returns:
        `row_id`, `line` and `malformed` as in an `Extract`, then each column of the file as text
        under its name, without blanks around it. Dates of Parquet and of workbooks are
        `2020-01-31`, or `2020-01-31 12:00:00` if any value of the column has a time.

    Raises:
        InputError: as `read_source`; or a name of a column is empty, appears twice, or is one of
            the first three.
    """
    _check_regular(path)
    size = BATCH_ROWS if limit is None else max(1, min(limit, BATCH_ROWS))
    batches = read_batches(path, data, None, size, any_suffix=True)
    rows = SourceRows(path, batches)
    held = []
    for batch in rows:
        held.append(batch)
        if limit is not None and rows.rows >= limit:
            break
    rows.check()
    frame = pd.concat(held, ignore_index=True)
    frame = frame if limit is None else frame.head(limit)
    return frame.assign(**{name: shorten(frame[name]) for name in sorted(batches.moments)})


def _check_regular(path: str | Path) -> None:
    if str(path) == STDIN or (Path(path).exists() and not Path(path).is_file()):
        problem = "a folder, a pipe or a device, which can't be read twice"
        raise InputError(path, "file", problem, "Give a file in data.source of params.yaml.")


def _plain(batch: pd.DataFrame) -> pd.DataFrame:
    """Make categories text: one frame may hold more of them than a batch."""
    categories = batch.select_dtypes("category").columns
    return batch.astype(dict.fromkeys(categories, "str")) if len(categories) else batch


def _check_memory(path: str | Path, size: int) -> None:
    """Stop where the text in a small file fills the memory: in a compressed one, or in Parquet."""
    limit = max(limits.TABLE_BYTES, limits.MAX_EXPANSION * Path(path).stat().st_size)
    if size > limit:
        problem = f"its text takes more than {limit / 2**20:,.0f} MiB"
        hint = "If the file is sound, unpack it, or write it as CSV."
        raise InputError(path, "file", problem, hint)


def summary(rows: SourceRows) -> dict[str, Any]:
    """Count what was read to the end: the content of metrics/ingest.json."""
    with open(rows.path, "rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    return {
        "rows_read": rows.rows,
        "malformed": rows.malformed,
        "blank_lines": rows.blank_lines,
        "columns_read": rows.columns,
        "columns_ignored": rows.ignored,
        "source_sha256": digest,
    }

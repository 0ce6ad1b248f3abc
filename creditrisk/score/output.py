"""Writes scored rows as CSV, Parquet or JSON lines, to a file or to standard output."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol, Self, TextIO

from creditrisk.core.errors import InputError
from creditrisk.core.escape import csv_cell, printable
from creditrisk.core.files import atomic_write
from creditrisk.ingest.forms import SUFFIXES
from creditrisk.ingest.signatures import CSV, JSON_LINES, PARQUET

if TYPE_CHECKING:
    import pandas as pd

STDOUT = "-"  # as a path
FORMS = (CSV, PARQUET, JSON_LINES)


def output_form(path: str | Path, form: str | None) -> str:
    """Decide how the output is written.

    Args:
        path: a file, whose suffix decides; or `-` for standard output.
        form: one of `FORMS` for standard output, None for CSV.

    Raises:
        InputError: the suffix is unknown, or is not that of `form`.
    """
    if str(path) == STDOUT:
        return form or CSV
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        problem = f"the suffix {suffix} is unknown" if suffix else "a name without a suffix"
        hint = f"Name it {', '.join(SUFFIXES)}, or use --output - for a pipe."
        raise InputError(path, "file", problem, hint)
    if form not in (None, SUFFIXES[suffix]):
        raise InputError(path, "file", f"the suffix is not that of {form}", "Leave out --format.")
    return SUFFIXES[suffix]


@contextmanager
def open_output(path: str | Path, stdout: TextIO) -> Iterator[IO[bytes]]:
    """Yield a file for the output, of which nothing is seen unless all goes well.

    Args:
        path: a file; or `-`, for which a temporary file without a name is copied at the end.
        stdout: where to.
    """
    if str(path) != STDOUT:
        with atomic_write(path) as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        yield copy
        copy.seek(0)
        copyfileobj(copy, stdout.buffer)
        stdout.buffer.flush()


class Writer(Protocol):
    """Writes batches of scored rows; a context, which ends the file."""

    def write(self, batch: pd.DataFrame) -> None:
        """Write a batch."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_writer(file: IO[bytes], form: str, columns: dict[str, str], to_terminal: bool) -> Writer:
    """Return the writer of a form.

    Args:
        file: where to write.
        form: one of `FORMS`.
        columns: names and types of the columns.
        to_terminal: whether a person sees the output: then all that is in it shows.
    """
    if form == PARQUET:
        return _Parquet(file, columns)
    return _Csv(file, columns, to_terminal) if form == CSV else _JsonLines(file, columns)


class _Writer:
    def __init__(self, file: IO[bytes], columns: dict[str, str]):
        self.file, self.columns = file, columns

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class _Parquet(_Writer):
    def __init__(self, file: IO[bytes], columns: dict[str, str]):
        import pandas as pd
        import pyarrow as pa  # not above: the service, which writes CSV, has none
        import pyarrow.parquet as pq

        super().__init__(file, columns)
        self.table_of = pa.Table.from_pandas
        empty = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns.items()})
        self.schema = pa.Schema.from_pandas(empty, preserve_index=False)
        self.parquet = pq.ParquetWriter(file, self.schema)

    def __exit__(self, *error: object) -> None:
        self.parquet.close()

    def write(self, batch: pd.DataFrame) -> None:
        self.parquet.write_table(self.table_of(batch, self.schema, preserve_index=False))


class _Csv(_Writer):
    def __init__(self, file: IO[bytes], columns: dict[str, str], to_terminal: bool):
        import pandas as pd  # not above: the help of a command names the forms

        super().__init__(file, columns)
        self.to_terminal = to_terminal
        self._write(pd.DataFrame(columns=[csv_cell(name) for name in columns]), header=True)

    def write(self, batch: pd.DataFrame) -> None:
        safe = batch.copy()
        for name, dtype in self.columns.items():
            if dtype == "str":
                safe[name] = self._safe(batch[name])
        self._write(safe, header=False)

    def _safe(self, column: pd.Series) -> pd.Series:
        if self.to_terminal:
            column = column.map(printable, na_action="ignore")
        return column.map(csv_cell, na_action="ignore")

    def _write(self, frame: pd.DataFrame, header: bool) -> None:
        text = io.StringIO()
        frame.to_csv(text, index=False, header=header, lineterminator="\n")
        self.file.write(text.getvalue().encode())


class _JsonLines(_Writer):
    def write(self, batch: pd.DataFrame) -> None:
        rows = batch.astype(object).where(batch.notna(), None).to_dict("records")
        self.file.writelines(json.dumps(row).encode() + b"\n" for row in rows)

"""ingest: the applicants' file becomes one frame of text, one row per record."""

import hashlib
import logging
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


def read_source(path: str | Path, data: DataParams, schema: Schema) -> Extract:
    """Read a file of applicants with their outcomes, every cell as text.

    Args:
        path: the source file: CSV, JSON lines, Parquet or a workbook.
        data: how it is written.
        schema: names the columns to keep.

    Raises:
        InputError: besides those of `read_batches`: it is no regular file, there are no data lines,
            none that fits the header, or so many that don't fit that reading on would only fill
            the memory; or it takes too much memory.
    """
    _check_regular(path)
    batches = read_batches(path, data, schema, BATCH_ROWS, with_target=True, any_suffix=True)
    frame = _together(path, batches)
    _log.info("read %s", path, extra={"rows": len(frame)})
    used = set(batches.columns.values())
    ignored = [name.strip() for i, name in enumerate(batches.header) if i not in used]
    return Extract(frame, ignored, batches.blank_lines)


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
    frame = _together(path, batches, limit)
    return frame.assign(**{name: shorten(frame[name]) for name in sorted(batches.moments)})


def _check_regular(path: str | Path) -> None:
    if str(path) == STDIN or (Path(path).exists() and not Path(path).is_file()):
        problem = "a folder, a pipe or a device, which can't be read twice"
        raise InputError(path, "file", problem, "Give a file in data.source of params.yaml.")


def _together(path: str | Path, batches: Batches, limit: int | None = None) -> pd.DataFrame:
    """Read batches to the end, or up to a number of rows, as one frame of text."""
    held: list[pd.DataFrame] = []
    rows = malformed = size = 0
    for batch in batches:
        held.append(_plain(batch))
        rows += len(batch)
        malformed += int(batch["malformed"].notna().sum())
        size += int(held[-1].memory_usage(index=False).sum())
        if malformed >= limits.MAX_MALFORMED_ROWS and 2 * malformed > rows:
            problem = f"{malformed:,} of the first {rows:,} rows do not fit the header"
            hint = "Check the file, and data.delimiter in params.yaml."
            raise InputError(path, f"line {batch['line'].iloc[-1]}", problem, hint)
        _check_memory(path, size)
        if limit is not None and rows >= limit:
            break
    if not held:
        raise InputError(path, "file", "a header and no data lines", "Give at least one applicant.")
    frame = pd.concat(held, ignore_index=True) if len(held) > 1 else held[0]
    if frame["malformed"].notna().all():
        first = frame["malformed"].iloc[0]
        problem = f"no row fits the header ({first})"
        raise InputError(path, "file", problem, "Check data.delimiter in params.yaml.")
    return frame if limit is None else frame.head(limit)


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


def summary(path: str | Path, extract: Extract) -> dict[str, Any]:
    """Count what was read: the content of metrics/ingest.json."""
    frame = extract.frame
    with open(path, "rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    return {
        "rows_read": len(frame),
        "malformed": int(frame["malformed"].notna().sum()),
        "blank_lines": extract.blank_lines,
        "columns_read": len(frame.columns) - 3,
        "columns_ignored": extract.ignored,
        "source_sha256": digest,
    }

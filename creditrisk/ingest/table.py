"""ingest: the applicants' CSV becomes one frame of text, one row per record."""

import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.csv_reader import CsvReader
from creditrisk.ingest.params import DataParams
from creditrisk.schema import Schema

BATCH_ROWS = 65_536
_log = logging.getLogger(__name__)


@dataclass
class Extract:
    """A source file as it was read.

    Attributes:
        frame: `row_id` (int), `line` (int, the physical line on which the record starts),
            `malformed` (text, missing for a well-formed record), then the schema's columns as text.
        ignored: names of the columns that the schema doesn't name.
        blank_lines: number of lines without any text, which are no records.
    """

    frame: pd.DataFrame
    ignored: list[str] = field(default_factory=list)
    blank_lines: int = 0


def read_csv(path: str | Path, data: DataParams, schema: Schema) -> Extract:
    """Read a CSV file, every cell kept as the text it was.

    Args:
        path: the source file.
        data: how it is written.
        schema: names the columns to keep.

    Raises:
        InputError: besides those of `CsvReader`: it is no regular file, there are no data lines,
            none that fits the header, or so many that don't fit that reading on would only fill
            the memory.
    """
    if Path(path).exists() and not Path(path).is_file():
        problem = "a folder, a pipe or a device, which can't be read twice"
        raise InputError(path, "file", problem, "Give a file in data.source of params.yaml.")
    reader = CsvReader(path, data, schema, BATCH_ROWS, with_target=True)
    batches: list[pd.DataFrame] = []
    rows = malformed = 0
    for batch in reader:
        batches.append(batch)
        rows += len(batch)
        malformed += int(batch["malformed"].notna().sum())
        if malformed >= limits.MAX_MALFORMED_ROWS and 2 * malformed > rows:
            problem = f"{malformed:,} of the first {rows:,} rows do not fit the header"
            hint = "Check the file, and data.delimiter in params.yaml."
            raise InputError(path, f"line {batch['line'].iloc[-1]}", problem, hint)
    if not batches:
        raise InputError(path, "file", "a header and no data lines", "Give at least one applicant.")
    frame = pd.concat(batches, ignore_index=True) if len(batches) > 1 else batches[0]
    if frame["malformed"].notna().all():
        first = frame["malformed"].iloc[0]
        problem = f"no data line has as many cells as the header ({first})"
        raise InputError(path, "file", problem, "Check data.delimiter in params.yaml.")
    _log.info("read %s", path, extra={"rows": len(frame)})
    used = set(reader.columns.values())
    ignored = [name.strip() for i, name in enumerate(reader.header) if i not in used]
    return Extract(frame, ignored, reader.blank_lines)


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

"""ingest: a CSV file becomes a frame of verbatim text, one row a record."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.errors import InputError, nearest, shorten
from creditrisk.ingest.params import DELIMITERS, DataParams
from creditrisk.ingest.records import read_records
from creditrisk.schema import Schema, fold


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
    """Read a CSV file into verbatim text.

    Args:
        path: the source file.
        data: how it is written.
        schema: names the columns to keep.

    Raises:
        InputError: besides those of `read_records`: the file is empty or has no data lines, a
            column of the schema is missing or stands twice in the header.
    """
    records = read_records(path, data)
    first = next((r for r in records if r[2]), None)
    if first is None:
        raise InputError(path, "file", "empty", "Give a CSV file with a header and data lines.")
    header = first[2]
    places = find_columns(path, header, schema, data.delimiter)

    kept: dict[str, list[str | None]] = {name: [] for name in places}
    starts: list[int] = []
    faults: list[str | None] = []
    blank = 0
    for start, end, cells in records:
        if not cells:
            blank += 1
            continue
        starts.append(start)
        if len(cells) != len(header):
            faults.append(ragged(start, end, len(cells), len(header)))
            for column in kept.values():
                column.append(None)
        else:
            faults.append(None)
            for name, place in places.items():
                kept[name].append(cells[place])
    if not starts:
        raise InputError(path, "file", "a header and no data lines", "Give at least one applicant.")
    if all(faults):
        problem = f"no data line has as many cells as the header ({faults[0]})"
        raise InputError(path, "file", problem, "Check data.delimiter in params.yaml.")
    frame = pd.DataFrame(
        {
            "row_id": pd.Series(range(1, len(starts) + 1), dtype="int64"),
            "line": pd.Series(starts, dtype="int64"),
            "malformed": pd.Series(faults, dtype="str"),
            **{name: pd.Series(cells, dtype="str") for name, cells in kept.items()},
        }
    )
    used = set(places.values())
    ignored = [name.strip() for i, name in enumerate(header) if i not in used]
    return Extract(frame, ignored, blank)


def ragged(start: int, end: int, cells: int, wanted: int) -> str:
    """Word what is wrong with a record that has not as many cells as the header."""
    lines = f"line {start}" if start == end else f"lines {start} to {end}"
    return f"{lines}: {cells} cells, the header has {wanted}"


def find_columns(
    path: str | Path,
    header: list[str],
    schema: Schema,
    delimiter: str,
    with_target: bool = True,
) -> dict[str, int]:
    """Find each source column of the schema in the header, whatever its case, blanks and place.

    Args:
        path: names the file in an error.
        header: its column names.
        schema: names the columns that are wanted.
        delimiter: that the header was cut at.
        with_target: the target is wanted too, as it is not of applicants whose outcome is open.

    Returns:
        Dict from the schema's name of the column to its position in the header.

    Raises:
        InputError: one is missing or stands twice, or the delimiter is wrong.
    """
    folded = [fold(name) for name in header]
    wanted = [*schema.columns, *([schema.target.column] if with_target else [])]
    missing = [name for name in wanted if fold(name) not in folded]
    if missing:
        if len(header) == 1 and len(wanted) > 1:
            fitting = [d for d in DELIMITERS if fold(missing[0]) in map(fold, header[0].split(d))]
            hint = f"Set data.delimiter in params.yaml{f' to {fitting[0]!r}' if fitting else ''}."
            problem = f"one column only, {shorten(header[0])}: the delimiter is not {delimiter!r}"
            raise InputError(path, "line 1", problem, hint)
        rest = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        problem = f"no column {', '.join(missing[:5])}{rest}"
        # The target is no column gone astray, wanted or not.
        known = set(map(fold, [*wanted, schema.target.column]))
        spare = [name.strip() for name, key in zip(header, folded, strict=True) if key not in known]
        spare = [name for name in spare if name]
        hint = nearest(missing[0], spare[:20]) if spare else "Add it, or mend the schema file."
        raise InputError(path, "line 1", problem, hint)
    for name in wanted:
        if folded.count(fold(name)) > 1:
            raise InputError(path, "line 1", f"column {name} stands twice", "Remove one of them.")
    return {name: folded.index(fold(name)) for name in wanted}


def summary(path: str | Path, extract: Extract) -> dict[str, Any]:
    """Count what was read, for metrics/ingest.json."""
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

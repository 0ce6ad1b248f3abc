"""ingest: a CSV file becomes a frame of verbatim text, one row a record."""

import csv
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pandas as pd
from pydantic import Field, field_validator, model_validator

from creditrisk.errors import InputError, nearest, shorten
from creditrisk.params import Strict
from creditrisk.schema import Schema, fold

DELIMITERS = (",", ";", "\t", "|", " ")


class DataParams(Strict):
    """The block `data`: where the applicants are and how their file is written."""

    source: str
    schema_: str = Field(alias="schema")
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ","

    @field_validator("delimiter", "decimal")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if len(value) != 1 or value in '"\r\n':
            raise ValueError('one character, not a quote or a line break (a tab is "\\t")')
        return value

    @field_validator("thousands")
    @classmethod
    def _at_most_one(cls, value: str) -> str:
        if len(value) > 1:
            raise ValueError("one character, or none")
        return value

    @model_validator(mode="after")
    def _tellable(self) -> "DataParams":
        # With one sign for both, 12,5 would silently be read as 125.
        if self.decimal == self.thousands:
            raise ValueError("data.decimal and data.thousands are the same; set one of them")
        for sign in (self.decimal, self.thousands):
            if sign.isalnum() or sign in ("+", "-"):
                raise ValueError(f"{sign!r} can't separate digits")
        return self


@dataclass
class Extract:
    """A source file as it was read.

    Attributes
    ----------
    frame : `row_id` (int), `line` (int, the physical line on which the record starts), `malformed`
        (text, missing for a well-formed record), then the schema's columns as text.
    ignored : names of the columns that the schema doesn't name.
    blank_lines : number of lines without any text, which are no records.
    """

    frame: pd.DataFrame
    ignored: list[str] = field(default_factory=list)
    blank_lines: int = 0


class _Lines:
    """Physical lines of a stream, keeping those of the record being read."""

    def __init__(self, stream: TextIO, runs_of_blanks: bool):
        self.stream = stream
        self.runs_of_blanks = runs_of_blanks
        self.number = 0
        self.record: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self.stream)
        self.number += 1
        if self.number == 1:  # before the CSV reader sees it: a quoted header may follow it
            line = line.removeprefix("\ufeff")
        if self.runs_of_blanks:
            line = line.strip(" \r\n") + "\n"
        self.record.append(line)
        return line


def read_records(path: str | Path, data: DataParams) -> Iterator[tuple[int, int, list[str]]]:
    """Yield each record as (first physical line, last physical line, cells), the header first.

    A line without text yields no cells. With a blank as delimiter, a run of blanks is one. Where a
    stray quote has drawn whole rows into a cell, each line is a record of its own.

    Raises
    ------
    InputError : the file is missing, can't be decoded, or a quote is never closed.
    """
    _check_encoding(data.encoding)
    csv.field_size_limit(sys.maxsize)
    blanks = data.delimiter == " "
    try:
        with open(path, encoding=data.encoding, newline="") as stream:
            lines = _Lines(stream, blanks)
            how = {"delimiter": data.delimiter, "skipinitialspace": blanks}
            width = 0
            for cells in csv.reader(lines, **how):
                first = lines.number - len(lines.record) + 1
                alone = _drawn_in(lines.record, cells, width, how)
                if alone:
                    for number, line_cells in enumerate(alone, start=first):
                        yield number, number, line_cells
                    lines.record = []
                    continue
                if len(lines.record) > 1 and _unclosed(lines.record, data.delimiter):
                    lost = lines.number - first
                    what = f"a quote is opened here and never closed ({lost} lines follow in it)"
                    raise InputError(path, f"line {first}", what, "Close or double the quote.")
                width = width or len(cells)
                yield first, lines.number, cells
                lines.record = []
    except FileNotFoundError:
        mend = "Set data.source in params.yaml to the applicants' CSV."
        raise InputError(path, "file", "not found", mend) from None
    except UnicodeError as error:
        where = f"line {_undecodable_line(path, data.encoding)}"
        what = f"bytes that are not {data.encoding}: {getattr(error, 'reason', error)}"
        raise InputError(path, where, what, "Set data.encoding in params.yaml.") from None
    except csv.Error as error:
        raise InputError(
            path, f"line {lines.number}", f"not CSV: {error}", "Mend the line."
        ) from None
    except OSError as error:
        raise InputError(path, "file", f"can't be read: {error.strerror}", "Mend that.") from None


def _check_encoding(name: str) -> None:
    try:
        b" ".decode(name)
    except (LookupError, ValueError) as error:
        if isinstance(error, UnicodeError):
            return
        what = f"unknown encoding {shorten(name)}"
        mend = "Name one that Python knows, as utf-8 or latin-1."
        raise InputError("params.yaml", "data.encoding", what, mend) from None


def _undecodable_line(path: str | Path, encoding: str) -> int:
    """Find the first line with undecodable bytes; the stream's decoder is a chunk ahead."""
    content = Path(path).read_bytes()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return content[: error.start].decode(encoding, "ignore").count("\n") + 1
    except UnicodeError:
        pass
    return 1


def _drawn_in(
    record: list[str], cells: list[str], width: int, how: dict[str, Any]
) -> list[list[str]] | None:
    """Read each line of a record alone, if one of them is a whole row without any quote.

    Two stray quotes would otherwise make one row of all that stands between them, and even a row
    that looks sound, of one applicant's first cells and another's last ones. There the lines with
    the quotes are whole rows as well; those of a cell with line breaks are parts of one.
    """
    if len(record) == 1 or not width:
        return None
    alone = [next(csv.reader([line], **how), []) for line in record]
    whole = (len(c) == width and '"' not in line for c, line in zip(alone, record, strict=True))
    if not any(whole):
        return None
    ends = (
        next(csv.reader([line.replace('"', "")], **how), []) for line in record[:: len(record) - 1]
    )
    if len(cells) == width and _strict(record, how) and any(len(end) != width for end in ends):
        return None
    return alone


def _strict(record: list[str], how: dict[str, Any]) -> bool:
    """Tell whether each quote of a record opens a cell, closes one, or is doubled."""
    try:
        return len(list(csv.reader(record, strict=True, **how))) == 1
    except csv.Error:
        return False


def _unclosed(record: list[str], delimiter: str) -> bool:
    """Tell whether the file ended inside a quoted cell: only the strict reader says so."""
    try:
        list(csv.reader(record, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def read_csv(path: str | Path, data: DataParams, schema: Schema) -> Extract:
    """Read a CSV file into verbatim text.

    Parameters
    ----------
    path : the source file.
    data : how it is written.
    schema : names the columns to keep.

    Raises
    ------
    InputError : besides those of `read_records`: the file is empty or has no data lines, a column
        of the schema is missing or stands twice in the header.
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
        what = f"no data line has as many cells as the header ({faults[0]})"
        raise InputError(path, "file", what, "Check data.delimiter in params.yaml.")
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

    Parameters
    ----------
    path : names the file in an error.
    header : its column names.
    schema : names the columns that are wanted.
    delimiter : that the header was cut at.
    with_target : the target is wanted too, as it is not of applicants whose outcome is open.

    Returns
    -------
    dict from the schema's name of the column to its position in the header.

    Raises
    ------
    InputError : one is missing or stands twice, or the delimiter is wrong.
    """
    folded = [fold(name) for name in header]
    wanted = [*schema.columns, *([schema.target.column] if with_target else [])]
    missing = [name for name in wanted if fold(name) not in folded]
    if missing:
        if len(header) == 1 and len(wanted) > 1:
            fitting = [d for d in DELIMITERS if fold(missing[0]) in map(fold, header[0].split(d))]
            mend = f"Set data.delimiter in params.yaml{f' to {fitting[0]!r}' if fitting else ''}."
            what = f"one column only, {shorten(header[0])}: the delimiter is not {delimiter!r}"
            raise InputError(path, "line 1", what, mend)
        rest = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        what = f"no column {', '.join(missing[:5])}{rest}"
        # The target is no column gone astray, wanted or not.
        known = set(map(fold, [*wanted, schema.target.column]))
        spare = [name.strip() for name, key in zip(header, folded, strict=True) if key not in known]
        spare = [name for name in spare if name]
        hint = nearest(missing[0], spare[:20]) if spare else "Add it, or mend the schema file."
        raise InputError(path, "line 1", what, hint)
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

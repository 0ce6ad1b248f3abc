"""The exact CSV reader: one record at a time, quotes and line breaks included."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from creditrisk.core.errors import InputError, shorten
from creditrisk.ingest.params import DataParams


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

    Raises:
        InputError: the file is missing, can't be decoded, or a quote is never closed.
    """
    _check_encoding(data.encoding)
    csv.field_size_limit(sys.maxsize)
    blanks = data.delimiter == " "
    try:
        with open(path, encoding=data.encoding, newline="") as stream:
            lines = _Lines(stream, blanks)
            options: dict[str, Any] = {"delimiter": data.delimiter, "skipinitialspace": blanks}
            width = 0
            for cells in csv.reader(lines, **options):
                first = lines.number - len(lines.record) + 1
                alone = _separate_rows(lines.record, cells, width, options)
                if alone:
                    for number, line_cells in enumerate(alone, start=first):
                        yield number, number, line_cells
                    lines.record = []
                    continue
                if len(lines.record) > 1 and _unclosed(lines.record, data.delimiter):
                    lost = lines.number - first
                    problem = f"a quote is opened here and never closed ({lost} lines follow in it)"
                    raise InputError(path, f"line {first}", problem, "Close or double the quote.")
                width = width or len(cells)
                yield first, lines.number, cells
                lines.record = []
    except FileNotFoundError:
        hint = "Set data.source in params.yaml to the applicants' CSV."
        raise InputError(path, "file", "not found", hint) from None
    except UnicodeError as error:
        location = f"line {_undecodable_line(path, data.encoding)}"
        problem = f"bytes that are not {data.encoding}: {getattr(error, 'reason', error)}"
        raise InputError(path, location, problem, "Set data.encoding in params.yaml.") from None
    except csv.Error as error:
        raise InputError(
            path, f"line {lines.number}", f"not CSV: {error}", "Correct the line."
        ) from None
    except OSError as error:
        raise InputError(
            path, "file", f"can't be read: {error.strerror}", "Check the file permissions."
        ) from None


def _check_encoding(name: str) -> None:
    try:
        b" ".decode(name)
    except (LookupError, ValueError) as error:
        if isinstance(error, UnicodeError):
            return
        problem = f"unknown encoding {shorten(name)}"
        hint = "Name one that Python knows, such as utf-8 or latin-1."
        raise InputError("params.yaml", "data.encoding", problem, hint) from None


def _undecodable_line(path: str | Path, encoding: str) -> int:
    """Find the first line with undecodable bytes. The stream can't say: it decodes ahead."""
    content = Path(path).read_bytes()
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return content[: error.start].decode(encoding, "ignore").count("\n") + 1
    except UnicodeError:
        pass
    return 1


def _separate_rows(
    record: list[str], cells: list[str], width: int, options: dict[str, Any]
) -> list[list[str]] | None:
    """Read each line of a record alone, if one of them is a whole row without any quote.

    Otherwise two stray quotes would join all rows between them into one. That row may even look
    sound, with the first cells of one applicant and the last cells of another. With stray quotes,
    the lines that hold them are whole rows too; in a cell with line breaks, they are parts of one.

    Returns:
        The cells of each line, or None where the record is one row.
    """
    if len(record) == 1 or not width:
        return None
    alone = [next(csv.reader([line], **options), []) for line in record]
    whole = (len(c) == width and '"' not in line for c, line in zip(alone, record, strict=True))
    if not any(whole):
        return None
    ends = (
        next(csv.reader([line.replace('"', "")], **options), [])
        for line in record[:: len(record) - 1]
    )
    if (
        len(cells) == width
        and _is_well_quoted(record, options)
        and any(len(end) != width for end in ends)
    ):
        return None
    return alone


def _is_well_quoted(record: list[str], options: dict[str, Any]) -> bool:
    """Whether each quote of a record opens a cell, closes one, or is doubled."""
    try:
        return len(list(csv.reader(record, strict=True, **options))) == 1
    except csv.Error:
        return False


def _unclosed(record: list[str], delimiter: str) -> bool:
    """Whether the file ended inside a quoted cell; only the strict reader reports that."""
    try:
        list(csv.reader(record, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def ragged(start: int, end: int, cells: int, wanted: int) -> str:
    """Say what is wrong with a record that has another number of cells than the header."""
    lines = f"line {start}" if start == end else f"lines {start} to {end}"
    return f"{lines}: {cells} cells, the header has {wanted}"

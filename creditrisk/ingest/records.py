"""The exact CSV reader: one record at a time, quotes and line breaks included."""

import csv
import io
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.text_lines import LINE_END, TextLines, TooLong


class Record(NamedTuple):
    """A record of a CSV file.

    Attributes:
        start: its first physical line.
        end: its last physical line.
        cells: none for a line without text, and for a record that is too long.
        size: number of characters that were held for it.
        problem: what is wrong with a record that is too long.
    """

    start: int
    end: int
    cells: list[str]
    size: int
    problem: str | None = None


def read_records(
    stream: BinaryIO, name: str, data: DataParams, lines_before: int = 0, width: int = 0
) -> Iterator[Record]:
    """Yield each record, the header first if the stream has one.

    With a blank as delimiter, a run of blanks is one. Where a stray quote has drawn whole rows into
    a cell, each line is a record of its own.

    Args:
        stream: the file, from the start of a line.
        name: of the file, for an error.
        data: how it is written.
        lines_before: physical lines that come before the stream.
        width: number of cells in the header; 0 if the stream has the header.

    Raises:
        InputError: the file can't be decoded, or a quote is never closed.
    """
    csv.field_size_limit(sys.maxsize)  # a record has a limit
    blanks = data.delimiter == " "
    options: dict[str, Any] = {"delimiter": data.delimiter, "skipinitialspace": blanks}
    text = io.TextIOWrapper(stream, encoding=data.encoding, newline="")
    lines = TextLines(text, lines_before, blanks)
    try:
        while True:
            try:
                for cells in csv.reader(lines, **options):
                    for record in _records(lines, cells, width, options, name):
                        width = width or len(record.cells)
                        yield record
                    lines.start_record()
                return
            except TooLong:
                yield from _too_long(lines, width, options, name)
                lines.start_record()
    except UnicodeError as error:
        location = f"line {_undecodable_line(lines.number, error, data.encoding)}"
        problem = f"bytes that are not {data.encoding}: {getattr(error, 'reason', error)}"
        raise InputError(name, location, problem, "Set data.encoding in params.yaml.") from None
    except csv.Error as error:
        location = f"line {lines.number}"
        raise InputError(name, location, f"not CSV: {error}", "Correct the line.") from None
    finally:
        if not stream.closed:  # a reader that is thrown away halfway may find it closed
            text.detach()  # whoever opened the stream closes it


def _records(
    lines: TextLines, cells: list[str], width: int, options: dict[str, Any], name: str
) -> Iterator[Record]:
    """Yield the record that was read, or each of its lines."""
    first = lines.number - len(lines.record) + 1
    alone = _separate_rows(lines.record, cells, width, options)
    if alone:
        for number, (line, line_cells) in enumerate(
            zip(lines.record, alone, strict=True), start=first
        ):
            yield Record(number, number, line_cells, len(line))
        return
    if len(lines.record) > 1 and _unclosed(lines.record, options["delimiter"]):
        raise _never_closed(name, first, lines.number)
    if lines.size > limits.MAX_RECORD:
        yield _long_record(first, lines.number, lines.size)
    else:
        yield Record(first, lines.number, cells, lines.size)


def _never_closed(name: str, first: int, last: int) -> InputError:
    problem = f"a quote is opened here and never closed ({last - first} lines follow in it)"
    return InputError(name, f"line {first}", problem, "Close or double the quote.")


def _long_record(start: int, end: int, size: int) -> Record:
    problem = f"{_place(start, end)}: more than {limits.MAX_RECORD:,} characters"
    return Record(start, end, [], size, problem)


def _too_long(lines: TextLines, width: int, options: dict[str, Any], name: str) -> Iterator[Record]:
    """Go on behind a line that is too long, or behind the quote of a record that is too long.

    If a line of the record is a whole row without a quote, the quote is a stray one, and each line
    up to the next quote that closes it is a row of its own, as in a shorter record.
    """
    if (
        lines.size <= limits.MAX_RECORD
    ):  # a physical line: what a quote in it would close is not known
        first = lines.number - len(lines.record)
        yield _long_record(first, lines.number, lines.size)
        return
    first = lines.number - len(lines.record) + 1
    held = lines.record
    lines.start_record()
    alone = [next(csv.reader([line], **options), []) for line in held]
    is_stray = width and any(
        len(cells) == width and '"' not in line for cells, line in zip(alone, held, strict=True)
    )
    if is_stray:
        for number, (text, cells) in enumerate(zip(held, alone, strict=True), start=first):
            yield Record(number, number, cells, len(text))
    while (line := lines.read()) != "":
        number = lines.number
        if is_stray and line is None:
            yield _long_record(number, number, 0)
        elif is_stray and line is not None:
            yield Record(number, number, next(csv.reader([line], **options), []), len(line))
        if line is not None and _closes(line, options):
            break
    else:
        raise _never_closed(name, first, lines.number)
    if not is_stray:
        yield _long_record(first, lines.number, 0)


def _closes(line: str, options: dict[str, Any]) -> bool:
    """Whether a quoted cell that was open before a line is closed at its end."""
    if '"' not in line:
        return False
    following = iter(['"' + line, ""])
    next(csv.reader(following, **options))
    return next(following, None) is not None  # it did not need another line


def _undecodable_line(read: int, error: UnicodeError, encoding: str) -> int:
    """Find the line with the bytes of an error, `read` lines into the file.

    The stream decodes a block at a time: all lines before that block have been read.
    """
    if not isinstance(error, UnicodeDecodeError):
        return read + 1
    block = bytes(error.object[: error.start]).decode(encoding, "ignore")
    return read + 1 + len(LINE_END.findall(block))


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
    return f"{_place(start, end)}: {cells} cells, the header has {wanted}"


def _place(start: int, end: int) -> str:
    return f"line {start}" if start == end else f"lines {start} to {end}"

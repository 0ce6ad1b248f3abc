"""How a text file of applicants is written: encoding, delimiter, and whether it has a header."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from creditrisk.core.errors import InputError
from creditrisk.core.text import fold
from creditrisk.ingest.compressed import unpacked
from creditrisk.ingest.signatures import GZIP, HEAD, ZIP, ZSTD, recognise, utf_16_or_32
from creditrisk.ingest.source import open_source
from creditrisk.prepare.cells import Notation, number_reader
from creditrisk.workflow.draft.cells import tidy

DELIMITERS = ("\t", ";", "|", ",")  # a comma may also be in numbers, so it comes last
RECORDS = 300  # that tell the delimiter
SAMPLE = 2**20  # bytes in which they are
MIN_SAME = 0.9  # share of the records with the same number of cells
_PIECE = 2**20
_MISSING = "Name the applicants' file with --data (make schema: DATA=new.csv)."
_READERS = [number_reader(Notation(*pair, frozenset())) for pair in ((".", ","), (",", "."))]


class Written(NamedTuple):
    """How a text file is written."""

    encoding: str = "utf-8"
    delimiter: str = ","
    header: str = "first"


def sniff(path: str | Path, target: str = "") -> Written | None:
    """Find out how a text file is written; None for a file that is not delimited text.

    Args:
        path: the file; it may be packed with gzip, zstd or zip.
        target: name of a column, which tells the header.

    Raises:
        InputError: the file is missing, empty, damaged, or no delimiter cuts it into columns.
    """
    with open_text(path) as stream:
        if stream is None:
            return None
        encoding = guess_encoding(stream)
    with open_text(path) as stream:
        assert stream is not None
        sample = stream.read(SAMPLE)
        is_cut = bool(stream.read(1))
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample, not is_cut)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError(path, "file", "empty", "Give a file with a header and data lines.")
    delimiter = guess_delimiter(text, is_cut, target)
    if delimiter is None:
        problem = "no delimiter (, ; tab | or blanks) cuts its lines into the same number of cells"
        hint = "Is this a table? If it is, write its schema by hand: docs/data.md."
        raise InputError(path, "file", problem, hint)
    header = guess_header(read_records(text, delimiter, is_cut), target)
    return Written(encoding, delimiter, header)


@contextmanager
def open_text(path: str | Path) -> Iterator[BinaryIO | None]:
    """Open a text file, unpacked; None for a file of another form."""
    with ExitStack() as stack:
        stream = stack.enter_context(open_source(path, _MISSING))
        form = _form(stream)
        if form in (GZIP, ZSTD, ZIP):
            stream, _ = stack.enter_context(unpacked(stream, str(path), form))
            form = _form(stream)
        yield stream if form == "" else None


def _form(stream: BinaryIO) -> str:
    head = stream.peek(HEAD)[:HEAD] if hasattr(stream, "peek") else b""
    if utf_16_or_32(head):
        return ""
    content = recognise(head, stream) if stream.seekable() else recognise(head, io.BytesIO(head))
    if stream.seekable():
        stream.seek(0)
    return "" if content is None else content.form or "other"


def guess_encoding(stream: BinaryIO) -> str:
    """Guess the encoding: UTF-8 if all bytes are; otherwise by a mark, or a Western one.

    Latin-1 has control characters where cp1252 has quotes and the euro sign.
    """
    piece = stream.read(_PIECE)
    if marked := utf_16_or_32(piece[:4]):
        return marked
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, controls = True, set[int]()
    while piece:
        if is_utf8:
            try:
                decoder.decode(piece)
            except UnicodeDecodeError:
                is_utf8 = False
        controls.update(set(piece) & set(range(0x80, 0xA0)))
        piece = stream.read(_PIECE)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_utf8 = False
    if is_utf8:
        return "utf-8"
    # These five have no character in cp1252.
    return "cp1252" if controls and not controls & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "latin-1"


def guess_delimiter(text: str, is_cut: bool = False, target: str = "") -> str | None:
    """Return the sign that cuts the records into the same number of cells, at least two.

    A sign at which the first record has the name of the target is preferred: cells may hold another
    sign as regularly.

    Args:
        text: the start of the file.
        is_cut: whether the file goes on.
        target: the name of a column.
    """
    read = {sign: read_records(text, sign, is_cut) for sign in DELIMITERS}
    shares = {sign: _same_share(records) for sign, records in read.items()}
    named = {
        sign: share
        for sign, share in shares.items()
        if share > 0.5 and fold(target) in map(fold, read[sign][0]) and not _is_number(target)
    }
    shares = named or shares
    best = max(shares.values())
    if best >= MIN_SAME:
        return next(sign for sign, share in shares.items() if share >= best - 0.02)
    if _same_share(read_records(text, " ", is_cut)) >= MIN_SAME:
        return " "
    return max(shares, key=shares.__getitem__) if best > 0.5 else None


def read_records(text: str, delimiter: str, is_cut: bool) -> list[list[str]]:
    """Read the first records; a run of blanks is one delimiter."""
    csv.field_size_limit(2**31 - 1)
    if delimiter == " ":
        text = "\n".join(line.strip(" ") for line in text.splitlines())
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=delimiter == " "
    )
    records: list[list[str]] = []
    try:
        for cells in rows:
            if cells:
                records.append(cells)
            if len(records) > RECORDS:
                break
        else:
            records = records[:-1] if is_cut else records
    except csv.Error:
        return []
    return records


def _same_share(records: list[list[str]]) -> float:
    widths = Counter(map(len, records))
    width, count = max(widths.items(), key=lambda item: item[1], default=(0, 0))
    return count / len(records) if width >= 2 else 0.0


def guess_header(records: list[list[str]], target: str = "") -> str:
    """Guess whether the first record holds the names of the columns: `first` or `none`.

    Names are no numbers and differ from each other, and are not among the cells below them.

    Args:
        records: the first ones of the file.
        target: the name of a column; a number may be the position of one instead.
    """
    first, *below = records
    names = [fold(cell) for cell in first]
    filled = [name for name in names if name]
    if fold(target) in filled and not _is_number(target):
        return "first"
    if any(map(_is_number, first)) or not filled:
        return "none"
    below = [cells for cells in below if len(cells) == len(first)]
    if not below:
        return "first"
    columns = list(zip(*below, strict=True))
    among = sum(
        name in set(map(fold, column)) for name, column in zip(names, columns, strict=True) if name
    )
    if among > len(filled) / 2:
        return "none"
    # Names may repeat by mistake; without any number below, repeats are more likely cells.
    is_repeated = len(set(filled)) < len(filled)
    return "none" if is_repeated and not any(map(_mostly_numbers, columns)) else "first"


def _mostly_numbers(cells: tuple[str, ...]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(map(_is_number, filled)) > len(filled) / 2


def _is_number(cell: str) -> bool:
    text = tidy(cell)
    return any(read(text) is not None for read in _READERS)

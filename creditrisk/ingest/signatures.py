"""What a file is by its first bytes, whatever its name says."""

import re
import zipfile
from typing import BinaryIO, NamedTuple

CSV, JSON_LINES, PARQUET, EXCEL = "csv", "jsonl", "parquet", "excel"
GZIP, ZSTD, ZIP = "gzip", "zstd", "zip"
HEAD = 4096  # bytes that tell what a file is
EXPORT = "Write the table to Parquet or CSV: docs/data-sources.md"
_QUERY = "Write the query's result to Parquet or CSV: docs/data-sources.md"
_UNPACK = "Unpack it, or pack the table with gzip or zstd"
_CODE = "It could run any code, so it is never opened"
_LINES = "Write an object per line, and name the file .jsonl"
_AS_TABLE = "Save the table as CSV or as an Excel workbook (.xlsx)"


class Content(NamedTuple):
    """What a file is.

    Attributes:
        form: how it is read; empty for what is not read.
        what: it in words.
        suffix: that a file of the form has.
        hint: what to do with a file that is not read, without a full stop.
    """

    form: str
    what: str
    suffix: str = ""
    hint: str = EXPORT


UNREADABLE_ZIP = Content("", "a zip file that is damaged or cut off", hint="Copy it again")
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Where they start, the bytes, and what they tell. A text may begin with some of them, so all of
# them count only where there are control characters, which no text has.
_BINARY = (
    (0, b"PAR1", Content(PARQUET, "a Parquet file", ".parquet")),
    (0, b"PARE", Content("", "an encrypted Parquet file")),
    (0, b"\x1f\x8b", Content(GZIP, "a gzip file", ".csv.gz")),
    (0, b"\x28\xb5\x2f\xfd", Content(ZSTD, "a zstd file", ".csv.zst")),
    (0, _OLD_EXCEL, Content(EXCEL, "an Excel workbook", ".xls")),
    (0, b"BZh", Content("", "a bzip2 file", hint=_UNPACK)),
    (0, b"\xfd7zXZ\0", Content("", "an xz file", hint=_UNPACK)),
    (0, b"\x04\x22\x4d\x18", Content("", "an lz4 file", hint=_UNPACK)),
    (0, b"7z\xbc\xaf\x27\x1c", Content("", "a 7z archive", hint=_UNPACK)),
    (0, b"Rar!\x1a\x07", Content("", "a rar archive", hint=_UNPACK)),
    (257, b"ustar", Content("", "a tar archive", hint=_UNPACK)),
    (0, b"%PDF-", Content("", "a PDF document", hint=_AS_TABLE)),
    (0, b"SQLite format 3\0", Content("", "an SQLite database", hint=_QUERY)),
    (8, b"DUCK", Content("", "a DuckDB database", hint=_QUERY)),
    (4, b"Standard Jet DB\0", Content("", "an Access database", hint=_QUERY)),
    (4, b"Standard ACE DB\0", Content("", "an Access database", hint=_QUERY)),
    (0, b"\x89HDF\r\n\x1a\n", Content("", "an HDF5 file")),
    (0, b"ARROW1\0\0", Content("", "an Arrow (Feather) file")),
    (0, b"FEA1", Content("", "a Feather file")),
    (0, b"ORC", Content("", "an ORC file")),
    (0, b"Obj\x01", Content("", "an Avro file")),
    (0, bytes(12) + b"\xc2\xea\x81\x60", Content("", "a SAS data set (SAS7BDAT)")),
    (0, b"$FL2", Content("", "an SPSS file")),
    (0, b"$FL3", Content("", "an SPSS file")),
    (0, b"<stata_dta>", Content("", "a Stata file")),
    (0, b"RDX", Content("", "an R data file")),
    (0, b"X\n\0\0\0", Content("", "an R data file")),
)
_PATTERNS = (
    (rb"[\x69-\x73][\x01\x02]\x01\0", Content("", "a Stata file")),
    (rb"\x80[\x02-\x05][\x95\]}(c]", Content("", "a pickle file", hint=f"{_CODE}. {EXPORT}")),
)
_PAGE = rb"(?i)<(!doctype html|html|head|body|table|meta|div)\b"
_TEXTS = (
    (rb"%PDF-", Content("", "a PDF document", hint=_AS_TABLE)),
    (rb"HEADER RECORD\*{7}LIBRARY", Content("", "a SAS transport file")),
    (_PAGE, Content("", "an HTML page", hint=_AS_TABLE)),
    (rb"<\?xml", Content("", "an XML document", hint=_AS_TABLE)),
    (rb'\{\s*"', Content(JSON_LINES, "JSON lines", ".jsonl")),
    (rb"\[\s*\{", Content("", "a JSON array", hint=_LINES)),
)
# What is in a zip file tells what it is.
_MEMBERS = {
    "xl/workbook.xml": Content(EXCEL, "an Excel workbook", ".xlsx"),
    "xl/workbook.bin": Content(EXCEL, "an Excel workbook", ".xlsb"),
    "word/document.xml": Content("", "a Word document", hint=_AS_TABLE),
    "ppt/presentation.xml": Content("", "a PowerPoint document", hint=_AS_TABLE),
}
_SHEETS = Content(EXCEL, "an OpenDocument spreadsheet", ".ods")
_ZIP = Content(ZIP, "a zip archive", ".csv.zip")
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f]")
_MARK = b"\xef\xbb\xbf"  # the byte-order mark of UTF-8


def recognise(head: bytes, file: BinaryIO) -> Content | None:
    """Tell what a file is.

    Args:
        head: its first bytes, up to HEAD.
        file: all of it; only a file that `must_be_seekable` is read.

    Returns:
        None for other text, and for bytes that nothing is known of.
    """
    if head.startswith(_ZIPS):
        return _zipped(file)
    return recognise_text(head)


def recognise_text(head: bytes) -> Content | None:
    """Tell what is in a compressed file, by its first bytes; as `recognise`."""
    if head.startswith(_ZIPS):
        return _ZIP
    if not is_text(head):
        for place, start, content in _BINARY:
            if head.startswith(start, place):
                return content
        return next((c for pattern, c in _PATTERNS if re.match(pattern, head)), None)
    start = head.removeprefix(_MARK).lstrip()
    return next((content for pattern, content in _TEXTS if re.match(pattern, start)), None)


def must_be_seekable(head: bytes) -> bool:
    """Whether a file of this kind can't be read from front to back."""
    return head.startswith((*_ZIPS, b"PAR1", _OLD_EXCEL))


def is_text(head: bytes) -> bool:
    """Whether bytes have no control characters but those that lay out text."""
    return _CONTROL.search(head) is None


def utf_16_or_32(head: bytes) -> str:
    """Name the encoding that a byte-order mark tells, other than UTF-8; empty without one."""
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    return "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else ""


def _zipped(file: BinaryIO) -> Content:
    try:
        with zipfile.ZipFile(file) as archive:
            names = {name.replace("\\", "/").lower() for name in archive.namelist()}
            if "content.xml" in names and "mimetype" in names:
                kind = archive.open("mimetype").read(100)
                return _SHEETS if b"spreadsheet" in kind else _ZIP
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return UNREADABLE_ZIP
    return next((content for name, content in _MEMBERS.items() if name in names), _ZIP)

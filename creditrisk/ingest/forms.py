"""In which form a file is: what its name says, and whether its first bytes agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from creditrisk.core.errors import InputError
from creditrisk.ingest.signatures import (
    CSV,
    EXCEL,
    GZIP,
    JSON_LINES,
    PARQUET,
    ZIP,
    ZSTD,
    Content,
    is_text,
    recognise_text,
    utf_16_or_32,
)
from creditrisk.ingest.source import STDIN, source_name

if TYPE_CHECKING:
    from creditrisk.ingest.params import DataParams

# Forms of a table by suffix: those that scored rows are written in too, names that text files have
# as well (what they hold is what `data.delimiter` says), workbooks.
SUFFIXES = {
    ".csv": CSV,
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
}
TEXT_SUFFIXES = dict.fromkeys((".txt", ".tsv", ".data"), CSV)
WORKBOOKS = dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), EXCEL)
PACKED_SUFFIXES = {".gz": GZIP, ".zst": ZSTD, ".zip": ZIP}
PACKED = (GZIP, ZSTD, ZIP)
_TABLES = SUFFIXES | TEXT_SUFFIXES | WORKBOOKS
_KNOWN = _TABLES | PACKED_SUFFIXES
_WORDS = {
    CSV: "CSV",
    JSON_LINES: "JSON lines",
    PARQUET: "Parquet",
    EXCEL: "a workbook",
    GZIP: "gzip",
    ZSTD: "zstd",
    ZIP: "a zip archive",
}


class Named(NamedTuple):
    """What the name of a file says.

    Attributes:
        path: the file.
        suffix: of the name, in small letters; empty for standard input.
        form: of the file; empty if the suffix does not tell.
        may_be_read: whether a file of this name is read at all.
    """

    path: str | Path
    suffix: str
    form: str
    may_be_read: bool = True


def named(path: str | Path, any_suffix: bool) -> Named:
    """Look at the name of a file.

    Args:
        path: the file, or `-`.
        any_suffix: whether an unknown suffix is allowed, and tells nothing.
    """
    suffix = "" if str(path) == STDIN else Path(path).suffix.lower()
    may_be_read = not suffix or suffix in _KNOWN or any_suffix
    return Named(path, suffix, _KNOWN.get(suffix, ""), may_be_read)


def form_of(name: Named, head: bytes, content: Content | None, data: DataParams) -> str:
    """Decide how a file is read.

    Args:
        name: what its name says.
        head: its first bytes.
        content: what they tell, see `recognise`.
        data: how a text is encoded.

    Raises:
        InputError: the first bytes are those of something that is not read, or of another form than
            the suffix says; or the suffix is unknown.
    """
    if content is not None and not content.form:
        problem = f"{content.what}, which is not read"
        raise InputError(source_name(name.path), "file", problem, f"{content.hint}.")
    if not name.may_be_read:
        hint = f"Name it {', '.join(_KNOWN)}, or use --input - for a pipe."
        raise InputError(name.path, "file", f"the suffix {name.suffix} is unknown", hint)
    if content is not None and content.form == PARQUET and name.form in (CSV, JSON_LINES):
        return PARQUET  # as it always was: nothing else begins like that
    if content is not None and name.form and content.form != name.form:
        raise _other(name, content)
    if content is None and name.form not in ("", CSV, JSON_LINES) and head:
        hint = f"Name it {_renamed(name, '.csv')} if it is CSV, or write the file again."
        problem = f"not {_WORDS[name.form]} as its suffix says"
        raise InputError(source_name(name.path), "file", problem, hint)
    form = name.form or (content.form if content else _text_form(head))
    if form in (CSV, JSON_LINES):
        _check_encoding(name, form, head, data)
    if form == CSV and not name.form and name.suffix and not is_text(head) and not _wide(data):
        problem = f"the suffix {name.suffix} is unknown, and the file is no text"
        raise InputError(name.path, "file", problem, f"Name it {', '.join(_KNOWN)}.")
    return form


def form_of_unpacked(name: Named, member: str, head: bytes, data: DataParams) -> str:
    """Decide how the text in a compressed file is read.

    Args:
        name: what the name of the compressed file says.
        member: the name of the file in a zip file; empty otherwise.
        head: the first bytes of the text.
        data: how it is encoded.

    Raises:
        InputError: it is no text, or of another form than the inner suffix says.
    """
    inner = member or (Path(name.path).stem if name.suffix in PACKED_SUFFIXES else "")
    suffix = Path(inner).suffix.lower()
    form = _TABLES.get(suffix, "")
    content = recognise_text(head)
    if content is not None and content.form not in (CSV, JSON_LINES):
        problem = f"{content.what} in a compressed file, which is not read"
        hint = "Unpack it first." if content.form else f"{content.hint}."
        raise InputError(source_name(name.path), "file", problem, hint)
    return form_of(Named(name.path, suffix, form), head, content, data)


def _text_form(head: bytes) -> str:
    return JSON_LINES if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else CSV


def _other(name: Named, content: Content) -> InputError:
    problem = f"{content.what}, not {_WORDS[name.form]} as its suffix says"
    hint = f"Name it {_renamed(name, content.suffix)}"
    hint += ", or save it as CSV." if content.form == EXCEL and name.form == CSV else "."
    return InputError(source_name(name.path), "file", problem, hint)


def _renamed(name: Named, suffix: str) -> str:
    stem = Path(name.path).stem
    if Path(stem).suffix.lower() in _TABLES and name.suffix in PACKED_SUFFIXES:
        stem = Path(stem).stem
    return f"{stem}{suffix}"


def _wide(data: DataParams) -> bool:
    """Whether the characters of an encoding have more than one byte each."""
    return "\0" in "a".encode(data.encoding).decode("latin-1")


def _check_encoding(name: Named, form: str, head: bytes, data: DataParams) -> None:
    found = utf_16_or_32(head)
    if not found or (form == CSV and _wide(data)):
        return
    problem = f"text in {found.upper()}"
    hint = f"Set data.encoding in params.yaml to {found}, or write the file in UTF-8."
    if form == JSON_LINES:
        hint = "Write the file in UTF-8, as JSON is."
    raise InputError(source_name(name.path), "file", problem, hint)

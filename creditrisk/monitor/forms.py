"""In which form a file arrived, in words, and whether its text is in another encoding."""

import codecs
from pathlib import Path

from creditrisk.core.errors import InputError
from creditrisk.ingest.forms import PACKED, named
from creditrisk.ingest.signatures import CSV as CSV
from creditrisk.ingest.signatures import (
    EXCEL,
    HEAD,
    JSON_LINES,
    PARQUET,
    is_text,
    recognise,
)
from creditrisk.ingest.source import open_source

EVENTS = "events"
_WORDS = {CSV: CSV, JSON_LINES: "json lines", PARQUET: "parquet", EXCEL: "excel"}
_PIECE = 2**20


def form_in_words(path: Path) -> str:
    """Name the form of a file: `csv`, `json lines`, `parquet`, `excel`, or `unknown`."""
    try:
        with open_source(path, "Copy it again.") as stream:
            head = stream.read(HEAD)
            content = recognise(head, stream)
    except InputError:
        return "unknown"
    form = content.form if content is not None else named(path, True).form or CSV
    if form in PACKED:
        inner = {suffix.lower() for suffix in path.suffixes}
        form = JSON_LINES if inner & {".jsonl", ".ndjson"} else CSV
    return _WORDS.get(form, "unknown")


def looks_like_utf_8(path: Path, encoding: str) -> bool:
    """Whether a text that is read with one byte per character is UTF-8 beyond ASCII.

    Text of another encoding is hardly ever valid UTF-8 by chance.

    Args:
        path: a text file.
        encoding: in which it is read.
    """
    if len("é".encode().decode(encoding, "replace")) != 2:
        return False
    decoder = codecs.getincrementaldecoder("utf-8")()
    beyond = False
    with open_source(path, "Copy it again.") as stream:
        piece = stream.read(HEAD)
        if not is_text(piece):
            return False  # packed
        try:
            while piece:
                beyond |= not decoder.decode(piece).isascii()
                piece = stream.read(_PIECE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return beyond

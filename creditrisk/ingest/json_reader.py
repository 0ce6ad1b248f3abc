"""Applicants from JSON lines: an object per line, its values as the text that a CSV would have.

The keys of the first object are the header: it must have each column of the schema. Another object
that lacks one is malformed, as a CSV row with too few cells is; an empty cell is null.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Any

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.core.text import fold
from creditrisk.ingest import limits
from creditrisk.ingest.reader import Reader
from creditrisk.ingest.rows import ROW_ID, Rows, truth_words


class _Number(str):
    """A number, as it is written: neither rounded nor of limited length."""


class _Object(list[tuple[str, Any]]):
    """The keys and values of an object, in their order, so that a repeated key is seen."""


class _Malformed(Exception):
    """An object is not a row; says why."""


class JsonReader(Reader):
    """Reads JSON lines in UTF-8 in batches, see `Reader`.

    Without a schema, the columns are those of the first object.
    """

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the batches.

        Raises:
            InputError: there is no line, the first one is no object, or it lacks a column.
        """
        lines = self._numbered_lines()
        first_line = next(lines, None)
        if first_line is None:
            hint = "Give an object per line, as in JSON lines."
            raise InputError(self.name, "file", "empty", hint)
        self._open(*first_line)
        self.blank_lines = 0  # those before the first object are not counted, as in a CSV
        cells_of = _Cells(self)
        rows, first, characters = Rows([*self.columns]), 1, 0
        for number, line in chain([first_line], lines):
            try:
                rows.add(number, cells_of(_parse(line, number == 1)))
            except _Malformed as error:
                rows.add_malformed(number, f"line {number}: {error}")
            characters += len(line)
            if len(rows) == self.size or characters >= limits.BATCH_CHARACTERS:
                yield rows.frame(first)
                first += len(rows)
                rows, characters = Rows([*self.columns]), 0
        if len(rows):
            yield rows.frame(first)

    def _open(self, number: int, line: bytes) -> None:
        """Take the names of the columns from the first object."""
        try:
            keys = [key for key, _ in _parse(line, number == 1)]
        except _Malformed as error:
            hint = "Write an object per line, as in JSON lines."
            raise InputError(self.name, f"line {number}", str(error), hint) from None
        self.take_header(keys, f"line {number}")

    def _numbered_lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines with text and their numbers; of one that is too long only the start."""
        number = 0
        while line := self.stream.readline(limits.MAX_RECORD + 1):
            number += 1
            piece = line
            while len(piece) > limits.MAX_RECORD and not piece.endswith(b"\n"):
                piece = self.stream.readline(limits.MAX_RECORD + 1)
            if line.isspace():
                self.blank_lines += 1
            else:
                yield number, line


def _parse(line: bytes, is_first: bool) -> _Object:
    if len(line) > limits.MAX_RECORD:
        raise _Malformed(f"more than {limits.MAX_RECORD:,} bytes")
    try:
        text = line.decode("utf-8-sig" if is_first else "utf-8")
        tree = json.loads(
            text,
            object_pairs_hook=_Object,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_Number,
        )
    except (ValueError, RecursionError):  # the text of the error could quote the line
        raise _Malformed("not a JSON object") from None
    if not isinstance(tree, _Object):
        raise _Malformed("not a JSON object")
    return tree


class _Cells:
    """Turns objects into the texts of the wanted columns, in their order."""

    def __init__(self, reader: Reader):
        self.reader, self.names, self.decimal = reader, [*reader.columns], reader.data.decimal
        self.truths = {name: truth_words(reader.contract(name)) for name in self.names}
        known = {fold(name): name for name in self.names}
        self.name_of = lru_cache(4096)(lambda key: known.get(fold(key)))
        self.ignored = set(reader.header)

    def __call__(self, pairs: _Object) -> list[str | None]:
        """Return a text per column, None for null.

        Raises:
            _Malformed: a column is absent, appears twice, or is no text, number or truth value.
        """
        found: dict[str, str | None] = {}
        for key, value in pairs:
            name = self.name_of(key)
            if name is None:
                self._ignore(key)
            elif name in found:
                raise _Malformed(f"column {name} appears twice")
            else:
                found[name] = self._text(name, value)
        absent = [name for name in self.names if name not in found and name != ROW_ID]
        if absent:
            raise _Malformed(f"no column {absent[0]}")
        return [found.get(name) for name in self.names]

    def _ignore(self, key: str) -> None:
        """Note a name that no column has, so that it can be named (Law 1)."""
        if self.reader.schema is None:
            raise _Malformed("a name that the first object has not")
        if key not in self.ignored and len(self.ignored) < limits.MAX_NAMES:
            self.ignored.add(key)
            self.reader.header.append(key)

    def _text(self, name: str, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, _Number):
            return value.replace(".", self.decimal)
        if isinstance(value, bool):
            return self.truths[name][value]
        if not isinstance(value, str):
            raise _Malformed(f"column {name} is a list or an object")
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise _Malformed(f"column {name} is not Unicode")  # half of a character
        return value

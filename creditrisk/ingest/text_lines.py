"""Physical lines of a text stream, none of them held if it is longer than a record may be."""

import re
from collections.abc import Iterator
from typing import TextIO

from creditrisk.ingest import limits

_PIECE = 2**16
LINE_END = re.compile("\r\n|\r|\n")


class TooLong(Exception):
    """A record has more than `MAX_RECORD` characters."""


class TextLines:
    """Physical lines of a stream, keeping those of the record being read.

    Iterating raises `TooLong` at a line that is too long, which is then behind, and instead of the
    line that would follow a record that is already too long.

    Args:
        stream: text, its line ends as they are.
        number: lines of the file that are before it.
        runs_of_blanks: whether a run of blanks is one delimiter.

    Attributes:
        number: of the last line that was read.
        record: lines of the record being read, without one that is too long.
        size: characters of these lines.
    """

    def __init__(self, stream: TextIO, number: int, runs_of_blanks: bool):
        self.number = number
        self.record: list[str] = []
        self.size = 0
        self._stream = stream
        self._runs_of_blanks = runs_of_blanks
        self._ahead = ""  # a character that was read to see whether it ends a line

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.size > limits.MAX_RECORD:
            raise TooLong
        line = self.read()
        if line == "":
            raise StopIteration
        if line is None:
            raise TooLong
        self.record.append(line)
        self.size += len(line)
        return line

    def start_record(self) -> None:
        """Forget the lines that were read: a new record begins."""
        self.record = []
        self.size = 0

    def read(self) -> str | None:
        """Read a line; empty at the end of the file, None for a line that is too long."""
        line = self._piece(limits.MAX_RECORD + 1)
        if line == "":
            return line
        self.number += 1
        if len(line) > limits.MAX_RECORD and not line.endswith(("\n", "\r")):
            while (piece := self._piece(_PIECE)) and not piece.endswith(("\n", "\r")):
                pass
            return None
        if self.number == 1:  # before the CSV reader sees it: a quoted header may follow it
            line = line.removeprefix("\ufeff")
        return line.strip(" \r\n") + "\n" if self._runs_of_blanks else line

    def _piece(self, limit: int) -> str:
        """Read a line, or its first `limit` characters; the two of a line end stay together."""
        text, self._ahead = self._ahead, ""
        if not text.endswith("\r"):
            text += self._stream.readline(limit - len(text))
        if text.endswith("\r"):
            self._ahead = self._stream.read(1)
            if self._ahead == "\n":
                text, self._ahead = f"{text}\n", ""
        return text

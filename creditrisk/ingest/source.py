"""The applicants' file as a stream that is opened and read once: a file, a pipe, standard input."""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO

from creditrisk.core.errors import InputError

STDIN = "-"  # as a path
_BUFFER = 2**20


def source_name(path: str | Path) -> str:
    """Return the name of an input in messages."""
    return "standard input" if str(path) == STDIN else str(path)


@contextmanager
def open_source(path: str | Path, hint: str) -> Iterator[BinaryIO]:
    """Open an input to read its bytes; `-` is standard input.

    Args:
        path: a file, a pipe, or `-`.
        hint: what to do if there is no such file.

    Raises:
        InputError: it is missing or can't be read, now or later.
    """
    try:
        if str(path) == STDIN:
            if sys.stdin is None:
                raise InputError(source_name(path), "file", "closed", "Give a path with --input.")
            yield sys.stdin.buffer
        else:
            with open(path, "rb") as stream:
                yield stream
    except FileNotFoundError:
        raise InputError(path, "file", "not found", hint) from None
    except OSError as error:
        problem = f"can't be read: {error.strerror or type(error).__name__}"
        hint = "Check the path and the file permissions."
        raise InputError(source_name(path), "file", problem, hint) from None


class _Joined(io.RawIOBase):
    """Bytes that were read already, then the rest of their stream, which stays open."""

    def __init__(self, head: bytes, rest: BinaryIO):
        self.head, self.rest = io.BytesIO(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.head.readinto(buffer) or self.rest.readinto(buffer)  # type: ignore[attr-defined]


def put_back(head: bytes, rest: BinaryIO) -> BinaryIO:
    """Return a stream of the bytes `head`, then of what is left in `rest`."""
    return io.BufferedReader(_Joined(head, rest), _BUFFER)


@contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a stream that can be read from any place: a pipe is copied to a file without a name."""
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        copyfileobj(stream, copy, _BUFFER)
        yield copy

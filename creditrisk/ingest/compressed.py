"""Compressed text as a stream: gzip, zstd, and a zip file that holds one file."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO

import pyarrow as pa

from creditrisk.core.errors import InputError
from creditrisk.ingest.signatures import GZIP, ZSTD

_BUFFER = 2**20
_SHOWN = 5  # names of a zip file in an error
_DAMAGED = (pa.ArrowException, zipfile.BadZipFile, zlib.error, EOFError, ValueError)


class _Unpacked(io.RawIOBase):
    """What a decompressor gives; an error of its own is one of the input."""

    def __init__(self, inner: Any, name: str, form: str):
        self.inner, self.name, self.form = inner, name, form

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self.inner.read(len(buffer))
        except _DAMAGED:
            raise self._damaged() from None
        except OSError as error:
            if error.errno is not None:  # of the disk, not of the decompressor
                raise
            raise self._damaged() from None
        buffer[: len(piece)] = piece
        return len(piece)

    def _damaged(self) -> InputError:
        problem = f"a {self.form} file that is damaged or cut off"
        return InputError(self.name, "file", problem, "Copy it again, or compress it again.")


@contextmanager
def unpacked(stream: BinaryIO, name: str, form: str) -> Iterator[tuple[BinaryIO, str]]:
    """Yield the decompressed bytes of a file as a stream.

    Args:
        stream: the file; one that can be read from any place, if it is a zip file.
        name: of the file, for an error.
        form: GZIP, ZSTD or ZIP.

    Yields:
        The stream, and the name of the file in a zip file, otherwise an empty text.

    Raises:
        InputError: the file is damaged, now or later; or a zip file does not hold exactly one file,
            or needs a password.
    """
    with ExitStack() as stack:
        inner: Any
        member = ""
        if form == GZIP:
            inner = stack.enter_context(gzip.GzipFile(fileobj=stream))
        elif form == ZSTD:
            inner = pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd")
        else:
            archive = stack.enter_context(zipfile.ZipFile(stream))
            info = _only_file(archive, name)
            member = info.filename
            inner = stack.enter_context(_open_member(archive, info, name))
        yield io.BufferedReader(_Unpacked(inner, name, form), _BUFFER), member


def _only_file(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    # macOS adds a folder with its own notes on each file.
    files = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/")
    ]
    if len(files) == 1:
        return files[0]
    names = ", ".join(info.filename[:60] for info in files[:_SHOWN])
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    problem = f"holds {len(files)} files: {names}{more}" if files else "holds no file"
    raise InputError(name, "file", problem, "Give a zip file with exactly one file in it.")


def _open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Any:
    if info.flag_bits & 1:
        raise InputError(name, "file", "protected by a password", "Save it without one.")
    try:
        return archive.open(info)
    except NotImplementedError:
        hint = "Pack it again by the usual method, deflate."
        raise InputError(name, "file", "packed by a method that is not read", hint) from None
    except (*_DAMAGED, OSError):
        problem = "a zip file that is damaged or cut off"
        raise InputError(name, "file", problem, "Copy it again.") from None

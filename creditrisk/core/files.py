"""Files that stages read and write: whole or not at all, the same bytes each time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import logging
import os
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from creditrisk.core.errors import InputError
from creditrisk.core.escape import csv_cell, from_csv_cell
from creditrisk.core.jsonable import to_jsonable
from creditrisk.core.regular import open_regular, read_regular

if TYPE_CHECKING:
    import pandas as pd

PART = ".part"  # suffix of a file that is being written; .dvcignore names it too
_log = logging.getLogger(__name__)


AGAIN = "Run `dvc repro` to make it again."


def read_frame(path: str | Path, needs: Iterable[str] = ()) -> pd.DataFrame:
    """Read a Parquet file that an earlier stage wrote.

    Args:
        path: the file.
        needs: names of columns that it must have.

    Raises:
        InputError: the file is missing, not Parquet, or lacks a column.
    """
    # Opened here, not by Arrow's own code, so that an audit hook sees the file; and without Arrow's
    # threads, which may still be starting when a stage ends early with an error.
    import pandas as pd  # not above: who writes a text needs none

    with _parquet(path), open_regular(path) as file:
        frame = pd.read_parquet(file, use_threads=False, pre_buffer=False)
    _refuse_missing(path, "column", needs, frame)
    _log.info("read %s", path, extra={"rows": len(frame)})
    return frame


class FrameFile:
    """A Parquet file that an earlier stage wrote, whose columns are read when they are asked for.

    So a stage that makes something smaller of each column never holds them all.

    Args:
        path: the file.

    Raises:
        InputError: as `read_frame`; for what is wrong inside a column, when it is asked for.
    """

    def __init__(self, path: str | Path):
        import pyarrow.parquet as pq  # not above: the service has none

        self.path = path
        with _parquet(path), open_regular(path) as file:
            self._metadata = pq.read_metadata(file)
        _log.info("read %s", path, extra={"rows": len(self)})

    def __len__(self) -> int:
        return self._metadata.num_rows

    def __getitem__(self, name: str) -> pd.Series:
        import pyarrow.parquet as pq

        with _parquet(self.path), open_regular(self.path) as opened:
            file = pq.ParquetFile(opened, metadata=self._metadata)
            frame = file.read([name], use_threads=False).to_pandas()
        _refuse_missing(self.path, "column", [name], frame)
        return frame[name]


@contextmanager
def _parquet(path: str | Path) -> Iterator[None]:
    """Say what is wrong with a file that can't be read."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except (pa.ArrowInvalid, OSError) as error:
        problem = f"not Parquet: {error}"
        raise InputError(path, "file", problem, AGAIN) from None


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read a CSV file that an earlier stage wrote.

    Raises:
        InputError: the file is missing or not CSV.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(io.BytesIO(read_regular(path)))
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except (ValueError, OSError) as error:
        problem = f"not CSV: {error}"
        raise InputError(path, "file", problem, AGAIN) from None
    _log.info("read %s", path, extra={"rows": len(frame)})
    return _map_texts(frame, from_csv_cell)


def read_json(path: str | Path, needs: Iterable[str] = ()) -> dict[str, Any]:
    """Read a JSON object that an earlier stage wrote.

    Args:
        path: the file.
        needs: keys that it must have.

    Raises:
        InputError: the file is missing, not a JSON object, or lacks a key.
    """
    try:
        content = json.loads(read_regular(path))
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except (ValueError, RecursionError, OSError) as error:
        problem = f"not JSON: {error}"
        raise InputError(path, "file", problem, AGAIN) from None
    if not isinstance(content, dict):
        raise InputError(path, "file", "not a JSON object", AGAIN)
    _refuse_missing(path, "key", needs, content)
    _log.info("read %s", path)
    return content


def _refuse_missing(path: str | Path, kind: str, needs: Iterable[str], found: Container) -> None:
    missing = [name for name in needs if name not in found]
    if missing:
        raise InputError(path, missing[0], f"no {kind} of this name", AGAIN)


def read_verified(path: str | Path, sha256: str) -> bytes:
    """Read a file, if its bytes have the SHA-256 that Git has for them.

    The bytes that are returned are those that were compared: a file that is replaced after the
    check changes nothing. Use it for what is code, such as a model (docs/architecture.md, Law 7).

    Args:
        path: the file.
        sha256: the hash, from a file that is in Git, never from one beside `path`.

    Raises:
        InputError: the file is missing, can't be read, or has another hash.
    """
    again = "Run `dvc repro` to make it again, or `dvc checkout` to restore the recorded one."
    try:
        content = read_regular(path, limit=None)
    except FileNotFoundError:
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except OSError as error:
        raise InputError(path, "file", f"can't be read: {error.strerror}", again) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        problem = "its hash is not the recorded one, so it is not loaded"
        raise InputError(path, "file", problem, again)
    _log.info("read %s", path)
    return content


@contextmanager
def atomic_write(
    path: str | Path, rows: int | Callable[[], int] | None = None
) -> Iterator[IO[bytes]]:
    """Yield a new file that takes the place of `path` at the end: the whole file or nothing.

    The new file has a name of its own in the same folder, no other user can read it, and no link
    is followed. A run that fails or is stopped deletes it; what a killed run left is deleted by
    the next one.

    Args:
        path: the file to write.
        rows: how many rows it gets, for the log; a function, if only the end shows it.

    Raises:
        InputError: the path is a folder, a pipe or a device, or the file can't be written.
    """
    path = Path(path)
    _refuse_special(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        delete_left_overs(path.parent, escape(path.name[:150]))
        file, part = _new_part(path)
    except OSError as error:
        raise _not_written(path, error) from None
    try:
        with file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_UMASK)
            os.fsync(file.fileno())
            os.replace(part, path)
        count = rows() if callable(rows) else rows
        _log.info("wrote %s", path, extra={} if count is None else {"rows": count})
    except OSError as error:
        if error.errno in _FULL or error.filename in (part, os.fspath(path)):
            raise _not_written(path, error) from None
        raise
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)


# Errors of the file that is written, whatever else is open at that moment.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
_UMASK = os.umask(0o077)
os.umask(_UMASK)


def _not_written(path: Path, error: OSError) -> InputError:
    problem = f"can't be written: {error.strerror or error}"
    hint = "Free some space, or check the folder and its permissions."
    return InputError(path, "file", problem, hint)


def _refuse_special(path: Path) -> None:
    """Refuse to put a file in the place of a folder, a pipe or a device such as /dev/stdout."""
    real = os.path.realpath(path)
    if os.path.isdir(real):
        raise InputError(path, "file", "is a folder", "Name a file in it.")
    special = os.path.exists(real) and not os.path.isfile(real)
    if special or any(p.startswith(("/dev/", "/proc/")) for p in (real, os.path.abspath(path))):
        raise InputError(path, "file", "is a pipe or a device", "Give the path of a file.")


def _new_part(path: Path) -> tuple[IO[bytes], str]:
    """Make a file beside `path` that nobody else has, and lock it while it is written."""
    while True:
        # Exclusive, for this user only, and no link is followed: see tempfile.mkstemp.
        handle, part = tempfile.mkstemp(prefix=f".{path.name[:150]}.", suffix=PART, dir=path.parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return os.fdopen(handle, "wb"), part
        os.close(handle)  # another run took it for a left-over in the moment before the lock


def delete_left_overs(folder: Path, name: str = "*") -> None:
    """Delete what killed runs left of files that they were writing: what nobody holds a lock on.

    Args:
        folder: where the files are.
        name: of the files, a pattern.
    """
    for part in folder.glob(f".{name}.*{PART}"):
        with suppress(OSError):
            handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
            finally:
                os.close(handle)


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as Parquet, without its index."""
    with atomic_write(path, rows=len(frame)) as file:
        frame.to_parquet(file, index=False)


def write_frames(frames: Iterable[pd.DataFrame], path: str | Path) -> None:
    """Write frames of the same columns as one Parquet file, one after the other.

    Only one of them is held at a time: what they come from may be larger than the memory. Each of
    them is a row group.

    Args:
        frames: at least one, without missing or other columns in later ones.
        path: the file; an error while the frames are made leaves it as it was.
    """
    import pyarrow as pa  # not above: the service has none
    import pyarrow.parquet as pq

    rows = 0
    with atomic_write(path, rows=lambda: rows) as file, ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for frame in frames:
            rows += len(frame)
            schema = None if writer is None else writer.schema
            table = pa.Table.from_pandas(frame, schema, preserve_index=False, nthreads=1)
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(file, table.schema))
            writer.write_table(table)


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV, 10 significant digits, without its index; no cell is a formula."""
    with atomic_write(path, rows=len(frame)) as file:
        safe = _map_texts(frame, csv_cell)
        safe.to_csv(file, index=False, float_format="%.10g", lineterminator="\n", encoding="utf-8")


def json_text(value: Any) -> str:
    """Turn a value into the text of a JSON file: 10 significant digits, a NaN as null."""
    return json.dumps(to_jsonable(value), indent=2) + "\n"


def write_json(value: Any, path: str | Path) -> None:
    """Write JSON, with its keys in the order given."""
    write_text(json_text(value), path)


def write_bytes(content: bytes, path: str | Path) -> None:
    """Write a file of bytes."""
    with atomic_write(path) as file:
        file.write(content)


def write_text(text: str, path: str | Path) -> None:
    """Write a text file as UTF-8."""
    write_bytes(text.encode("utf-8"), path)


def _map_texts(frame: pd.DataFrame, change: Callable[[object], object]) -> pd.DataFrame:
    """Change the texts of a frame, those in its header included."""
    changed = frame.copy()
    for name in frame.select_dtypes(["str", "object"]).columns:
        changed[name] = frame[name].map(change, na_action="ignore")
    return changed.rename(columns=change)

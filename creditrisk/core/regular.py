"""Read a file, whole or as a stream: never a pipe or a device, which may have no end."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 2**28  # parameters, schemas, hashes, descriptions: far more than any of them has


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file to read its bytes.

    Args:
        path: the file; a link to one is followed.

    Raises:
        OSError: it is missing, can't be read, is a folder, a pipe or a device.
    """
    # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is a pipe or a device", str(path))
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: str | Path, limit: int | None = MAX_BYTES) -> bytes:
    """Read all bytes of a regular file.

    Args:
        path: the file; a link to one is followed.
        limit: the largest size in bytes; None for no limit.

    Raises:
        OSError: it is missing, can't be read, is a folder, a pipe or a device, or is too large.
    """
    with open_regular(path) as file:
        content = file.read() if limit is None else file.read(limit + 1)
    if limit is not None and len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return content

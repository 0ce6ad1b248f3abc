"""A lock between processes, which the system frees when its holder dies."""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, seconds: float = 120.0) -> Iterator[None]:
    """Hold a lock.

    Args:
        path: its file, made where there is none.
        seconds: to wait for another holder; 0 tries once.

    Raises:
        TimeoutError: another process held it all the time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    with open(path, "w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise TimeoutError(f"{path.name} is held by another process") from None
                time.sleep(0.05)
        yield

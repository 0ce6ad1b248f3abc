"""Kills a process in the very moment in which it writes a file."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path

import psutil

PATIENT = 300  # seconds that a busy machine may take; ends what hangs


def kill_while_writing(pattern: str, processes: Callable[[], Iterable[psutil.Process]]) -> Path:
    """Wait until one of some processes writes a file, and kill it before it has ended.

    Args:
        pattern: of the file's name.
        processes: which processes; asked again and again.

    Returns:
        The file as it was left.
    """
    deadline = time.monotonic() + PATIENT
    while time.monotonic() < deadline:
        for process in processes():
            if not _written(process, pattern):
                continue
            # What it wrote may be complete by now: look again, at a process that stands still.
            os.kill(process.pid, signal.SIGSTOP)
            if files := _written(process, pattern):
                os.kill(process.pid, signal.SIGKILL)
                return files[0]
            os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.001)
    raise AssertionError(f"nobody wrote {pattern}")


def _written(process: psutil.Process, pattern: str) -> list[Path]:
    try:
        paths = [Path(file.path) for file in process.open_files()]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []
    return [path for path in paths if fnmatch(path.name, pattern) and path.exists()]

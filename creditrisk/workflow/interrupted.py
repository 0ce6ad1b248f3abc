"""What a run that was killed leaves behind, and the one command that mends it.

DVC writes two files in place: dvc.lock, and `.dvc/tmp/rwlock`, its list of running processes. A
kill in that moment leaves them empty or cut off, and then every DVC command fails.
"""

import fcntl
import json
import os
from pathlib import Path

from creditrisk.core.dvc_lock import read_lock
from creditrisk.core.errors import InputError

LOCK, RUNNING, GUARD = Path("dvc.lock"), Path(".dvc/tmp/rwlock"), Path(".dvc/tmp/rwlock.lock")


def refuse_broken_state() -> None:
    """Check the files that DVC writes in place, in the folder of the project.

    While DVC runs, a file that is cut off is just being written, and nothing is checked.

    Raises:
        InputError: a killed run left a file that DVC can't read; the hint is what mends it.
    """
    if _is_held(GUARD):
        return
    processes = _running()
    if LOCK.exists() and not any(map(_is_alive, processes)):
        read_lock(LOCK)


def _running() -> set[int]:
    """The processes that DVC's list names, of which killed ones may be no more."""
    if not RUNNING.exists():
        return set()
    try:
        listed = json.loads(RUNNING.read_text(encoding="utf-8"))
        readers = [info for infos in listed.get("read", {}).values() for info in infos]
        return {info["pid"] for info in [*readers, *listed.get("write", {}).values()]}
    except (ValueError, KeyError, TypeError, AttributeError):
        problem = "is cut off: a run was killed while DVC wrote it"
        raise InputError(RUNNING, "file", problem, f"Run `rm {RUNNING}`.") from None


def _is_held(guard: Path) -> bool:
    if not guard.exists():
        return False
    with open(guard, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True

"""Load what monitoring compares with; the champion itself only if there is something to score."""

import hashlib
import json
from pathlib import Path

from pydantic import ValidationError

from creditrisk.champion.reference import Reference
from creditrisk.core.dvc_lock import recorded_hashes
from creditrisk.core.errors import InputError
from creditrisk.core.regular import read_regular

REMAKE = "Run `dvc repro` to make it again, or `dvc checkout` to restore the recorded one."
# Rooms whose code decides what a batch is counted as.
ROOMS = (
    "champion", "core", "eda", "featurize.py", "metrics", "modeling", "monitor", "prepare",
    "schema.py", "score",
)  # fmt: skip


def load_reference(path: Path, lock: Path) -> tuple[Reference, str]:
    """Read models/reference.json, if it is the file that DVC recorded.

    Args:
        path: the file.
        lock: dvc.lock.

    Returns:
        The reference, and the SHA-256 hash of the file.

    Raises:
        InputError: it is missing, not the recorded one, or not what select writes.
    """
    try:
        content = read_regular(path)
    except FileNotFoundError:
        hint = "Run `dvc repro` to make it, or `dvc pull` to fetch it."
        raise InputError(path, "file", "not found", hint) from None
    except OSError as error:
        hint = "Check the file and its permissions."
        raise InputError(path, "file", f"can't be read: {error.strerror}", hint) from None
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if recorded_hashes(lock).get(path.as_posix()) != digest:
        raise InputError(path, "file", f"not the file that {lock} records", REMAKE)
    try:
        found = Reference.model_validate(json.loads(content))
    except (ValueError, ValidationError) as error:
        problem = f"not what select writes: {str(error).splitlines()[0]}"
        raise InputError(path, "file", problem, REMAKE) from None
    return found, hashlib.sha256(content).hexdigest()


def code_sha256(folder: Path) -> str:
    """Hash the code that decides what a batch is counted as.

    Args:
        folder: of the package, `creditrisk`.
    """
    digest = hashlib.sha256()
    for room in ROOMS:
        place = folder / room
        files = [place] if place.suffix else sorted(place.rglob("*.py"))
        for file in files:
            digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()

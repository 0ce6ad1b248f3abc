"""A local store that is broken is put aside, so that a new one can be begun; nothing is deleted."""

import contextlib
import os
import sqlite3
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from creditrisk.tracking.store import StoreLocation

SUFFIXES = ("-wal", "-shm", "")  # the database itself last, see put_aside
READ_SECONDS = 5.0  # how long to wait for a lock; who holds it has a database that works
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def put_aside_if_broken(location: StoreLocation, thorough: bool = False) -> str | None:
    """Move a broken database out of the way. Hold the lock of the store meanwhile.

    Args:
        location: the local store.
        thorough: read every page of the database; otherwise only what is at its beginning.

    Returns:
        A line that says what is broken and where it is now; None if nothing was moved.
    """
    problem = find_problem(location, thorough)
    if problem is None:
        return None
    folder = put_aside(location)
    return (
        f"the local store {location.database} {problem}: it is put aside in {folder},"
        " and a new one is begun"
    )


def find_problem(location: StoreLocation, thorough: bool = False) -> str | None:
    """Describe why the database can never be used; None if it is sound, locked or not there.

    A disk that is full or can't be read is no reason to move a database either.
    """
    database = location.database
    if not os.path.lexists(database):
        left = any(os.path.lexists(f"{database}{suffix}") for suffix in SUFFIXES)
        # SQLite would read the log of a database that is gone into the new one.
        return "has left nothing but its log" if left else None
    if not database.is_file():
        return "is not a file"
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=READ_SECONDS)) as connection:
            versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            check = connection.execute("PRAGMA quick_check(1)") if thorough else None
            found = check.fetchone()[0] if check else "ok"
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_ERROR and "no such table" in str(error):
            return "has no tables of MLflow"
        if code is not None and code & 0xFF in _BROKEN:
            return f"is broken ({error})"
        return None
    if found != "ok":
        return f"is broken ({' '.join(found.split())})"
    known = _known_versions()
    if known and not all(version in known for (version,) in versions):
        return "was made by a newer MLflow"
    return None


def _known_versions() -> set[str]:
    """List the versions of the tables that the installed MLflow can read or upgrade."""
    spec = find_spec("mlflow")
    if spec is None or spec.origin is None:
        return set()
    scripts = Path(spec.origin).parent / "store" / "db_migrations" / "versions"
    return {path.name.partition("_")[0] for path in scripts.glob("*_*.py")}


def put_aside(location: StoreLocation) -> Path:
    """Move the database and its log into a new folder of the store, and return that folder."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    number = 0
    while True:
        folder = location.folder / f"broken-{moment}{f'-{number}' if number else ''}"
        try:
            folder.mkdir()
            break
        except FileExistsError:
            number += 1
    for suffix in SUFFIXES:
        # The log goes before the database: if we are killed in between, no new database can get
        # the log of the old one.
        with contextlib.suppress(FileNotFoundError):
            source = Path(f"{location.database}{suffix}")
            source.rename(folder / source.name)
    return folder

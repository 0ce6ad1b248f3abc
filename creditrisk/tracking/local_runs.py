"""The local store: an SQLite database to which several processes may write at the same time."""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from creditrisk.core.logs import say
from creditrisk.tracking import store_check
from creditrisk.tracking.store import QUIET, StoreLocation, fingerprint
from creditrisk.tracking.store_check import READ_SECONDS

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Our own tags. A run is pending for a server if it has RECORDED but not SENT + the server's hash.
KEY, RECORDED, COMPLETE = "creditrisk.key", "creditrisk.recorded", "creditrisk.complete"
STAGE, SENT = "creditrisk.stage", "creditrisk.sent."
PARENT = "mlflow.parentRunId"
say_warning = partial(say, warning=True)
# Another process that writes needs a second or two; the first one also creates the database.
LOCK_SECONDS = 120.0


def hush() -> None:
    """Silence MLflow. Call this before importing it."""
    os.environ.update(QUIET)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def open_store(
    location: StoreLocation, report: Callable[[str], None] = say_warning
) -> "MlflowClient":
    """Open the local store, and create it first if necessary.

    A broken store is put aside. One of an older MLflow is not: MLflow upgrades it, or says how.

    Args:
        location: the local store.
        report: called with a line for the user if the store was put aside.
    """
    hush()
    from mlflow import MlflowClient

    location.folder.mkdir(parents=True, exist_ok=True)
    with store_lock(location):
        if moved := store_check.put_aside_if_broken(location):
            report(f"tracking: {moved}")
        if not location.database.exists():
            _create(location)
        _update_artifact_uris(location)
        return MlflowClient(tracking_uri=location.uri, registry_uri=location.uri)


def store_lock(location: StoreLocation) -> FileLock:
    """The lock under which the database is created or moved, and models are registered."""
    return FileLock(location.folder / "store.lock", timeout=LOCK_SECONDS)


def _create(location: StoreLocation) -> None:
    """Create the store under a temporary name: a killed process leaves no half-made database."""
    from mlflow import MlflowClient

    part = location.folder / ".mlflow.db.part"
    part.unlink(missing_ok=True)
    MlflowClient(tracking_uri=f"sqlite:///{part}").search_experiments(max_results=1)
    with contextlib.closing(sqlite3.connect(part)) as database:
        # With a write-ahead log, readers do not wait for a writer, and a commit costs one write.
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.replace(part, location.database)


def _update_artifact_uris(location: StoreLocation) -> None:
    """Correct MLflow's absolute artifact addresses after the project was moved or copied."""
    uri_file = location.folder / "place"
    current = location.artifacts.as_uri()
    previous = uri_file.read_text() if uri_file.exists() else current
    if previous != current:
        with (
            contextlib.closing(sqlite3.connect(location.database, timeout=60)) as database,
            database,
        ):
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?)"
                    f" WHERE substr({column}, 1, ?) = ?",
                    (current, len(previous) + 1, len(previous), previous),
                )
    if not uri_file.exists() or previous != current:
        uri_file.write_text(current)


def experiment_id(client: "MlflowClient", location: StoreLocation, name: str) -> str:
    """Get the id of an experiment in the local store; create or restore it if necessary."""
    with store_lock(location):
        found = client.get_experiment_by_name(name)
        if found is None:
            return client.create_experiment(name, location.artifacts.as_uri())
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return found.experiment_id


def is_recorded(location: StoreLocation, key: str, seconds: float = 60) -> bool:
    """Return whether a run with this key is recorded.

    This reads the database directly, because importing MLflow takes seconds.

    Args:
        location: the local store.
        key: the key of the run.
        seconds: how long to wait for a lock of the database.

    Raises:
        sqlite3.Error: the database is locked or broken.
    """
    query = (
        "SELECT 1 FROM tags k JOIN tags r ON r.run_uuid = k.run_uuid AND r.key = ?"
        " JOIN runs u ON u.run_uuid = k.run_uuid AND u.lifecycle_stage = 'active'"
        " WHERE k.key = ? AND k.value = ?"
    )
    return first_row(location, query, (RECORDED, KEY, key), seconds) is not None


def count_pending(location: StoreLocation, mark: str, seconds: float = 60) -> int:
    """Count the recorded runs that lack the tag `mark`, without importing MLflow.

    Raises:
        sqlite3.Error: the database is locked or broken.
    """
    query = (
        "SELECT count(*) FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid"
        " WHERE t.key = ? AND r.lifecycle_stage = 'active' AND NOT EXISTS"
        " (SELECT 1 FROM tags s WHERE s.run_uuid = t.run_uuid AND s.key = ?)"
    )
    found = first_row(location, query, (RECORDED, mark), seconds)
    return found[0] if found else 0


def pending_or_none(location: StoreLocation, uri: str) -> int | None:
    """Count the runs that are pending for a server; None if the store is locked or broken."""
    try:
        return count_pending(location, SENT + fingerprint(uri), READ_SECONDS)
    except sqlite3.Error:
        return None


def first_row(
    location: StoreLocation, query: str, values: tuple[str, ...], seconds: float
) -> tuple[Any, ...] | None:
    """Run a query on the database and return its first row; None also if there is no database."""
    if not location.database.exists():
        return None
    with contextlib.closing(sqlite3.connect(location.database, timeout=seconds)) as database:
        return database.execute(query, values).fetchone()

"""The local store: an SQLite database that several processes write at once, made once."""

import contextlib
import logging
import os
import sqlite3
from typing import TYPE_CHECKING

from creditrisk.tracking.lock import locked
from creditrisk.tracking.store import QUIET, StoreLocation

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Tags of ours. A run is pending for a server while RECORDED is there and SENT + server is not.
KEY, RECORDED, COMPLETE = "creditrisk.key", "creditrisk.recorded", "creditrisk.complete"
STAGE, SENT = "creditrisk.stage", "creditrisk.sent."
PARENT = "mlflow.parentRunId"


def hush() -> None:
    """Keep MLflow quiet; before its import."""
    os.environ.update(QUIET)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def open_store(location: StoreLocation) -> "MlflowClient":
    """Open the store, made first if there is none."""
    hush()
    from mlflow import MlflowClient

    with locked(location.folder / "store.lock"):
        if not location.database.exists():
            _create(location)
        _follow(location)
    return MlflowClient(tracking_uri=location.uri, registry_uri=location.uri)


def _create(location: StoreLocation) -> None:
    """Let MLflow lay out its tables, under a passing name: a kill leaves no half store."""
    from mlflow import MlflowClient

    part = location.folder / ".mlflow.db.part"
    part.unlink(missing_ok=True)
    MlflowClient(tracking_uri=f"sqlite:///{part}").search_experiments(max_results=1)
    with contextlib.closing(sqlite3.connect(part)) as database:
        # Readers do not wait for a writer, and a commit costs one write.
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.replace(part, location.database)


def _follow(location: StoreLocation) -> None:
    """Correct the artifacts' addresses when the project was moved or copied: MLflow keeps them
    absolute."""
    noted = location.folder / "place"
    here = location.artifacts.as_uri()
    before = noted.read_text() if noted.exists() else here
    if before != here:
        with (
            contextlib.closing(sqlite3.connect(location.database, timeout=60)) as database,
            database,
        ):
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?)"
                    f" WHERE substr({column}, 1, ?) = ?",
                    (here, len(before) + 1, len(before), before),
                )
    if not noted.exists() or before != here:
        noted.write_text(here)


def experiment_id(client: "MlflowClient", location: StoreLocation, name: str) -> str:
    """Find an experiment of the local store, made first if there is none."""
    with locked(location.folder / "store.lock"):
        found = client.get_experiment_by_name(name)
        if found is None:
            return client.create_experiment(name, location.artifacts.as_uri())
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return found.experiment_id


def is_recorded(location: StoreLocation, key: str) -> bool:
    """Tell whether a run is in the store, without MLflow: its import takes seconds."""
    if not location.database.exists():
        return False
    with contextlib.closing(sqlite3.connect(location.database, timeout=60)) as database:
        rows = database.execute(
            "SELECT 1 FROM tags k JOIN tags r ON r.run_uuid = k.run_uuid AND r.key = ?"
            " JOIN runs u ON u.run_uuid = k.run_uuid AND u.lifecycle_stage = 'active'"
            " WHERE k.key = ? AND k.value = ?",
            (RECORDED, KEY, key),
        )
        return rows.fetchone() is not None


def count_pending(location: StoreLocation, mark: str) -> int:
    """Count the recorded runs without this tag, without MLflow."""
    if not location.database.exists():
        return 0
    with contextlib.closing(sqlite3.connect(location.database, timeout=60)) as database:
        rows = database.execute(
            "SELECT count(*) FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid"
            " WHERE t.key = ? AND r.lifecycle_stage = 'active' AND NOT EXISTS"
            " (SELECT 1 FROM tags s WHERE s.run_uuid = t.run_uuid AND s.key = ?)",
            (RECORDED, mark),
        )
        return int(rows.fetchone()[0])

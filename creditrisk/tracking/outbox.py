"""Sending from within a stage: in a process of its own that can be killed at the bound."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from creditrisk.tracking import place, remote
from creditrisk.tracking.local import RECORDED, SENT
from creditrisk.tracking.place import Place

CHILD = "from creditrisk.tracking.outbox import child; child()"


def count_pending(store: Place, mark: str) -> int:
    """Count the recorded runs without this tag, without MLflow: its import takes seconds."""
    if not store.database.exists():
        return 0
    with contextlib.closing(sqlite3.connect(store.database, timeout=60)) as database:
        rows = database.execute(
            "SELECT count(*) FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid"
            " WHERE t.key = ? AND r.lifecycle_stage = 'active' AND NOT EXISTS"
            " (SELECT 1 FROM tags s WHERE s.run_uuid = t.run_uuid AND s.key = ?)",
            (RECORDED, mark),
        )
        return int(rows.fetchone()[0])


def send_within(store: Place, uri: str, seconds: float) -> str | None:
    """Send what is pending, for so many seconds at most.

    Returns
    -------
    what to tell about it in one line, if anything is amiss.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(store.folder), str(seconds)],
        env=os.environ | remote.environment() | {"MLFLOW_TRACKING_URI": uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    try:
        out, _ = process.communicate(timeout=max(0.0, seconds - (time.monotonic() - started)))
        late = False
    except subprocess.TimeoutExpired:
        # A run that is cut here is half on the server, and is completed the next time.
        process.kill()
        out, _ = process.communicate()
        late = True
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    told = lines[-1] if lines else {}
    left = told.get("failed", count_pending(store, _mark(uri)))
    count = f"{left} run{'s' * (left != 1)} pending"
    if told.get("error"):
        return f"tracking: {told['error']} ({count})"
    if late or left or process.returncode:
        shown = place.without_secrets(uri)
        return (
            f"tracking: {shown} did not take everything within {seconds:g} s ({count}):"
            " send the rest with `python -m stages.mirror`"
        )
    return None


def _mark(uri: str) -> str:
    return SENT + place.fingerprint(uri)


def child() -> None:
    """Send; the arguments are the store's folder and the seconds. Tells its reports on stdout."""
    started = time.monotonic()
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    uri = os.environ["MLFLOW_TRACKING_URI"]
    store = Place(folder)
    try:
        remote.ask(uri, 0.3 * seconds)
        from creditrisk.tracking import mirror

        left = max(0.5, seconds - (time.monotonic() - started) - 1)
        report = mirror.send(store, uri, left, _tell)
        _tell(report, str(remote.explain(report.error, uri)) if report.error else None)
    except Exception as error:
        told = {
            "failed": count_pending(store, _mark(uri)),
            "error": str(remote.explain(error, uri)),
        }
        print(json.dumps(told), flush=True)
    # Threads of MLflow's own may still wait for a socket.
    sys.stdout.flush()
    os._exit(0)


def _tell(report, error: str | None = None) -> None:
    told = {k: v for k, v in asdict(report).items() if k != "error"} | {"error": error}
    print(json.dumps(told), flush=True)

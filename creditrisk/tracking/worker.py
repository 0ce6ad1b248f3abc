"""The program of the recording process, which reports to the stage as JSON lines on stdout."""

import json
import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

from creditrisk.tracking import local_runs, server
from creditrisk.tracking.local_runs import SENT, count_pending, open_store
from creditrisk.tracking.store import StoreLocation, fingerprint


def main() -> None:
    """Import MLflow, wait for the stage's order, record the run and upload the pending runs.

    The command line has the folder of the local store, and 1 to import MLflow before the order.
    """
    os.nice(10)  # the stage's own work has priority
    # Discard MLflow's own output; stdout carries only our JSON reports.
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    location = StoreLocation(Path(sys.argv[1]))
    problem = _prepare(location) if sys.argv[2] == "1" else None
    order = sys.stdin.readline()
    # Without an order, the stage has failed and there is nothing to record.
    if order:
        _execute(location, json.loads(order), problem, pipe)
    # Exit without waiting for MLflow's threads, which may still wait for a socket.
    pipe.flush()
    os._exit(0)


def _prepare(location: StoreLocation) -> Exception | None:
    """Import what the recording needs; return the error if that fails."""
    local_runs.hush()
    try:
        import matplotlib.figure  # noqa: F401

        from creditrisk.tracking import writer  # noqa: F401
        from creditrisk.tracking.autolog import enable

        enable(location.uri)
        open_store(location).search_experiments(max_results=1)
    except Exception as error:
        return error
    return None


def _execute(
    location: StoreLocation, order: dict[str, Any], problem: Exception | None, pipe: Any
) -> None:
    def emit(about: str, **report: Any) -> None:
        print(json.dumps({"about": about} | report), file=pipe, flush=True)

    if order["entry"]:
        try:
            if problem:
                raise problem
            from creditrisk.tracking.writer import write

            # Safe to unpickle: the stage has just written it, into its own temporary folder.
            with open(order["entry"], "rb") as file:
                run_data = pickle.load(file)
            write(location, open_store(location), run_data)
            emit("recorded", error=None)
        except Exception as error:
            emit("recorded", error=" ".join(str(error).split())[:300] or type(error).__name__)
    if order["uri"]:
        _upload(location, order["uri"], order["seconds"], emit)


def _upload(location: StoreLocation, uri: str, seconds: float, emit: Any) -> None:
    started = time.monotonic()

    def log(report: Any) -> None:
        error = str(server.explain(report.error, uri)) if report.error else None
        emit("sent", failed=report.failed, error=error)

    try:
        server.ping(uri, 0.3 * seconds)
        import mlflow

        from creditrisk.tracking import mirror

        mlflow.set_tracking_uri(uri)
        remaining = max(0.5, seconds - (time.monotonic() - started) - 1)
        log(mirror.send(location, uri, remaining, log))
    except Exception as error:
        pending = count_pending(location, SENT + fingerprint(uri))
        emit("sent", failed=pending, error=str(server.explain(error, uri)))

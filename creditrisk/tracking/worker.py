"""What runs in the process beside a stage. It tells JSON lines on stdout."""

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
    """Load MLflow, wait for the stage's order, record, send.

    The arguments are the store's folder, and whether to load MLflow ahead of the order.
    """
    os.nice(10)  # the stage's own work goes first
    # What MLflow prints is nobody's: the reports keep the pipe to themselves.
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    location = StoreLocation(Path(sys.argv[1]))
    problem = _load(location) if sys.argv[2] == "1" else None
    order = sys.stdin.readline()
    # No order: the stage failed, and there is nothing to record.
    if order:
        _obey(location, json.loads(order), problem, pipe)
    # Threads of MLflow's own may still wait for a socket.
    pipe.flush()
    os._exit(0)


def _load(location: StoreLocation) -> Exception | None:
    local_runs.hush()
    try:
        import matplotlib.figure  # noqa: F401

        from creditrisk.tracking import writer as write  # noqa: F401
        from creditrisk.tracking.autolog import enable

        enable(location.uri)
        open_store(location).search_experiments(max_results=1)
    except Exception as error:
        return error
    return None


def _obey(
    location: StoreLocation, order: dict[str, Any], problem: Exception | None, pipe: Any
) -> None:
    def tell(about: str, **report: Any) -> None:
        print(json.dumps({"about": about} | report), file=pipe, flush=True)

    if order["entry"]:
        try:
            if problem:
                raise problem
            from creditrisk.tracking.writer import write

            # Written by the stage a moment ago, into a folder of its own.
            with open(order["entry"], "rb") as file:
                run_data = pickle.load(file)
            write(location, open_store(location), run_data)
            tell("recorded", error=None)
        except Exception as error:
            tell("recorded", error=" ".join(str(error).split())[:300] or type(error).__name__)
    if order["uri"]:
        _send(location, order["uri"], order["seconds"], tell)


def _send(location: StoreLocation, uri: str, seconds: float, tell: Any) -> None:
    started = time.monotonic()

    def report(found: Any) -> None:
        error = str(server.explain(found.error, uri)) if found.error else None
        tell("sent", failed=found.failed, error=error)

    try:
        server.ping(uri, 0.3 * seconds)
        import mlflow

        from creditrisk.tracking import mirror

        mlflow.set_tracking_uri(uri)
        left = max(0.5, seconds - (time.monotonic() - started) - 1)
        report(mirror.send(location, uri, left, report))
    except Exception as error:
        left = count_pending(location, SENT + fingerprint(uri))
        tell("sent", failed=left, error=str(server.explain(error, uri)))

"""mirror: send every pending run to the MLflow server that MLFLOW_TRACKING_URI names.

No stage of dvc.yaml: it makes no output. Exit code 0 only when nothing is pending any more.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from creditrisk.core.cli import run
from creditrisk.core.errors import InputError
from creditrisk.tracking import server, store
from creditrisk.tracking.local_runs import count_pending, experiment_id, open_store


def main() -> None:
    """Send, and say how many runs were sent, skipped (there already) and failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--timeout", type=float, default=900, help="seconds for all of it")
    parser.add_argument("--show", action="store_true", help="open the pages of MLflow on it")
    parser.add_argument("--port", type=int, default=5000, help="of the pages, on loopback")
    args = parser.parse_args()
    location = store.find_store(Path.cwd())
    if location is None:
        raise InputError(Path.cwd(), ".dvc", "no DVC project", "Run from the project's folder.")
    if args.show:
        show(location, args.port)
    uri = store.remote_uri()
    if uri is None:
        hint = "Set it to the server's address, as in http://127.0.0.1:5000."
        raise InputError("environment", "MLFLOW_TRACKING_URI", "not set", hint)
    os.environ.update(server.environment())
    if not location.database.exists():
        print("mirror: sent 0, skipped 0, failed 0")
        return
    from creditrisk.tracking import mirror

    try:
        server.ping(uri, 60)
        report = mirror.send(location, uri, args.timeout, lambda report: None)
    except server.RemoteError as error:
        report = mirror.Report(failed=count_pending(location, mirror.mark(uri)), error=error)
    print(f"mirror: sent {report.sent}, skipped {report.skipped}, failed {report.failed}")
    if report.error:
        print(f"tracking: {server.explain(report.error, uri)}", file=sys.stderr)
    sys.stdout.flush()
    if report.failed or report.error:
        sys.exit(1)


def show(location: store.StoreLocation, port: int) -> NoReturn:
    """Become MLflow's own server over the local store, for this machine alone."""
    experiment = experiment_id(open_store(location), location, store.experiment_name())
    # MLflow opens on its pages for language models unless it is told otherwise.
    page = f"http://127.0.0.1:{port}/#/experiments/{experiment}/runs?workflowType=machine_learning"
    print(f"{page} shows the recorded runs; Ctrl-C ends it", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", location.uri]
    command += ["--default-artifact-root", location.artifacts.as_uri()]
    # Not the remote's address: this server is over the local store.
    env = {name: v for name, v in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    os.execve(sys.executable, command, env | store.QUIET)


if __name__ == "__main__":
    run(main)

"""mirror: upload all pending runs to the MLflow server at MLFLOW_TRACKING_URI.

This is not a stage of dvc.yaml and has no outputs. The exit code is 0 only if nothing is pending.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.tracking import server, store
from creditrisk.tracking.local_runs import count_pending, experiment_id, open_store


def main() -> None:
    """Upload, and print how many runs were sent, skipped (already there) and failed."""
    parser = make_parser(__doc__)
    parser.add_argument("--timeout", type=float, default=900, help="time limit in seconds")
    parser.add_argument("--show", action="store_true", help="show the runs in MLflow's pages")
    parser.add_argument(
        "--port", type=int, default=5000, help="port of the pages, on this machine only"
    )
    args = parser.parse_args()
    location = store.find_store(Path.cwd())
    if location is None:
        raise InputError(Path.cwd(), ".dvc", "no DVC project", "Run this in the project's folder.")
    if args.show:
        show(location, args.port)
    uri = store.remote_uri()
    if uri is None:
        hint = "Set it to the server's address, for example http://127.0.0.1:5000."
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
    """Replace this process by MLflow's server for the local store, on this machine only."""
    experiment = experiment_id(open_store(location), location, store.experiment_name())
    # By default MLflow opens its pages for language models.
    page = f"http://127.0.0.1:{port}/#/experiments/{experiment}/runs?workflowType=machine_learning"
    print(f"{page} shows the recorded runs; stop with Ctrl-C", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", location.uri]
    command += ["--default-artifact-root", location.artifacts.as_uri()]
    # Without the tracking server's address: these pages show the local store.
    env = {name: v for name, v in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    os.execve(sys.executable, command, env | store.QUIET)


if __name__ == "__main__":
    run(main)

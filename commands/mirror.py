"""mirror: upload all pending runs to the MLflow server at MLFLOW_TRACKING_URI.

Runs that a stage could not record, and kept on disk, are recorded first. This is not a stage of
dvc.yaml and has no outputs. The exit code is 0 only if nothing is kept or pending.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import NoReturn

from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say, say_aside
from creditrisk.tracking import local_runs, server, store, store_check
from creditrisk.tracking.deadline import deadline


def main() -> None:
    """Upload, and print how many runs were sent, skipped (already there) and failed."""
    parser = make_parser(__doc__)
    parser.add_argument("--timeout", type=_seconds, default=900, help="time limit in seconds")
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
    end = time.monotonic() + args.timeout
    record_kept(location, args.timeout / 2)
    uri = store.remote_uri()
    if uri is None:
        hint = "Set it to the server's address, for example http://127.0.0.1:5000."
        raise InputError("environment", "MLFLOW_TRACKING_URI", "not set", hint)
    from creditrisk.tracking import kept_runs

    is_complete = upload(location, uri, end - time.monotonic())
    if not is_complete or kept_runs.waiting(location):
        sys.exit(1)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= store.MAX_TIMEOUT:
        raise argparse.ArgumentTypeError("not a number of seconds, up to a week")
    return value


def record_kept(location: store.StoreLocation, seconds: float) -> None:
    """Put a broken store aside, and record the runs that stages kept on disk."""
    if location.folder.exists():
        with local_runs.store_lock(location):
            if moved := store_check.put_aside_if_broken(location):
                say(f"tracking: {moved}", warning=True)
    from creditrisk.tracking import kept_runs
    from creditrisk.tracking.process import Recorder

    kept = {entry.key for entry in kept_runs.waiting(location)}
    if kept:
        # In a process of its own, which can be stopped whatever it waits for.
        recorder = Recorder(location, ahead=False)
        for line in recorder.finish(None, None, seconds, most_tries=None):
            say(line, warning=True)
        left = {entry.key for entry in kept_runs.waiting(location)}
        say(f"mirror: recorded {len(kept - left)} of {len(kept)} kept runs")


def upload(location: store.StoreLocation, uri: str, seconds: float) -> bool:
    """Upload the pending runs, and print their numbers; return whether none is left."""
    os.environ.update(server.environment())
    if not location.database.exists():
        say("mirror: sent 0, skipped 0, failed 0")
        return True
    say_aside(f"mirror: uploads to {store.without_secrets(uri)}")

    from creditrisk.tracking import mirror

    latest = mirror.Report(failed=local_runs.pending_or_none(location, uri) or 0)

    def log(report: mirror.Report) -> None:
        nonlocal latest
        latest = report

    def tell(report: mirror.Report, error: Exception | None) -> None:
        say(f"mirror: sent {report.sent}, skipped {report.skipped}, failed {report.failed}")
        if error:
            say(f"tracking: {server.explain(error, uri)}", warning=True)
        sys.stdout.flush()

    def give_up() -> None:
        problem = f"{store.without_secrets(uri)} did not take all runs within {seconds:.0f} s"
        tell(latest, server.RemoteError(problem, server.LATER))

    with deadline(seconds, give_up):
        try:
            server.ping(uri, min(60.0, seconds))
            latest = mirror.send(location, uri, seconds, log)
        except server.RemoteError as error:
            latest.error = error
    tell(latest, latest.error)
    return not latest.failed and latest.error is None


def show(location: store.StoreLocation, port: int) -> NoReturn:
    """Replace this process by MLflow's server for the local store, on this machine only."""
    client = local_runs.open_store(location)
    experiment = local_runs.experiment_id(client, location, store.experiment_name())
    # By default MLflow opens its pages for language models.
    page = f"http://127.0.0.1:{port}/#/experiments/{experiment}/runs?workflowType=machine_learning"
    say(f"{page} shows the recorded runs; stop with Ctrl-C")
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", location.uri]
    command += ["--default-artifact-root", location.artifacts.as_uri()]
    # Without the tracking server's address: these pages show the local store.
    env = {name: v for name, v in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    os.execve(sys.executable, command, env | store.QUIET)


if __name__ == "__main__":
    run(main)

"""Upload pending runs to a tracking server: each exactly once, even if a process is killed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock

from creditrisk.tracking import registry
from creditrisk.tracking.local_runs import (
    RECORDED,
    SENT,
    STAGE,
    pending_or_none,
)
from creditrisk.tracking.local_runs import open_store as open_local
from creditrisk.tracking.replay import Replay, search
from creditrisk.tracking.server import explain, refuses_one
from creditrisk.tracking.store import StoreLocation, fingerprint

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


@dataclass
class Report:
    """The result of uploading the pending runs. Child runs are not counted.

    Attributes:
        sent: number of runs that were uploaded.
        skipped: number of runs that were already complete on the server.
        failed: number of runs that are still pending.
        error: the error that ended the upload, or else the first error of a single run.
    """

    sent: int = 0
    skipped: int = 0
    failed: int = 0
    error: Exception | None = None


def mark(uri: str) -> str:
    """Get the name of the tag that marks a local run as uploaded to this server."""
    return SENT + fingerprint(uri)


def pending(client: "MlflowClient", uri: str) -> list["Run"]:
    """List the recorded runs that are not marked as uploaded to this server.

    Those with the fewest attempts come first, then the oldest. So a run that always fails, or that
    uses up the time limit, does not block the others.
    """
    waiting = [run for run in _recorded(client) if mark(uri) not in run.data.tags]
    return sorted(waiting, key=lambda run: (_attempts(run, uri), _start_key(run)))


def _recorded(client: "MlflowClient") -> list["Run"]:
    experiments = [e.experiment_id for e in client.search_experiments()]
    return search(client, experiments, f"tags.`{RECORDED}` = 'true'") if experiments else []


def _start_key(run: "Run") -> tuple[int, str]:
    return run.info.start_time, run.info.run_id


def _attempts(run: "Run", uri: str) -> int:
    return int(run.data.tags.get(f"{mark(uri)}.tries", 0))


def _is_champion_run(run: "Run") -> bool:
    return run.data.tags.get(registry.IS_CHAMPION_RUN) == "true"


def send(
    location: StoreLocation, uri: str, seconds: float, log: Callable[[Report], None]
) -> Report:
    """Upload all pending runs.

    Args:
        location: the local store.
        uri: the tracking server.
        seconds: time limit, after which no further run is started; also the time to wait for
            another process that is uploading.
        log: called with the report before the first run and after each run.

    Returns:
        The final report. A run that the server refuses stays pending, and the others are uploaded.
        If the server is gone or refuses everything, the upload ends, and all remaining runs count
        as failed.
    """
    from mlflow import MlflowClient

    end = time.monotonic() + seconds
    report = Report()
    try:
        local = open_local(location)
        report.failed = len(pending(local, uri))
        log(report)
        with FileLock(location.folder / "mirror.lock", timeout=seconds):
            remote = MlflowClient(tracking_uri=uri, registry_uri=uri)
            uploaded = [run for run in _recorded(local) if mark(uri) in run.data.tags]
            champions = [_start_key(run) for run in uploaded if _is_champion_run(run)]
            newest_champion = max(champions, default=(0, ""))
            for run in pending(local, uri):
                if time.monotonic() >= end:
                    break
                # Counted before the upload, because the process may be killed during it.
                attempts = str(_attempts(run, uri) + 1)
                local.set_tag(run.info.run_id, f"{mark(uri)}.tries", attempts)
                try:
                    # A champion that is uploaded late must not replace a newer one.
                    newer = _start_key(run) > newest_champion
                    is_new = Replay(local, remote, location, run, is_champion_run=newer).run()
                except Exception as error:
                    if not refuses_one(error, uri):
                        raise
                    report.error = report.error or explain(error, uri, run.data.tags[STAGE])
                    log(report)
                    continue
                local.set_tag(run.info.run_id, mark(uri), "true")
                if _is_champion_run(run):
                    newest_champion = max(newest_champion, _start_key(run))
                report.sent += is_new
                report.skipped += not is_new
                report.failed = max(0, report.failed - 1)
                log(report)
            report.failed = len(pending(local, uri))
            if not report.failed:
                registry.align(local, remote, mark(uri))
    except Exception as error:
        report.error = error
        report.failed = max(1, pending_or_none(location, uri) or report.failed)
    return report

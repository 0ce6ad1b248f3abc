"""Send what is pending to a server, each run exactly once, whatever dies in the middle.

A run on the server carries its key from the call that makes it, and `complete` from the last one.
A copy without it is found by its key and filled again: each value is the same, so twice is once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.tracking import registry
from creditrisk.tracking.local_runs import COMPLETE, KEY, PARENT, RECORDED, SENT, STAGE
from creditrisk.tracking.local_runs import open_store as open_local
from creditrisk.tracking.lock import locked
from creditrisk.tracking.server import explain, refuses_one
from creditrisk.tracking.store import StoreLocation, fingerprint

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# The server's own limits for one call are 100 parameters, 100 tags, 1000 metrics, 1000 in all.
PARAMS, METRICS = 100, 800
LONGEST_PARAM, LONGEST_TAG = 500, 5000  # characters; what every server of the major version takes


@dataclass
class Report:
    """What a pass over the store did.

    Attributes:
        sent: runs of stages that are on the server by this pass.
        skipped: runs that were there already, complete.
        failed: runs that stay pending.
        error: what ended the pass, or else the first refusal of a run.
    """

    sent: int = 0
    skipped: int = 0
    failed: int = 0
    error: Exception | None = None


def mark(uri: str) -> str:
    """Name the tag of a local run that says it is on this server."""
    return SENT + fingerprint(uri)


def pending(client: "MlflowClient", uri: str) -> list["Run"]:
    """List the recorded runs that this server is not known to have, those tried least first, then
    the oldest: a run that fails each time, or takes all the time there is, blocks no other."""
    waiting = [run for run in _recorded(client) if mark(uri) not in run.data.tags]
    return sorted(waiting, key=lambda run: (_tries(run, uri), _age(run)))


def _recorded(client: "MlflowClient") -> list["Run"]:
    experiments = [e.experiment_id for e in client.search_experiments()]
    return _search(client, experiments, f"tags.`{RECORDED}` = 'true'") if experiments else []


def _age(run: "Run") -> tuple[int, str]:
    return run.info.start_time, run.info.run_id


def _tries(run: "Run", uri: str) -> int:
    return int(run.data.tags.get(f"{mark(uri)}.tries", 0))


def _leads(run: "Run") -> bool:
    return run.data.tags.get(registry.IS_CHAMPION_RUN) == "true"


def send(
    location: StoreLocation, uri: str, seconds: float, tell: Callable[[Report], None]
) -> Report:
    """Send all that is pending.

    Args:
        place: the local store.
        uri: the server.
        seconds: after which no further run is begun; also how long to wait for another sender.
        tell: is given the report after each run.

    Returns:
        The report. A run that the server refuses stays pending, and the pass goes on; a server that
        is gone or refuses all ends it, and what follows counts as failed.
    """
    from mlflow import MlflowClient

    end = time.monotonic() + seconds
    report = Report()
    local = open_local(location)
    report.failed = len(pending(local, uri))
    tell(report)
    try:
        with locked(location.folder / "mirror.lock", seconds):
            remote = MlflowClient(tracking_uri=uri, registry_uri=uri)
            there = [run for run in _recorded(local) if mark(uri) in run.data.tags]
            led = max((_age(run) for run in there if _leads(run)), default=(0, ""))
            for run in pending(local, uri):
                if time.monotonic() >= end:
                    break
                # Before it is sent: the process may be killed at it.
                local.set_tag(run.info.run_id, f"{mark(uri)}.tries", str(_tries(run, uri) + 1))
                try:
                    # Sent after a later champion, it does not take the alias back from that.
                    fresh = Replay(
                        local, remote, location, run, is_champion_run=_age(run) > led
                    ).run()
                except Exception as error:
                    if not refuses_one(error, uri):
                        raise
                    report.error = report.error or explain(error, uri, run.data.tags[STAGE])
                    tell(report)
                    continue
                local.set_tag(run.info.run_id, mark(uri), "true")
                led = max(led, _age(run)) if _leads(run) else led
                report.sent, report.skipped = report.sent + fresh, report.skipped + (not fresh)
                report.failed = max(0, report.failed - 1)
                tell(report)
            report.failed = len(pending(local, uri))
            if not report.failed:
                registry.align(local, remote, mark(uri))
    except Exception as error:
        report.error = error
        report.failed = max(1, len(pending(local, uri)))
    return report


class Replay:
    """One run of a stage and its children, from the local store to a server.

    Args:
        leads: whether its champion may become that of the server.
    """

    def __init__(
        self,
        local: "MlflowClient",
        remote: "MlflowClient",
        location: StoreLocation,
        run: "Run",
        is_champion_run: bool,
    ):
        self.local, self.remote, self.location, self.source = local, remote, location, run
        self.is_champion_run = is_champion_run
        self.key = run.data.tags[KEY]

    def run(self) -> bool:
        """Send it; return False when it was there already, complete."""
        name = self.local.get_experiment(self.source.info.experiment_id).name
        self.experiment = _experiment(self.remote, name)
        there = self._find_copy()
        fresh = there is None or COMPLETE not in there.data.tags
        if fresh:
            there = self._copy(self.source, there, {})
            self._children(there)
            self._artifacts(there)
            self._inputs(self.source, there)
            info = self.source.info
            self.remote.set_terminated(there.info.run_id, info.status, info.end_time)
            self._find_copy()
            self.remote.set_tag(there.info.run_id, COMPLETE, "true")
        tags = self.source.data.tags
        if tags.get(registry.SHA):
            tags = tags if self.is_champion_run else tags | {registry.IS_CHAMPION_RUN: "false"}
            registry.publish(self.remote, there.info.run_id, tags)
        return fresh

    def _find_copy(self) -> "Run | None":
        """Find the copy; of several (two senders at once, an answer that was lost) one stays."""
        found = _search(self.remote, [self.experiment], f"tags.`{KEY}` = '{self.key}'")
        return self._deduplicate(found)

    def _deduplicate(self, found: list["Run"]) -> "Run | None":
        if not found:
            return None
        found = sorted(found, key=lambda r: (COMPLETE not in r.data.tags, r.info.run_id))
        for extra in found[1:]:
            for child in self._children_of(extra.info.run_id):
                self.remote.delete_run(child.info.run_id)
            self.remote.delete_run(extra.info.run_id)
        return found[0]

    def _children_of(self, run_id: str) -> list["Run"]:
        return _search(self.remote, [self.experiment], f"tags.`{PARENT}` = '{run_id}'")

    def _children(self, there: "Run") -> None:
        of_it = f"tags.`{PARENT}` = '{self.source.info.run_id}'"
        sources = _search(self.local, [self.source.info.experiment_id], of_it)
        copies: dict[str, list[Run]] = {}
        for copy in self._children_of(there.info.run_id):
            copies.setdefault(copy.data.tags.get(KEY, ""), []).append(copy)
        for source in sorted(sources, key=lambda run: run.data.tags[KEY]):
            copy = self._deduplicate(copies.get(source.data.tags[KEY], []))
            if copy is None or copy.info.status != "FINISHED":
                copy = self._copy(source, copy, {PARENT: there.info.run_id})
                self._inputs(source, copy)
                # The status comes last: a child that has it is whole.
                self.remote.set_terminated(
                    copy.info.run_id, source.info.status, source.info.end_time
                )

    def _copy(self, source: "Run", there: "Run | None", changed: dict[str, str]) -> "Run":
        """Make the run unless it is there, and write its parameters, metrics and tags."""
        from mlflow.entities import Param, RunTag

        tags = {n: v for n, v in source.data.tags.items() if not n.startswith((RECORDED, SENT))}
        tags = {n: v[:LONGEST_TAG] for n, v in (tags | changed).items()}
        if there is None:
            first = {n: tags[n] for n in (KEY, STAGE, PARENT) if n in tags}
            there = self.remote.create_run(
                self.experiment, source.info.start_time, first, source.info.run_name
            )
        run_id = there.info.run_id
        params = [Param(n, v[:LONGEST_PARAM]) for n, v in source.data.params.items()]
        notes = [RunTag(n, v) for n, v in tags.items()]
        metrics = [
            metric
            for name in source.data.metrics
            for metric in self.local.get_metric_history(source.info.run_id, name)
        ]
        metrics = [_plain_metric(metric) for metric in metrics]
        for some in range(0, max(len(params), len(notes), 1), PARAMS):
            part = slice(some, some + PARAMS)
            now = metrics[:METRICS] if some == 0 else []
            self.remote.log_batch(run_id, now, params[part], notes[part])
        for some in range(METRICS, len(metrics), METRICS):
            self.remote.log_batch(run_id, metrics[some : some + METRICS])
        return there

    def _inputs(self, source: "Run", there: "Run") -> None:
        if source.inputs and source.inputs.dataset_inputs:
            self.remote.log_inputs(there.info.run_id, source.inputs.dataset_inputs)

    def _artifacts(self, there: "Run") -> None:
        folder = self.location.artifacts / self.source.info.run_id / "artifacts"
        if folder.is_dir() and any(Path(folder).iterdir()):
            self.remote.log_artifacts(there.info.run_id, str(folder))


def _plain_metric(metric: Any) -> Any:
    from mlflow.entities import Metric

    # Without the names of the data set and the model, whose ids are those of the local store.
    return Metric(metric.key, metric.value, metric.timestamp, metric.step)


def _experiment(client: "MlflowClient", name: str) -> str:
    from mlflow import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name)
        except MlflowException:  # another sender made it in between
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id


def _search(client: "MlflowClient", experiments: list[str], query: str) -> list["Run"]:
    found, token = [], None
    while True:
        page = client.search_runs(experiments, query, max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return found

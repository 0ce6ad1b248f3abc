"""The copy of one run, with its child runs and files, from the local store to a server.

The call that creates a run on the server sets its key, and the last call sets the tag COMPLETE. A
run that lacks this tag is found by its key and written again. The values are the same, so writing
them twice does no harm.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.tracking import registry
from creditrisk.tracking.local_runs import COMPLETE, KEY, PARENT, RECORDED, SENT, STAGE
from creditrisk.tracking.store import StoreLocation

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

# MLflow's limits per call: 100 parameters, 100 tags, 1000 metrics, 1000 of all together.
PARAMS, METRICS = 100, 800
LONGEST_PARAM, LONGEST_TAG = 500, 5000  # characters; accepted by every server of this major version


class Replay:
    """The upload of one run and its child runs from the local store to a server.

    Args:
        local: client of the local store.
        remote: client of the server.
        location: the local store.
        run: the run in the local store.
        is_champion_run: whether its champion may become the server's champion.
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
        """Upload the run; return False if it was already complete on the server."""
        name = self.local.get_experiment(self.source.info.experiment_id).name
        self.experiment = find_experiment(self.remote, name)
        copy = self._find_copy()
        is_new = copy is None or COMPLETE not in copy.data.tags
        if copy is None or is_new:
            copy = self._copy_run(self.source, copy, {})
            self._copy_children(copy)
            self._upload_artifacts(copy)
            self._log_inputs(self.source, copy)
            info = self.source.info
            self.remote.set_terminated(copy.info.run_id, info.status, info.end_time)
            self._find_copy()
            self.remote.set_tag(copy.info.run_id, COMPLETE, "true")
        tags = self.source.data.tags
        if tags.get(registry.SHA):
            tags = tags if self.is_champion_run else tags | {registry.IS_CHAMPION_RUN: "false"}
            registry.publish(self.remote, copy.info.run_id, tags)
        return is_new

    def _find_copy(self) -> "Run | None":
        """Find the run's copy on the server and delete duplicates of it.

        There are duplicates if two processes uploaded it at the same time, or an answer was lost.
        """
        found = search(self.remote, [self.experiment], f"tags.`{KEY}` = '{self.key}'")
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
        return search(self.remote, [self.experiment], f"tags.`{PARENT}` = '{run_id}'")

    def _copy_children(self, parent: "Run") -> None:
        query = f"tags.`{PARENT}` = '{self.source.info.run_id}'"
        sources = search(self.local, [self.source.info.experiment_id], query)
        copies: dict[str, list[Run]] = {}
        for copy in self._children_of(parent.info.run_id):
            copies.setdefault(copy.data.tags.get(KEY, ""), []).append(copy)
        for source in sorted(sources, key=lambda run: run.data.tags[KEY]):
            found = self._deduplicate(copies.get(source.data.tags[KEY], []))
            if found is None or found.info.status != "FINISHED":
                copy = self._copy_run(source, found, {PARENT: parent.info.run_id})
                self._log_inputs(source, copy)
                # The status is set last: a child run that has it is complete.
                self.remote.set_terminated(
                    copy.info.run_id, source.info.status, source.info.end_time
                )

    def _copy_run(self, source: "Run", copy: "Run | None", changed: dict[str, str]) -> "Run":
        """Create the copy if there is none, and write its parameters, metrics and tags."""
        from mlflow.entities import Param, RunTag

        tags = {n: v for n, v in source.data.tags.items() if not n.startswith((RECORDED, SENT))}
        tags = {n: v[:LONGEST_TAG] for n, v in (tags | changed).items()}
        if copy is None:
            first_tags = {n: tags[n] for n in (KEY, STAGE, PARENT) if n in tags}
            copy = self.remote.create_run(
                self.experiment, source.info.start_time, first_tags, source.info.run_name
            )
        run_id = copy.info.run_id
        params = [Param(n, v[:LONGEST_PARAM]) for n, v in source.data.params.items()]
        run_tags = [RunTag(n, v) for n, v in tags.items()]
        metrics = [
            metric
            for name in source.data.metrics
            for metric in self.local.get_metric_history(source.info.run_id, name)
        ]
        metrics = [_without_ids(metric) for metric in metrics]
        for start in range(0, max(len(params), len(run_tags), 1), PARAMS):
            part = slice(start, start + PARAMS)
            first_metrics = metrics[:METRICS] if start == 0 else []
            self.remote.log_batch(run_id, first_metrics, params[part], run_tags[part])
        for start in range(METRICS, len(metrics), METRICS):
            self.remote.log_batch(run_id, metrics[start : start + METRICS])
        return copy

    def _log_inputs(self, source: "Run", copy: "Run") -> None:
        if source.inputs and source.inputs.dataset_inputs:
            self.remote.log_inputs(copy.info.run_id, source.inputs.dataset_inputs)

    def _upload_artifacts(self, copy: "Run") -> None:
        folder = self.location.artifacts / self.source.info.run_id / "artifacts"
        if folder.is_dir() and any(Path(folder).iterdir()):
            self.remote.log_artifacts(copy.info.run_id, str(folder))


def _without_ids(metric: Any) -> Any:
    from mlflow.entities import Metric

    # A metric also names a data set and a model, by ids that are valid in the local store only.
    return Metric(metric.key, metric.value, metric.timestamp, metric.step)


def find_experiment(client: "MlflowClient", name: str) -> str:
    """Get the id of an experiment on the server; create or restore it if necessary."""
    from mlflow import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name)
        except MlflowException:  # another process has just created it
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return found.experiment_id


def search(client: "MlflowClient", experiments: list[str], query: str) -> list["Run"]:
    """List all runs of some experiments that match a query, page by page."""
    found: list[Run] = []
    token = None
    while True:
        page = client.search_runs(experiments, query, max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return found

"""Write a stage's run into the local store, completely or not at all."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from creditrisk.tracking import local_runs, registry
from creditrisk.tracking.figures import figures
from creditrisk.tracking.local_runs import KEY, LOCK_SECONDS, PARENT, RECORDED, STAGE
from creditrisk.tracking.run_data import RunData
from creditrisk.tracking.store import StoreLocation

if TYPE_CHECKING:
    from mlflow import MlflowClient


def write(location: StoreLocation, client: "MlflowClient", run_data: RunData) -> None:
    """Record a run, unless it is recorded already, and register its champion.

    The caller holds `recording_lock`: two queued experiments may do the same work at the same
    time. Then one records it, and the other finds it recorded.

    Args:
        location: the local store.
        client: client of the local store.
        run_data: the run.

    Raises:
        RuntimeError: autolog did not record every candidate.
        TimeoutError: another process held the lock of the store for too long.
    """
    experiment = local_runs.experiment_id(client, location, run_data.experiment)
    if not local_runs.is_recorded(location, run_data.key):
        _write(location, client, experiment, run_data)
    if run_data.champion:
        runs = client.search_runs([experiment], f"tags.`{KEY}` = '{run_data.key}'")
        # The run may be an older one that was not a champion run then, so its tags are updated.
        tags = runs[0].data.tags | registry.tags(run_data.champion)
        with local_runs.store_lock(location):
            registry.choose(client, runs[0].info.run_id, tags, run_data.ended)


def recording_lock(location: StoreLocation) -> FileLock:
    """The lock that a process holds while it records a run."""
    return FileLock(location.folder / "recording.lock", timeout=LOCK_SECONDS)


def _write(
    location: StoreLocation, client: "MlflowClient", experiment: str, run_data: RunData
) -> None:
    from mlflow.entities import Metric, Param
    from mlflow.tracking.context import registry as contexts

    for partial in client.search_runs([experiment], f"tags.`{KEY}` = '{run_data.key}'"):
        # Left by a process that was killed. It was never uploaded, because it lacks RECORDED.
        query = f"tags.`{PARENT}` = '{partial.info.run_id}'"
        for run in [*client.search_runs([experiment], query), partial]:
            client.delete_run(run.info.run_id)
    tags = contexts.resolve_tags() | {"mlflow.source.name": run_data.stage}
    if run_data.search:
        tags["mlflow.autologging"] = "sklearn"
    if "git.commit" in run_data.tags:  # the run may be recorded after later commits
        tags["mlflow.source.git.commit"] = run_data.tags["git.commit"]
    tags |= {KEY: run_data.key, STAGE: run_data.stage} | run_data.tags
    tags |= registry.tags(run_data.champion) if run_data.champion else {}
    run_id = client.create_run(experiment, run_data.started, tags, run_data.stage).info.run_id
    if run_data.search:
        from creditrisk.tracking.autolog import name_children, record_search

        record_search(run_id, run_data.search, run_data.stage)
        client.log_text(run_id, run_data.search.diagram, "estimator.html")
        count = name_children(client, experiment, run_id, run_data.key)
        expected = len(run_data.search.results["params"])
        if count != expected:
            raise RuntimeError(f"autolog recorded {count} of {expected} candidates")
    client.log_batch(
        run_id,
        metrics=[
            Metric(name, value, run_data.ended, 0) for name, value in run_data.metrics.items()
        ],
        params=[Param(name, value) for name, value in run_data.params.items()],
    )
    for folder, paths in run_data.files.items():
        for path in paths:
            client.log_artifact(run_id, str(path), folder)
    if run_data.predictions is not None:
        for name, figure in figures(run_data.predictions, run_data.stage).items():
            client.log_figure(run_id, figure, f"figures/{name}.png")
    if run_data.champion:
        with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
            registry.save(run_data.champion, Path(folder, registry.FOLDER))
            client.log_artifacts(run_id, folder)
    client.set_terminated(run_id, "FINISHED", run_data.ended)
    client.set_tag(run_id, RECORDED, "true")

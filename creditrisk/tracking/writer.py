"""Write a stage's run into the local store: whole, or not at all."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.tracking import local_runs as local
from creditrisk.tracking import registry
from creditrisk.tracking.figures import figures
from creditrisk.tracking.local_runs import KEY, PARENT, RECORDED, STAGE
from creditrisk.tracking.lock import locked
from creditrisk.tracking.run_data import Entry
from creditrisk.tracking.store import Place

if TYPE_CHECKING:
    from mlflow import MlflowClient


def write(place: Place, client: "MlflowClient", entry: Entry) -> None:
    """Record a run, unless it is there; then make its champion that of the local registry.

    Raises
    ------
    RuntimeError : autolog left out a candidate.
    TimeoutError : another process wrote all the time.
    """
    experiment = local.experiment_id(client, place, entry.experiment)
    # Two queued experiments may do the same work at once: one writes, the other finds it there.
    with locked(place.folder / "recording.lock"):
        if not local.is_recorded(place, entry.key):
            _write(place, client, experiment, entry)
    if entry.champion and not registry.is_champion(place, entry.champion.sha256):
        runs = client.search_runs([experiment], f"tags.`{KEY}` = '{entry.key}'")
        # The run may be an older one that did not lead then.
        tags = runs[0].data.tags | registry.tags(entry.champion)
        with locked(place.folder / "store.lock"):
            registry.publish(client, runs[0].info.run_id, tags)


def _write(place: Place, client: "MlflowClient", experiment: str, entry: Entry) -> None:
    from mlflow.entities import Metric, Param
    from mlflow.tracking.context import registry as contexts

    for half in client.search_runs([experiment], f"tags.`{KEY}` = '{entry.key}'"):
        # Of a process that was killed. Nothing of it has gone anywhere.
        of_it = f"tags.`{PARENT}` = '{half.info.run_id}'"
        for run in [*client.search_runs([experiment], of_it), half]:
            client.delete_run(run.info.run_id)
    tags = contexts.resolve_tags() | {"mlflow.source.name": entry.stage}
    if entry.search:
        tags["mlflow.autologging"] = "sklearn"
    tags |= {KEY: entry.key, STAGE: entry.stage} | entry.tags
    tags |= registry.tags(entry.champion) if entry.champion else {}
    run_id = client.create_run(experiment, entry.started, tags, entry.stage).info.run_id
    if entry.search:
        from creditrisk.tracking.autolog import name_children, record_search

        record_search(run_id, entry.search, entry.stage)
        client.log_text(run_id, entry.search.diagram, "estimator.html")
        count = name_children(client, experiment, run_id, entry.key)
        wanted = len(entry.search.results["params"])
        if count != wanted:
            raise RuntimeError(f"autolog recorded {count} of {wanted} candidates")
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, entry.ended, 0) for name, value in entry.metrics.items()],
        params=[Param(name, value) for name, value in entry.params.items()],
    )
    for folder, paths in entry.files.items():
        for path in paths:
            client.log_artifact(run_id, str(path), folder)
    if entry.predictions is not None:
        for name, figure in figures(entry.predictions, entry.stage).items():
            client.log_figure(run_id, figure, f"figures/{name}.png")
    if entry.champion:
        with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
            registry.save(entry.champion, Path(folder, registry.FOLDER))
            client.log_artifacts(run_id, folder)
    client.set_terminated(run_id, "FINISHED", entry.ended)
    client.set_tag(run_id, RECORDED, "true")

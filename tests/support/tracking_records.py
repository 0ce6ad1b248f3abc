"""What a tracking store holds, in a form that two stores can be compared by."""

import hashlib
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import ViewType

from creditrisk.tracking.local_runs import COMPLETE, KEY, PARENT, RECORDED, SENT
from creditrisk.tracking.store import StoreLocation

OURS = (SENT, RECORDED, COMPLETE, PARENT)


def local_client(project: Path) -> MlflowClient:
    return MlflowClient(
        tracking_uri=(uri := StoreLocation(project / ".dvc/mlflow").uri), registry_uri=uri
    )


def client_of(uri: str) -> MlflowClient:
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def all_runs(client: MlflowClient) -> list[Any]:
    found = client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    return list(client.search_runs([e.experiment_id for e in found], max_results=5000))


def records(client: MlflowClient, scratch: Path) -> dict[str, dict[str, Any]]:
    """Tell all of each run that is not an id of its store, by key; no key stands twice."""
    runs = all_runs(client)
    keys = {run.info.run_id: run.data.tags[KEY] for run in runs}
    assert len(set(keys.values())) == len(runs), "a run is there twice"
    return {keys[run.info.run_id]: _record(client, run, keys, scratch) for run in runs}


def _record(client: MlflowClient, run: Any, keys: dict[str, str], scratch: Path) -> dict[str, Any]:
    run_id = run.info.run_id
    tags = {n: v for n, v in run.data.tags.items() if not n.startswith(OURS)}
    parent = run.data.tags.get(PARENT)
    return {
        "experiment": client.get_experiment(run.info.experiment_id).name,
        "name": run.info.run_name,
        "status": run.info.status,
        "start": run.info.start_time,
        "end": run.info.end_time,
        "params": run.data.params,
        "metrics": {
            name: sorted(
                (m.step, m.timestamp, m.value) for m in client.get_metric_history(run_id, name)
            )
            for name in run.data.metrics
        },
        "tags": tags,
        "parent": keys[parent] if parent else None,
        "inputs": sorted(
            (i.dataset.name, i.dataset.digest, i.dataset.source, i.dataset.schema,
             i.dataset.profile, sorted((t.key, t.value) for t in i.tags))
            for i in run.inputs.dataset_inputs
        ),
        "files": _files(client, run_id, scratch / run_id),
    }  # fmt: skip


def _files(client: MlflowClient, run_id: str, folder: Path) -> dict[str, str]:
    if not client.list_artifacts(run_id):
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    here = Path(client.download_artifacts(run_id, "", str(folder)))
    return {
        p.relative_to(here).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(here.rglob("*"))
        if p.is_file()
    }

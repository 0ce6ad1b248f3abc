"""The champion in MLflow's model registry: `credit-risk`, aliases `champion` and `previous`."""

import contextlib
import sqlite3
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

from creditrisk.core.environment import LIBRARIES, requirement
from creditrisk.tracking.fingerprint import flatten
from creditrisk.tracking.run_data import Champion
from creditrisk.tracking.store import StoreLocation

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME, CHAMPION, PREVIOUS = "credit-risk", "champion", "previous"
SHA, IS_CHAMPION_RUN = "creditrisk.model_sha256", "creditrisk.leads"
FOLDER = "mlflow_model"  # among the artifacts of the run


def tags(champion: Champion) -> dict[str, str]:
    """Describe a version of the registry: algorithm, hyperparameters, cut-off and metrics."""
    description = champion.description
    found = {SHA: champion.sha256, IS_CHAMPION_RUN: str(champion.is_champion_run).lower()}
    found |= {"model.algorithm": str(description["algorithm"])}
    for name in ("calibration", "threshold", "training_rows", "data_sha256"):
        found[f"model.{name}"] = str(description[name])
    for name, value in description["params"].items():
        found[f"model.params.{name}"] = str(value)
    for name, value in flatten(description["metrics"]).items():
        found[f"metric.{name}"] = repr(value)
    return found


def save(champion: Champion, folder: Path) -> None:
    """Write the champion as an MLflow model, with signature and input example."""
    import mlflow.sklearn
    from mlflow.models import infer_signature

    fitted = joblib.load(champion.model)
    rows = champion.rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signature = infer_signature(rows, fitted.predict_proba(rows))
        mlflow.sklearn.save_model(
            fitted,
            str(folder),
            serialization_format="cloudpickle",
            signature=signature,
            input_example=rows,
            pyfunc_predict_fn="predict_proba",
            pip_requirements=[found for library in LIBRARIES if (found := requirement(library))],
        )


def publish(client: "MlflowClient", run_id: str, tags: Mapping[str, str]) -> None:
    """Register the run's model as a version, and set the alias if it is a champion run.

    A model file that has a version gets no second one. Each step first checks what exists, so that
    it can be repeated after a crash.

    Args:
        client: client of the store.
        run_id: id of the run that has the model among its artifacts.
        tags: the run's tags, those of `tags` included.
    """
    version = _version_of(client, tags[SHA])
    if version is None:
        _create_model(client)
        kept = {name: value for name, value in tags.items() if name.startswith(_VERSION_TAGS)}
        created = client.create_model_version(
            NAME, f"runs:/{run_id}/{FOLDER}", run_id, tags=kept | {SHA: tags[SHA]}
        )
        version = str(created.version)
    if tags[IS_CHAMPION_RUN] == "true":
        _set_champion(client, version)


def _create_model(client: "MlflowClient") -> None:
    from mlflow import MlflowException

    try:
        client.create_registered_model(NAME)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


_VERSION_TAGS = ("model.", "metric.", "git.", "dvc.", "data.", "version.", "creditrisk.key")


def _versions(client: "MlflowClient") -> list[Any]:
    return list(client.search_model_versions(f"name = '{NAME}'", max_results=1000))


def _version_of(client: "MlflowClient", sha256: str) -> str | None:
    """Find the first version of this model file."""
    found = [int(v.version) for v in _versions(client) if v.tags.get(SHA) == sha256]
    return str(min(found)) if found else None


def _alias(client: "MlflowClient", alias: str) -> Any:
    from mlflow import MlflowException

    try:
        return client.get_model_version_by_alias(NAME, alias)
    except MlflowException as error:
        if error.error_code not in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            raise
        return None


def _set_champion(client: "MlflowClient", version: str) -> None:
    current = _alias(client, CHAMPION)
    if current is not None and str(current.version) == version:
        return
    if current is not None:
        client.set_registered_model_alias(NAME, PREVIOUS, str(current.version))
    client.set_registered_model_alias(NAME, CHAMPION, version)


def champion_sha(client: "MlflowClient") -> str | None:
    """Get the hash of the champion's model file."""
    version = _alias(client, CHAMPION)
    return None if version is None else version.tags.get(SHA)


def align(local: "MlflowClient", remote: "MlflowClient", mark: str) -> None:
    """Set the server's champion to the local one, if that changed without a new run.

    Args:
        local: client of the local store.
        remote: client of the server.
        mark: tag of the local registered model, with the hash of the champion that was last
            compared with this server.
    """
    sha256 = champion_sha(local)
    if sha256 is None or local.get_registered_model(NAME).tags.get(mark) == sha256:
        return
    version = _version_of(remote, sha256)
    if version is not None:
        _set_champion(remote, version)
    local.set_registered_model_tag(NAME, mark, sha256)


def is_champion(location: StoreLocation, sha256: str) -> bool:
    """Return whether this model file is the local champion, without importing MLflow."""
    if not location.database.exists():
        return False
    with contextlib.closing(sqlite3.connect(location.database, timeout=60)) as database:
        rows = database.execute(
            "SELECT 1 FROM registered_model_aliases a JOIN model_version_tags t"
            " ON t.name = a.name AND t.version = a.version"
            " WHERE a.name = ? AND a.alias = ? AND t.key = ? AND t.value = ?",
            (NAME, CHAMPION, SHA, sha256),
        )
        return rows.fetchone() is not None

"""The champion in the model registry: `credit-risk`, aliases `champion` and `previous`."""

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
    """What a version of the registry tells: algorithm, hyperparameters, cut-off, metrics."""
    description = champion.description
    told = {SHA: champion.sha256, IS_CHAMPION_RUN: str(champion.is_champion_run).lower()}
    told |= {"model.algorithm": str(description["algorithm"])}
    for name in ("calibration", "threshold", "training_rows", "data_sha256"):
        told[f"model.{name}"] = str(description[name])
    for name, value in description["params"].items():
        told[f"model.params.{name}"] = str(value)
    for name, value in flatten(description["metrics"]).items():
        told[f"metric.{name}"] = repr(value)
    return told


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
    """Make the run's model a version unless its artifact has one, and the champion if it leads.

    Each step looks first, so that a repeat after a crash at any place changes nothing that is done.
    """
    version = _version_of(client, tags[SHA])
    if version is None:
        _make(client)
        told = {name: value for name, value in tags.items() if name.startswith(_VERSION_TAGS)}
        made = client.create_model_version(
            NAME, f"runs:/{run_id}/{FOLDER}", run_id, tags=told | {SHA: tags[SHA]}
        )
        version = str(made.version)
    if tags[IS_CHAMPION_RUN] == "true":
        _point(client, version)


def _make(client: "MlflowClient") -> None:
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
    """The first version that holds this artifact and is ready."""
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


def _point(client: "MlflowClient", version: str) -> None:
    now = _alias(client, CHAMPION)
    if now is not None and str(now.version) == version:
        return
    if now is not None:
        client.set_registered_model_alias(NAME, PREVIOUS, str(now.version))
    client.set_registered_model_alias(NAME, CHAMPION, version)


def champion_sha(client: "MlflowClient") -> str | None:
    """The hash of the champion's artifact."""
    version = _alias(client, CHAMPION)
    return None if version is None else version.tags.get(SHA)


def align(local: "MlflowClient", remote: "MlflowClient", mark: str) -> None:
    """Let the server's champion be the last one registered here, when that came by no new run.

    Args:
        mark: name of a tag of the local registered model, the champion that the server was last
            told.
    """
    sha256 = champion_sha(local)
    if sha256 is None or local.get_registered_model(NAME).tags.get(mark) == sha256:
        return
    version = _version_of(remote, sha256)
    if version is not None:
        _point(remote, version)
    local.set_registered_model_tag(NAME, mark, sha256)


def is_champion(location: StoreLocation, sha256: str) -> bool:
    """Tell whether this artifact is the local champion, without MLflow."""
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

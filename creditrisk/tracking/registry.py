"""The champion in MLflow's model registry: `credit-risk`, aliases `champion` and `previous`."""

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

from creditrisk.core.environment import LIBRARIES, requirement
from creditrisk.core.files import read_verified
from creditrisk.tracking.fingerprint import flatten
from creditrisk.tracking.local_runs import first_row
from creditrisk.tracking.run_data import Champion, ModelVersion
from creditrisk.tracking.store import StoreLocation

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME, CHAMPION, PREVIOUS = "credit-risk", "champion", "previous"
SHA, IS_CHAMPION_RUN = "creditrisk.model_sha256", "creditrisk.leads"
CHOSEN = "creditrisk.chosen"  # of the local registered model: when its champion was chosen
FOLDER = "mlflow_model"  # among the artifacts of the run


def tags(champion: ModelVersion) -> dict[str, str]:
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


def model_version(champion: Champion) -> ModelVersion:
    """Prepare a champion for the registry, while its hash is the one that select knows.

    Later, when the run is recorded, the model is not loaded again: see `save`.

    Raises:
        InputError: the model file is not the one that select has checked.
    """
    fitted = joblib.load(io.BytesIO(read_verified(champion.model, champion.sha256)))
    return ModelVersion(
        pickled=_self_contained(fitted),
        probabilities=fitted.predict_proba(champion.rows),
        sha256=champion.sha256,
        rows=champion.rows,
        description=champion.description,
        is_champion_run=champion.is_champion_run,
    )


def _self_contained(fitted: Any) -> bytes:
    """Pickle a model with our own classes in it, such as the bins of a scorecard.

    Who loads it from the registry has the libraries, but not this project.
    """
    import cloudpickle

    import creditrisk

    cloudpickle.register_pickle_by_value(creditrisk)
    try:
        return cloudpickle.dumps(fitted)
    finally:
        cloudpickle.unregister_pickle_by_value(creditrisk)


def save(champion: ModelVersion, folder: Path) -> None:
    """Write the champion as an MLflow model, with signature and input example.

    MLflow wants to have the fitted model. It gets another one, whose file is then replaced by the
    bytes of ours: so no model file is loaded here, which would run what is in it.
    """
    import mlflow.sklearn
    from mlflow.models import Model, infer_signature
    from sklearn.dummy import DummyClassifier

    described = Model()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            DummyClassifier(),
            str(folder),
            mlflow_model=described,
            serialization_format="cloudpickle",
            signature=infer_signature(champion.rows, champion.probabilities),
            input_example=champion.rows,
            pyfunc_predict_fn="predict_proba",
            pip_requirements=[found for library in LIBRARIES if (found := requirement(library))],
        )
    file = folder / described.flavors["sklearn"]["pickled_model"]
    described.model_size_bytes += len(champion.pickled) - file.stat().st_size
    file.write_bytes(champion.pickled)
    described.save(str(folder / "MLmodel"))


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


def is_champion(location: StoreLocation, sha256: str, seconds: float = 60) -> bool:
    """Return whether this model file is the local champion, without importing MLflow.

    Raises:
        sqlite3.Error: the database is locked or broken.
    """
    query = (
        "SELECT 1 FROM registered_model_aliases a JOIN model_version_tags t"
        " ON t.name = a.name AND t.version = a.version"
        " WHERE a.name = ? AND a.alias = ? AND t.key = ? AND t.value = ?"
    )
    return first_row(location, query, (NAME, CHAMPION, SHA, sha256), seconds) is not None


def choose(client: "MlflowClient", run_id: str, tags: Mapping[str, str], chosen: int) -> None:
    """Register a run's model in the local store, and set the alias unless a later run did.

    Runs that were kept on disk for a while are recorded out of order.

    Args:
        client: client of the local store.
        run_id: id of the run.
        tags: its tags.
        chosen: when the run chose its champion, in milliseconds since the epoch.
    """
    late = False
    if tags[IS_CHAMPION_RUN] == "true":
        _create_model(client)
        last = int(client.get_registered_model(NAME).tags.get(CHOSEN, 0))
        late = chosen < last
    publish(client, run_id, {**tags, IS_CHAMPION_RUN: "false"} if late else tags)
    if tags[IS_CHAMPION_RUN] == "true" and not late:
        client.set_registered_model_tag(NAME, CHOSEN, str(chosen))

"""The champion in MLflow's model registry: `credit-risk`, aliases `champion` and `previous`.

The registered model takes raw applicants, with the columns of their source file. It consists of the
champion, its description, and the source files of our scoring: who loads it has the public
libraries, but not this project.
"""

import hashlib
import json
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.core.environment import LIBRARIES, requirement
from creditrisk.core.files import read_verified
from creditrisk.tracking.fingerprint import flatten, hash_json
from creditrisk.tracking.local_runs import first_row
from creditrisk.tracking.run_data import Champion, Loader, ModelVersion
from creditrisk.tracking.store import StoreLocation

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

NAME, CHAMPION, PREVIOUS = "credit-risk", "champion", "previous"
SHA, IS_CHAMPION_RUN = "creditrisk.model_sha256", "creditrisk.leads"
# Of all that the registered model consists of: another cut-off is another version.
PACKAGE = "creditrisk.package_sha256"
CHOSEN = "creditrisk.chosen"  # of the local registered model: when its champion was chosen
FOLDER = "mlflow_model"  # among the artifacts of the run
# What our scoring imports, beside the libraries that the model file depends on.
MORE_LIBRARIES = ("joblib", "pydantic", "pyyaml", "scipy", "threadpoolctl")


def tags(champion: ModelVersion) -> dict[str, str]:
    """Describe a version of the registry: algorithm, hyperparameters, cut-off and metrics."""
    description = json.loads(champion.description)
    found = {SHA: champion.sha256, PACKAGE: champion.package_sha256}
    found |= {IS_CHAMPION_RUN: str(champion.is_champion_run).lower()}
    found |= {"model.algorithm": str(description["algorithm"])}
    for name in ("calibration", "threshold", "training_rows", "data_sha256"):
        found[f"model.{name}"] = str(description[name])
    for name, value in description["params"].items():
        found[f"model.params.{name}"] = str(value)
    for name, value in flatten(description["metrics"]).items():
        found[f"metric.{name}"] = repr(value)
    return found


def package_sha256(champion: Champion, loader: Loader | None) -> str:
    """Hash all that the registered model consists of."""
    code = loader.code if loader else {}
    files = {path: hashlib.sha256(content).hexdigest() for path, content in code.items()}
    known = [champion.sha256, champion.description, champion.columns, dict(champion.notation)]
    return hash_json([*known, loader.module if loader else None, files])


def model_version(champion: Champion, loader: Loader | None) -> ModelVersion:
    """Prepare a champion for the registry, while its hash is the one that select knows.

    Neither here nor when the run is recorded the model is loaded, which would run what is in it.

    Raises:
        InputError: the model file is not the one that select has checked.
    """
    if loader is None:
        raise ValueError("a champion without the code that loads it")
    return ModelVersion(
        pickled=read_verified(champion.model, champion.sha256),
        sha256=champion.sha256,
        package_sha256=package_sha256(champion, loader),
        description=champion.description,
        columns=champion.columns,
        notation=champion.notation,
        loader=loader,
        is_champion_run=champion.is_champion_run,
    )


def save(champion: ModelVersion, folder: Path) -> None:
    """Write the champion as an MLflow model: files, the code that loads them, signature."""
    import mlflow.pyfunc

    wanted = (*LIBRARIES, *MORE_LIBRARIES)
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files, code = Path(temporary, "champion"), Path(temporary, "code")
        files.mkdir()
        (files / "champion.joblib").write_bytes(champion.pickled)
        (files / "champion.json").write_text(champion.description, encoding="utf-8")
        (files / "notation.json").write_text(json.dumps(dict(champion.notation)), encoding="utf-8")
        for path, content in champion.loader.code.items():
            (code / path).parent.mkdir(parents=True, exist_ok=True)
            (code / path).write_bytes(content)
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module=champion.loader.module,
            data_path=str(files),
            code_paths=[str(path) for path in sorted(code.iterdir())],
            signature=_signature(champion.columns),
            pip_requirements=[found for library in wanted if (found := requirement(library))],
        )


def _signature(columns: list[str]) -> "ModelSignature":
    """Raw columns, with texts or numbers in them."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    answer = {"pd": DataType.double, "score": DataType.long, "decision": DataType.string}
    return ModelSignature(
        # MLflow drops what it does not know: if it let one of ours be absent, a misspelt name would
        # count as an empty column, which nobody would be told.
        Schema([ColSpec(AnyType(), name) for name in columns]),
        Schema([ColSpec(kind, name, required=False) for name, kind in answer.items()]),
    )


def publish(client: "MlflowClient", run_id: str, tags: Mapping[str, str]) -> None:
    """Register the run's model as a version, and set the alias if it is a champion run.

    A model that has a version gets no second one. Each step first checks what exists, so that it
    can be repeated after a crash.

    Args:
        client: client of the store.
        run_id: id of the run that has the model among its artifacts.
        tags: the run's tags, those of `tags` included.
    """
    version = _version_of(client, _identity(tags))
    if version is None:
        _create_model(client)
        kept = {
            name: value
            for name, value in tags.items()
            if name.startswith(_VERSION_TAGS) or name in (SHA, PACKAGE)
        }
        source = f"runs:/{run_id}/{FOLDER}"
        created = client.create_model_version(NAME, source, run_id, tags=kept)
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


def _identity(tags: Mapping[str, str]) -> str | None:
    """What tells versions apart: the package, or the model file of an older program's run."""
    return tags.get(PACKAGE) or tags.get(SHA)


def _version_of(client: "MlflowClient", identity: str | None) -> str | None:
    """Find the first version of this model."""
    found = [int(v.version) for v in _versions(client) if _identity(v.tags) == identity]
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
    """Get the hash that identifies the champion."""
    version = _alias(client, CHAMPION)
    return None if version is None else _identity(version.tags)


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


def is_champion(location: StoreLocation, package: str, seconds: float = 60) -> bool:
    """Return whether a model is the local champion, without importing MLflow.

    Args:
        location: the local store.
        package: the hash from `package_sha256`.
        seconds: how long to wait for a lock of the database.

    Raises:
        sqlite3.Error: the database is locked or broken.
    """
    query = (
        "SELECT 1 FROM registered_model_aliases a JOIN model_version_tags t"
        " ON t.name = a.name AND t.version = a.version"
        " WHERE a.name = ? AND a.alias = ? AND t.key = ? AND t.value = ?"
    )
    return first_row(location, query, (NAME, CHAMPION, PACKAGE, package), seconds) is not None


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

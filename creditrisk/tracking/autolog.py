"""One grid search under MLflow's autolog: a parent run, a child run for each candidate."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from creditrisk.tracking.local import KEY, PARENT
from creditrisk.tracking.place import Place

# What autolog tells of the search itself; the rest are representations of arrays and pipelines.
SEARCH_PARAMS = ("scoring", "error_score", "refit")


@contextlib.contextmanager
def watched(
    place: Place, run_id: str, settings: list[dict[str, Any]], words: list[dict[str, Any]]
) -> Iterator[None]:
    """Let autolog see the one search that is fitted in this block, and nothing after it.

    Parameters
    ----------
    place : the local store.
    run_id : of the parent run.
    settings : the candidates as parameters of the pipeline.
    words : the same candidates by the names in params.yaml; these are what is recorded.
    """
    import mlflow

    mlflow.set_tracking_uri(place.uri)
    client = mlflow.sklearn.MlflowAutologgingQueueingClient
    mlflow.sklearn.MlflowAutologgingQueueingClient = _worded(client, settings, words)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="mlflow")
            mlflow.sklearn.autolog(
                log_models=False,  # the calibrated model is recorded instead
                log_datasets=True,
                log_post_training_metrics=False,
                max_tuning_runs=len(settings),
                silent=True,
            )
            mlflow.start_run(run_id=run_id)
        try:
            yield
        finally:
            # A run left open would take in what is fitted later. Its end is set when it is whole.
            mlflow.end_run(status="RUNNING")
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)  # takes the patches off again
        mlflow.sklearn.MlflowAutologgingQueueingClient = client


def _worded(base: type, settings: list[dict[str, Any]], words: list[dict[str, Any]]) -> type:
    """Make autolog's client record the parameters that say something.

    Of its own accord it records some 150 parameters a candidate, representations of objects most
    of them, and those of the arrays of the folds for the search.
    """

    class Worded(base):  # type: ignore[misc, valid-type]
        def log_params(self, run_id: Any, params: dict[str, Any]) -> None:
            if "param_grid" in params:
                told = {name: params[name] for name in SEARCH_PARAMS if name in params}
            else:
                place = _find(settings, params)
                # The best one's, of the parent, comes with the stage's own account.
                told = {} if place is None else _plain(words[place])
            super().log_params(run_id, told)

    return Worded


def _find(settings: list[dict[str, Any]], params: dict[str, Any]) -> int | None:
    missing = object()
    for place, setting in enumerate(settings):
        if all(params.get(name, missing) is value for name, value in setting.items()):
            return place
    return None


def _plain(words: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in words.items()}


def name_children(client: Any, experiment: str, run_id: str, key: str) -> int:
    """Give each child run its key and a name, by its parameters; tell how many there are."""
    children = client.search_runs([experiment], f"tags.`{PARENT}` = '{run_id}'", max_results=50_000)
    for child in children:
        words = ", ".join(f"{name}={value}" for name, value in sorted(child.data.params.items()))
        client.set_tag(child.info.run_id, KEY, f"{key}/{words}"[:4000])
        client.set_tag(child.info.run_id, "mlflow.runName", words[:250])
    return len(children)

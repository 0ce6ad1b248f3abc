"""Record a grid search through MLflow's autolog: a parent run with a child run per candidate."""

import warnings
from typing import TYPE_CHECKING, Any

from creditrisk.tracking.local_runs import KEY, PARENT
from creditrisk.tracking.run_data import LONGEST_PARAM, Search

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Autolog records all arguments of GridSearchCV. Only these are readable: the others are the text of
# arrays and pipelines.
SEARCH_PARAMS = ("scoring",)


def enable(uri: str) -> None:
    """Switch autolog on for the rest of this process, which must be the recording process.

    Autolog wraps `GridSearchCV.fit`. That method is first replaced by one which only restores the
    state that the search had after the stage's own fit. So nothing is fitted twice, and the stage
    itself neither imports MLflow nor waits for it.

    Args:
        uri: tracking URI of the local store.
    """
    import mlflow
    import mlflow.sklearn
    from sklearn.model_selection import GridSearchCV

    def restore(self: Any, X: Any, y: Any = None) -> Any:
        vars(self).update(self.fitted)
        return self

    mlflow.set_tracking_uri(uri)
    GridSearchCV.fit = restore
    warnings.filterwarnings("ignore", module="mlflow")
    mlflow.sklearn.autolog(
        log_models=False,  # the calibrated model is recorded instead
        log_datasets=True,
        log_post_training_metrics=False,
        max_tuning_runs=None,  # a child run for every candidate
        silent=True,
    )


def record_search(run_id: str, search: Search, stage: str) -> None:
    """Let autolog record a search under an existing run.

    Args:
        run_id: id of the parent run.
        search: the fitted search.
        stage: the stage that fitted it; the source of the child runs.
    """
    import mlflow
    import mlflow.sklearn
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    searched = GridSearchCV(Pipeline([("model", "passthrough")]), {}, scoring=search.scoring)
    searched.fitted = {"cv_results_": search.results, "best_score_": search.best_score}
    sklearn: Any = mlflow.sklearn  # a lazy module, whose names mypy does not know
    sklearn.MlflowAutologgingQueueingClient = _client_class(
        sklearn.MlflowAutologgingQueueingClient, search, stage
    )
    mlflow.start_run(run_id=run_id)
    try:
        searched.fit(search.rows, search.bad)
    finally:
        mlflow.end_run(status="RUNNING")  # the final status is set when the run is complete


def _client_class(base: Any, search: Search, stage: str) -> type:
    """Make autolog's client log readable parameters only, and the class that was really fitted."""
    names = {*search.results["params"][0], *SEARCH_PARAMS}

    class SearchClient(base):
        def log_params(self, run_id: Any, params: dict[str, Any]) -> None:
            readable = {n: str(v)[:LONGEST_PARAM] for n, v in params.items() if n in names}
            super().log_params(run_id, readable)

        def create_run(self, experiment_id: str, tags: dict[str, Any], **options: Any) -> Any:
            module, _, name = search.estimator.rpartition(".")
            tags = tags | {"estimator_name": name, "estimator_class": f"{module}.{name}"}
            tags |= {"mlflow.source.name": stage}
            return super().create_run(experiment_id=experiment_id, tags=tags, **options)

    return SearchClient


def name_children(client: "MlflowClient", experiment: str, run_id: str, key: str) -> int:
    """Set a key and a name on each child run, made of its parameters; return their number."""
    from mlflow.entities import RunTag

    children = client.search_runs([experiment], f"tags.`{PARENT}` = '{run_id}'", max_results=50_000)
    for child in children:
        label = ", ".join(f"{name}={value}" for name, value in sorted(child.data.params.items()))
        tags = [RunTag(KEY, f"{key}/{label}"[:4000]), RunTag("mlflow.runName", label[:250])]
        client.log_batch(child.info.run_id, tags=tags)
    return len(children)

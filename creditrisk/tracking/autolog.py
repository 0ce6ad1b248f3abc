"""A grid search as MLflow's autolog records it: a parent run, a child run for each candidate."""

import warnings
from typing import TYPE_CHECKING, Any

from creditrisk.tracking.local_runs import KEY, PARENT
from creditrisk.tracking.run_data import LONGEST_PARAM, Search

if TYPE_CHECKING:
    from mlflow import MlflowClient

# What autolog tells of the search itself; the rest are representations of arrays and pipelines.
SEARCH_PARAMS = ("scoring",)


def enable(uri: str) -> None:
    """Switch autolog on, for good: this is for the recorder's own process.

    Its hook is round `fit`, which is replaced before by one that gives a search the state that it
    had after the stage's own fit: so the stage needs no MLflow, and waits for none.

    Args:
        uri: the local store.
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
        max_tuning_runs=None,  # a child for every candidate
        silent=True,
    )


def record_search(run_id: str, search: Search, stage: str) -> None:
    """Let autolog see the search, under the run that is given.

    Args:
        run_id: of the parent run.
        search: what was fitted.
        stage: that fitted it.
    """
    import mlflow
    import mlflow.sklearn
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    searched = GridSearchCV(Pipeline([("model", "passthrough")]), {}, scoring=search.scoring)
    searched.fitted = {"cv_results_": search.results, "best_score_": search.best_score}
    mlflow.sklearn.MlflowAutologgingQueueingClient = _client_class(
        mlflow.sklearn.MlflowAutologgingQueueingClient, search, stage
    )
    mlflow.start_run(run_id=run_id)
    try:
        searched.fit(search.rows, search.bad)
    finally:
        mlflow.end_run(status="RUNNING")  # its end is set when it is whole


def _client_class(base: type, search: Search, stage: str) -> type:
    """Make autolog's client record what says something, and of the search that was really made."""
    names = {*search.results["params"][0], *SEARCH_PARAMS}

    class Worded(base):  # type: ignore[misc, valid-type]
        def log_params(self, run_id: Any, params: dict[str, Any]) -> None:
            told = {n: str(v)[:LONGEST_PARAM] for n, v in params.items() if n in names}
            super().log_params(run_id, told)

        def create_run(self, experiment_id: str, tags: dict[str, Any], **options: Any) -> Any:
            module, _, name = search.estimator.rpartition(".")
            tags = tags | {"estimator_name": name, "estimator_class": f"{module}.{name}"}
            tags |= {"mlflow.source.name": stage}
            return super().create_run(experiment_id=experiment_id, tags=tags, **options)

    return Worded


def name_children(client: "MlflowClient", experiment: str, run_id: str, key: str) -> int:
    """Give each child run its key and a name, by its parameters; tell how many there are."""
    from mlflow.entities import RunTag

    children = client.search_runs([experiment], f"tags.`{PARENT}` = '{run_id}'", max_results=50_000)
    for child in children:
        words = ", ".join(f"{name}={value}" for name, value in sorted(child.data.params.items()))
        tags = [RunTag(KEY, f"{key}/{words}"[:4000]), RunTag("mlflow.runName", words[:250])]
        client.log_batch(child.info.run_id, tags=tags)
    return len(children)

"""The fit on all rows, on the workers of a Dask cluster, by the libraries' own way to do that.

The rows go there in parts, become numbers there, and stay there. The result is the estimator that
a fit on this machine gives.
"""

import logging
import os
import re
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator, clone
from sklearn.utils.class_weight import compute_sample_weight

from creditrisk.core.cluster import LOOK_SECONDS, PATIENCE_SECONDS, VARIABLE, Cluster
from creditrisk.core.errors import InputError
from creditrisk.modeling.registry import estimator_kind
from creditrisk.train.calibrate import for_use
from creditrisk.train.fitted_steps import FittedSteps, fit_steps, part_matrix
from creditrisk.train.fold_fits import Rows

# So many times a fit is begun again when one of its workers was lost.
AGAIN = 2
# So long a worker waits in a library for the others: for one that still has another job, or for one
# that was lost before it could complain.
WAIT_MINUTES = 10.0
LOCK = "creditrisk-final-fit"
# What LightGBM writes about its network into a model, by its own names; and what a fit on this
# machine would write. A model file says nothing of the machines that made it.
LIGHTGBM_LOCAL = {
    "tree_learner": "serial",
    "num_threads": "1",
    "num_machines": "1",
    "local_listen_port": "12400",
    "time_out": "120",
    "machines": "",
}


def fit_on_cluster(
    cluster: Cluster, pipeline: Pipeline, rows: Rows, say: Callable[[str], None]
) -> BaseEstimator:
    """Fit a candidate on all rows, its model on the cluster's workers.

    No other jobs may be on their way there: all parts are trained at the same time.

    Args:
        cluster: where.
        pipeline: unfitted, without resamplers; the model is of a class in `TRAIN`.
        rows: features and outcomes.
        say: called with a line about the progress.

    Returns:
        As `calibrate.fit_for_use`.

    Raises:
        InputError: the cluster was lost, or too many of its workers were.
        Exception: what the library raised.
    """
    steps = fit_steps(pipeline, *rows)
    estimator = pipeline.steps[-1][1]
    for left in reversed(range(AGAIN + 1)):
        try:
            model = _attempt(cluster, estimator, steps, rows, say)
            return for_use(Pipeline([*steps.steps, ("model", model)]))
        except Exception as error:
            if estimator_kind(estimator).startswith("lightgbm."):
                cluster.forget_networks()  # else the next fit there would fail, whoever starts it
            if not isinstance(error, _LostWorker):
                raise
            if not left:
                problem = f"{AGAIN + 1} fits on all rows lost a worker, perhaps for want of memory"
                hint = "Give the workers more memory, or take more of them."
                raise InputError(VARIABLE, cluster.address, problem, hint) from error
            say("a worker was lost: the fit begins again")
            _wait_for_workers(cluster)
    raise AssertionError


class _LostWorker(Exception):
    """A worker that had a part of the rows is not there any more."""


def _attempt(
    cluster: Cluster,
    estimator: BaseEstimator,
    steps: FittedSteps,
    rows: Rows,
    say: Callable[[str], None],
) -> BaseEstimator:
    with cluster.apart() as client:
        workers = sorted(client.nthreads())
        places = parts_of(rows[1], len(workers))
        workers = workers[: len(places)]
        say(f"the fit on all rows, on {len(workers)} workers")

        def fit() -> BaseEstimator:
            from distributed import Lock

            with client.as_current(), Lock(LOCK):
                parts = _Parts(cluster, client, workers, places)
                return TRAIN[estimator_kind(estimator)](estimator, parts, steps, rows)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries, about threads and large graphs
            return _watched(cluster, workers, fit)


def parts_of(bad: np.ndarray, count: int) -> list[np.ndarray]:
    """Divide rows into parts that are alike.

    Each has its share of the bad, and rows from everywhere: LightGBM finds the bins of a column in
    one part, and what is sorted in the file would be sorted in the parts.

    Args:
        bad: outcomes, shape (n,).
        count: number of parts; fewer are made if a class has fewer rows.

    Returns:
        Positions in ascending order, for each part.
    """
    classes = [np.flatnonzero(bad == outcome) for outcome in (0, 1)]
    count = max(1, min(count, *map(len, classes)))
    return [
        np.sort(np.concatenate([one[start::count] for one in classes])) for start in range(count)
    ]


class _Parts:
    """Dask's arrays, with a part on each worker."""

    def __init__(self, cluster: Cluster, client: Any, workers: list[str], places: list[np.ndarray]):
        self.cluster, self.client, self.workers, self.places = cluster, client, workers, places

    def matrix(self, steps: FittedSteps, rows: pd.DataFrame, kind: str) -> Any:
        """Send the rows, and make what the model learns from there; shape (n, d)."""
        parts = (
            (worker, (rows.iloc[where], steps.of(where)))
            for worker, where in zip(self.workers, self.places, strict=True)
        )
        arrays = self.cluster.arrays(self.client, parts, part_matrix, steps.steps, kind)
        return self._joined(arrays, (steps.columns,), kind)

    def column(self, values: np.ndarray) -> Any:
        """Send a value per row; shape (n,)."""
        arrays = [
            self.client.scatter(values[where], workers=[worker], hash=False)
            for worker, where in zip(self.workers, self.places, strict=True)
        ]
        return self._joined(arrays, (), str(values.dtype))

    def _joined(self, arrays: list[Any], width: tuple[int, ...], kind: str) -> Any:
        import dask.array
        from dask import delayed

        blocks = [
            dask.array.from_delayed(delayed(one), (len(where), *width), dtype=kind)
            for one, where in zip(arrays, self.places, strict=True)
        ]
        return dask.array.concatenate(blocks)


def _xgboost(estimator: Any, parts: _Parts, steps: FittedSteps, rows: Rows) -> BaseEstimator:
    from xgboost.collective import Config
    from xgboost.dask import DaskXGBClassifier

    seconds = round(WAIT_MINUTES * 60)
    # Its workers may use their threads, which are no parameter of the model.
    params = estimator.get_params() | {"n_jobs": None}
    trained = DaskXGBClassifier(**params, coll_cfg=Config(timeout=seconds, tracker_timeout=seconds))
    trained.client = parts.client
    # XGBoost computes in single precision; it would halve the numbers itself.
    trained.fit(parts.matrix(steps, rows[0], "float32"), parts.column(rows[1]))
    found = clone(estimator)
    found.n_classes_, found.objective = trained.n_classes_, trained.objective
    found._Booster = trained.get_booster()
    found._Booster.set_param({"n_jobs": found.n_jobs, "nthread": found.n_jobs})
    return found


def _lightgbm(estimator: Any, parts: _Parts, steps: FittedSteps, rows: Rows) -> BaseEstimator:
    from lightgbm import Booster, register_logger
    from lightgbm.dask import DaskLGBMClassifier

    quiet = logging.getLogger("creditrisk.lightgbm")
    quiet.setLevel(logging.CRITICAL)
    register_logger(quiet)  # it would print lines about its ports
    params = estimator.get_params() | {
        "class_weight": None,
        "time_out": max(1, round(WAIT_MINUTES)),
    }
    weights = None
    if estimator.class_weight is not None:  # each worker would take the balance of its own part
        weights = parts.column(compute_sample_weight(estimator.class_weight, rows[1]))
    trained = DaskLGBMClassifier(**params, client=parts.client)
    trained.fit(
        parts.matrix(steps, rows[0], "float64"), parts.column(rows[1]), sample_weight=weights
    )
    found = clone(estimator)
    # What is fitted, not the parameters; LightGBM has it in the order of a set, so another one in
    # each process, which the bytes of a model file would show.
    for name, value in sorted(vars(trained.to_local()).items()):
        if (name.startswith("_") or name.endswith("_")) and name != "_other_params":
            setattr(found, name, value)
    found._class_weight = estimator.class_weight
    found._Booster = Booster(model_str=_without_machines(trained.booster_.model_to_string()))
    return found


def _without_machines(text: str) -> str:
    for name, value in LIGHTGBM_LOCAL.items():
        text = re.sub(rf"^\[{name}: .*\]$", f"[{name}: {value}]", text, count=1, flags=re.MULTILINE)
    return text


TRAIN = {"xgboost.XGBClassifier": _xgboost, "lightgbm.LGBMClassifier": _lightgbm}


def _watched(cluster: Cluster, workers: list[str], fit: Callable[[], Any]) -> Any:
    """Wait for a fit that may wait for ever when a worker is lost.

    Args:
        cluster: where it runs.
        workers: those who have a part.
        fit: runs in a thread, which is left behind if it does not end.

    Raises:
        _LostWorker: one of them is not there any more.
        InputError: the cluster was lost.
        Exception: what the fit raised.
    """
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(fit())
        except BaseException as error:  # whatever it is, somebody waits for it
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while True:
        try:
            return done.result(timeout=LOOK_SECONDS)
        except TimeoutError as error:
            if done.done():
                raise error
        except Exception as error:
            # Its neighbours may complain before the scheduler knows of a lost worker: it asks each.
            cluster.client.run(os.getpid, on_error="return")
            _check(cluster, workers)
            raise error
        _check(cluster, workers)


def _check(cluster: Cluster, workers: list[str]) -> None:
    cluster.look()
    gone = sorted(set(workers) - set(cluster.client.nthreads()))
    if gone:
        raise _LostWorker(f"the worker {gone[0]} was lost in a fit")


def _wait_for_workers(cluster: Cluster) -> None:
    try:
        cluster.client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
    except TimeoutError as error:
        raise cluster.lost(error) from None

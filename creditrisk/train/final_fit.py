"""Where the best candidate is fitted on all rows: on this machine, or on a Dask cluster."""

import os
from collections.abc import Callable

from imblearn.pipeline import Pipeline
from sklearn.base import BaseEstimator

from creditrisk.core.errors import InputError
from creditrisk.core.workers import SCHEDULER, Workers
from creditrisk.modeling.fits import one_candidate, quiet_fits
from creditrisk.modeling.registry import estimator_kind
from creditrisk.train.fold_fits import Rows
from creditrisk.train.params import TrainParams
from creditrisk.train.spec import SearchSpec

# The estimators whose libraries can divide a fit among machines.
DIVIDED = ("xgboost.XGBClassifier", "lightgbm.LGBMClassifier")


def refuse_without_cluster(train: TrainParams) -> None:
    """Refuse a parameter that asks for a cluster where nobody says which.

    Raises:
        InputError: there is no address of a scheduler.
    """
    if train.final_fit == "cluster" and not os.environ.get(SCHEDULER):
        problem = f"cluster needs a Dask scheduler, and {SCHEDULER} is not set"
        hint = f"Set it, as in {SCHEDULER}=tcp://host:8786, or use local."
        raise InputError("params.yaml", "train.final_fit", problem, hint)


def may_be_divided(spec: SearchSpec) -> bool:
    """Tell whether the fit on all rows may go to a cluster, whichever candidate is the best."""
    return spec.train.final_fit == "cluster" and _reason(spec.pipeline()) is None


def fit_on_workers(
    spec: SearchSpec, pool: Workers, pipeline: Pipeline, rows: Rows, say: Callable[[str], None]
) -> BaseEstimator | None:
    """Fit a candidate on all rows on a cluster's workers, if it is to be fitted there.

    Args:
        spec: what was searched.
        pool: the workers; they have no other jobs of this process.
        pipeline: the candidate's, unfitted.
        rows: features and outcomes.
        say: called with each line about the progress.

    Returns:
        As `best_fit.fit_whole`; None if the candidate is to be fitted here.

    Raises:
        FitFailed: the fit failed.
        InputError: the cluster was lost.
    """
    if spec.train.final_fit != "cluster":
        return None
    if reason := _reason(pipeline):
        say(f"the fit on all rows on this machine: {reason}")
        return None
    from creditrisk.core.cluster import Cluster
    from creditrisk.train.cluster_fit import fit_on_cluster

    assert isinstance(pool, Cluster)  # since there is an address
    with quiet_fits(), one_candidate():
        return fit_on_cluster(pool, pipeline, rows, say)


def _reason(pipeline: Pipeline) -> str | None:
    """Say why a candidate is fitted on this machine; None if a cluster can do it."""
    if estimator_kind(pipeline.steps[-1][1]) not in DIVIDED:
        return "its library cannot divide a fit"
    for name, step in pipeline.steps[:-1]:
        if hasattr(step, "fit_resample"):
            return "fit_rows takes a sample" if name == "sample" else "its resampler needs all rows"
    return None

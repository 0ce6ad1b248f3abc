"""Train rows against test rows: how far score, variables and bad rate have moved."""

from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.columns import APPLICATION_DATE, NO_CODE, SPECIAL
from creditrisk.metrics.costs import Sample
from creditrisk.metrics.performance import compute_metrics
from creditrisk.metrics.stability import psi

SCORE = "score (PD)"  # the first line of the table


def rows_from(test: pd.DataFrame, start: str | None) -> np.ndarray:
    """Return the positions of the test rows from the first day on; all of them without a day.

    The test applicants' earlier rows are test rows too, but say nothing about the later period.
    """
    if start is None:
        return np.arange(len(test))
    return np.flatnonzero(test[APPLICATION_DATE] >= pd.Timestamp(start))


def stability_table(
    train: pd.DataFrame, test: pd.DataFrame, features: list[str], oof: Sample, on_test: Sample
) -> pd.DataFrame:
    """Compute the PSI of the PDs and of each variable, from the training to the test rows.

    Args:
        train: the training rows with the features, shape (n, d).
        test: the test rows with the features, shape (m, d).
        features: names of the features; special codes belong to their variable.
        oof: outcomes and out-of-fold PDs of the training rows: those of the fitted model would be
            further apart than any PDs of new applicants.
        on_test: outcomes and PDs of the test rows.

    Returns:
        Columns `variable`, `psi`; the PDs first, then the variables by PSI, highest first.
    """
    found = {
        name: variable_psi(train, test, name) for name in features if not name.startswith(SPECIAL)
    }
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    score = psi(pd.Series(oof.pd), pd.Series(on_test.pd))
    return pd.DataFrame([(SCORE, score), *ranked], columns=["variable", "psi"])


def stability_summary(
    table: pd.DataFrame, cv: dict[str, Any], on_train: Sample, on_test: Sample
) -> dict[str, Any]:
    """Compute the numbers that a person compares.

    Args:
        table: from `stability_table`.
        cv: the champion's mean of each metric over the CV folds.
        on_train: outcomes and PDs of the training rows.
        on_test: outcomes and PDs of the test rows.

    Returns:
        `bad_rate_train`, `bad_rate_test`; `psi_score`; `psi_max` of the variables; `rows_test`,
        how many test rows were compared, and their `auc_test`; `auc_drop`, the AUC in
        cross-validation on the training rows minus that. An AUC is None with one class only.
    """
    both = 0 < on_test.bad.mean() < 1
    auc = compute_metrics(on_test)["roc_auc"] if both else None
    mean = cv.get("roc_auc")
    return {
        "bad_rate_train": float(on_train.bad.mean()),
        "bad_rate_test": float(on_test.bad.mean()),
        "psi_score": float(table["psi"].iloc[0]),
        "psi_max": float(table["psi"].iloc[1:].max()),
        "rows_test": len(on_test.bad),
        "auc_test": auc,
        "auc_drop": None if auc is None or mean is None else mean - auc,
    }


def variable_psi(train: pd.DataFrame, test: pd.DataFrame, name: str) -> float:
    """Compute the PSI of a variable; its special codes, if it has any, are bins of their own."""
    codes = None
    if SPECIAL + name in train:
        old, new = (side[SPECIAL + name] for side in (train, test))
        codes = (old.where(old != NO_CODE), new.where(new != NO_CODE))
    return psi(train[name], test[name], codes)

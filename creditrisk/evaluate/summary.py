"""The few numbers that a person follows from change to change: DVC's metrics.

All other numbers are in metrics/*.json and plots/*.csv, which DVC does not count as metrics, so
that `dvc metrics diff` fits a screen. `dvc metrics show` has a line per file and a column per
number, so there is one short file for each kind of estimate, and all have the same names.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

# Name here to name in the metrics files; the order is that of the files.
MEASURES = {
    "auc": "roc_auc", "gini": "gini", "ks": "ks", "brier": "brier", "cost": "expected_cost",
}  # fmt: skip
# Estimate to the sample of plots/fairness.csv and plots/strategy.csv that has the same rows.
SAMPLES = {"cv": "out_of_fold", "test": "test"}


def summary(
    metrics: Mapping[str, Any],
    selected: Mapping[str, Any],
    fairness: pd.DataFrame | None = None,
    strategy: pd.DataFrame | None = None,
) -> dict[str, dict[str, Any]]:
    """Choose the numbers that a person follows.

    Args:
        metrics: the content of metrics/evaluate.json.
        selected: the content of metrics/select.json.
        fairness: plots/fairness.csv: `sample`, `judged`, `reference`, `approval_ratio`; None if
            no groups are compared.
        strategy: plots/strategy.csv: `sample`, `in_use`, `approval_rate`, `bad_rate_approved`;
            without it the decisions are those of the test rows only.

    Returns:
        `cv`, `nested` (if it was estimated) and `test`, each with `model` (the champion's name),
        those of `MEASURES`, and if they are known `approved` and `referred` (shares of the
        applicants), `bad_approved` (the bad rate among the approved) and `min_ratio` (the lowest
        approval ratio of a group that is judged). Fewer than 36 numbers in all.
    """
    nested = selected.get("nested")
    means = {"cv": metrics["cv"], "nested": nested and nested["mean"], "test": metrics["test"]}
    found: dict[str, dict[str, Any]] = {}
    for name, mean in means.items():
        if mean:
            found[name] = {"model": metrics["algorithm"]} | _measures(mean)
            sample = SAMPLES.get(name)
            if sample is not None:
                found[name] |= _in_use(strategy, sample) | _lowest_ratio(fairness, sample)
    found["test"] |= _decisions(metrics.get("decisions", {}))
    return found


def _measures(mean: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mean[metric] for name, metric in MEASURES.items()}


def _decisions(decisions: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "approved": "approval_rate", "referred": "referral_rate",
        "bad_approved": "bad_rate_accepted",
    }  # fmt: skip
    return {name: decisions[key] for name, key in names.items() if decisions.get(key) is not None}


def _in_use(strategy: pd.DataFrame | None, sample: str) -> dict[str, float]:
    """Return the shares of the approved and the referred, and the bad rate of the approved."""
    if strategy is None:
        return {}
    line = strategy[(strategy["sample"] == sample) & strategy["in_use"].astype(bool)]
    names = {"approved": "approval_rate", "bad_approved": "bad_rate_approved"}
    values = {name: line[column].dropna() for name, column in names.items()}
    values["referred"] = line["referred"] / line["rows"]
    return {name: float(value.iloc[0]) for name, value in values.items() if len(value)}


def _lowest_ratio(fairness: pd.DataFrame | None, sample: str) -> dict[str, float]:
    if fairness is None or "approval_ratio" not in fairness:
        return {}
    judged = fairness[(fairness["sample"] == sample) & fairness["judged"].astype(bool)]
    reference = judged["reference"].astype(bool)
    # A ratio to a group of too few rows is not judged either.
    known = judged["variable"].isin(judged.loc[reference, "variable"])
    ratios = judged.loc[known & ~reference, "approval_ratio"].dropna()
    return {"min_ratio": float(ratios.min())} if len(ratios) else {}

"""How stable the champion is from fold to fold of its cross-validation."""

import numpy as np
import pandas as pd

from creditrisk.metrics.costs import Sample
from creditrisk.metrics.performance import compute_metrics

METRICS = ("roc_auc", "gini", "ks", "brier", "expected_cost")


def fold_table(oof: pd.DataFrame, sample: Sample, threshold: float) -> pd.DataFrame:
    """Measure each fold of each repeat by itself, at the champion's cut-off.

    Args:
        oof: `repeat` and `fold` of the champion's out-of-fold PDs, shape (n, ...).
        sample: outcomes, PDs, costs and referrals of the same rows, in the same order.
        threshold: the cut-off.

    Returns:
        One row per fold: `repeat` and `fold`, both from 1; `rows`, `bad`; `METRICS`;
        `approval_rate`, `bad_rate_approved` (NaN if nobody is approved).
    """
    keys = oof[["repeat", "fold"]].reset_index(drop=True)
    lines = []
    for (repeat, fold), places in keys.groupby(["repeat", "fold"]).indices.items():
        part = sample.take(places)
        found, accepted = compute_metrics(part, threshold), part.accepted(threshold)
        lines.append(
            {"repeat": repeat + 1, "fold": fold + 1}
            | {"rows": len(places), "bad": int(part.bad.sum())}
            | {name: found[name] for name in METRICS}
            | {"approval_rate": float(accepted.mean())}
            | {"bad_rate_approved": part.bad[accepted].mean() if accepted.any() else np.nan}
        )
    return pd.DataFrame(lines)

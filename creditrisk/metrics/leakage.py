"""A warning if an AUC is too good to be true (target leakage) or below 0.5."""

import pandas as pd
from sklearn.metrics import roc_auc_score

LEAK_AUC = 0.99
RANDOM_AUC = 0.5


def leakage_warning(
    auc: float, frame: pd.DataFrame, features: list[str], location: str
) -> str | None:
    """Return a warning if the AUC is suspiciously high (target leakage) or below 0.5.

    Args:
        auc: AUC of a model.
        frame: training rows with `bad` and the features, shape (n, d).
        features: columns that may contain the leak.
        location: whose AUC it is, for the text.

    Returns:
        One line, or None. For a high AUC it names the feature with the highest AUC of its own.
    """
    if auc < RANDOM_AUC:
        return (
            f"WARNING: {location} AUC is {auc:.4f}, worse than random (0.5): what the model has "
            "learned does not apply to other applicants."
        )
    if auc <= LEAK_AUC:
        return None
    alone = {name: single_auc(frame[name], frame["bad"]) for name in features}
    worst = max(alone, key=alone.__getitem__)
    return (
        f"WARNING: {location} AUC is {auc:.4f}. Suspect target leakage: {worst} alone has an AUC "
        f"of {alone[worst]:.4f}. Is its value known before the decision?"
    )


def single_auc(values: pd.Series, bad: pd.Series) -> float:
    """Compute the AUC of a single feature, at least 0.5 because either direction counts.

    Args:
        values: numbers (missing ones count as the median) or levels (ranked by their bad rate; this
            is optimistic, because the same rows give the rates), shape (n,).
        bad: outcome, shape (n,).
    """
    if not pd.api.types.is_numeric_dtype(values):
        values = bad.groupby(values.fillna("")).transform("mean")
    elif values.isna().any():
        values = values.fillna(values.median() if values.notna().any() else 0)
    auc = roc_auc_score(bad, values)
    return float(max(auc, 1 - auc))

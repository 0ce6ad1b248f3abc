"""A suspicion that is worth a loud line: a result too good to be true, or below chance."""

import pandas as pd
from sklearn.metrics import roc_auc_score

LEAK_AUC = 0.99
RANDOM_AUC = 0.5


def leakage_warning(
    auc: float, frame: pd.DataFrame, features: list[str], location: str
) -> str | None:
    """Word a warning where an AUC is a leak until shown otherwise, or worse than a toss.

    Args:
        auc: of a whole model.
        frame: training rows: `bad` and the features.
        features: columns to blame.
        where: whose AUC it is.

    Returns:
        A line, for a leak with the name of the variable which alone ranks best; or None.
    """
    if auc < RANDOM_AUC:
        return (
            f"WARNING: {location} AUC is {auc:.4f}, below that of a coin toss: what the model has "
            "learned does not hold for other applicants."
        )
    if auc <= LEAK_AUC:
        return None
    alone = {name: single_auc(frame[name], frame["bad"]) for name in features}
    worst = max(alone, key=alone.__getitem__)
    return (
        f"WARNING: {location} AUC is {auc:.4f}. That is a leak until shown otherwise: look at "
        f"{worst}, which alone reaches {alone[worst]:.4f}. Is it known before the decision?"
    )


def single_auc(values: pd.Series, bad: pd.Series) -> float:
    """AUC of one variable alone, whichever way it points; levels are ranked by their bad rate."""
    if not pd.api.types.is_numeric_dtype(values):
        values = bad.groupby(values.fillna("")).transform("mean")
    elif values.isna().any():
        values = values.fillna(values.median() if values.notna().any() else 0)
    auc = roc_auc_score(bad, values)
    return float(max(auc, 1 - auc))

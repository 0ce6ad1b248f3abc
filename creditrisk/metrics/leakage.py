"""A warning if an AUC is too good to be true (target leakage) or below 0.5."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

LEAK_AUC = 0.95  # no credit data separate good from bad so well before the decision
RANDOM_AUC = 0.5
TOP_SUSPECTS = 3
FOLDS = 5
PRIOR_ROWS = 10  # rows with the overall bad rate that a level starts with


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
        One line, or None. For a high AUC it names the features with the highest AUC of their own.
    """
    if auc < RANDOM_AUC:
        return (
            f"WARNING: {location} AUC is {auc:.4f}, worse than random (0.5): what the model has "
            "learned does not apply to other applicants."
        )
    if auc <= LEAK_AUC:
        return None
    alone = {name: single_auc(frame[name], frame["bad"]) for name in features}
    first = sorted(alone, key=lambda name: -alone[name])[:TOP_SUSPECTS]
    named = ", ".join(f"{name} {alone[name]:.4f}" for name in first)
    return (
        f"WARNING: {location} AUC is {auc:.4f}. Suspect target leakage. AUC of single variables, "
        f"the highest first: {named}. Are their values known before the decision?"
    )


def single_auc(values: pd.Series, bad: pd.Series) -> float:
    """Compute the AUC of a single feature, at least 0.5 because either direction counts.

    Args:
        values: numbers or levels, shape (n,). Levels are ranked by their bad rate in other rows, so
            that a text that is unique per row ranks nothing. For numbers it is the highest of three
            AUCs: missing ones at the median, and at each end, since that a value is missing may be
            the leak.
        bad: outcome, shape (n,).
    """
    if not pd.api.types.is_numeric_dtype(values):
        ranks = [out_of_fold_rates(values, bad)]
    else:
        numbers = values.to_numpy(dtype="float64")
        known = numbers[~np.isnan(numbers)]
        places = [np.median(known), known.min() - 1, known.max() + 1] if len(known) else [0.0]
        gaps = len(known) < len(numbers)
        ranks = [
            np.where(np.isnan(numbers), place, numbers) for place in places[: 3 if gaps else 1]
        ]
    aucs = [roc_auc_score(bad, rank) for rank in ranks]
    return float(max(max(auc, 1 - auc) for auc in aucs))


def out_of_fold_rates(values: pd.Series, bad: pd.Series) -> np.ndarray:
    """Compute for each row the bad rate of its level in the rows of the other folds.

    Rates are drawn towards the overall bad rate, all the more the fewer rows a level has.

    Args:
        values: levels, a missing one counts as one, shape (n,).
        bad: outcome, both classes, shape (n,).

    Returns:
        Shape (n,).
    """
    codes, outcomes = pd.factorize(values, use_na_sentinel=False)[0], bad.to_numpy(dtype="float64")
    folds = min(FOLDS, int(min(outcomes.sum(), (1 - outcomes).sum())))
    rates = np.full(len(codes), outcomes.mean())
    if folds < 2:
        return rates
    splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
    for others, here in splitter.split(codes, outcomes):
        mean = outcomes[others].mean()
        rows = np.bincount(codes[others], minlength=codes.max() + 1)
        bads = np.bincount(codes[others], weights=outcomes[others], minlength=codes.max() + 1)
        rates[here] = ((bads + PRIOR_ROWS * mean) / (rows + PRIOR_ROWS) - mean)[codes[here]]
    return rates

"""select: rank the candidates, choose the champion, and say what the choice is worth."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.errors import InputError, nearest
from creditrisk.metrics.costs import DecisionParams
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import NAMES, SCORING, measure_folds


def leaderboard(
    accounts: Mapping[str, dict[str, Any]], simplicity: Mapping[str, int], scoring: str
) -> pd.DataFrame:
    """Rank the candidates by their mean CV score; the simpler goes first between equals.

    Parameters
    ----------
    accounts : name to the content of metrics/train/NAME.json.
    simplicity : name to rank, 1 the simplest.
    scoring : scikit-learn's name of the score.

    Returns
    -------
    `rank`, `algorithm`, `score`, `score_se`, `simplicity`, then of each metric mean and standard
    deviation over the folds.
    """
    metric, sign = SCORING[scoring]
    rows = [
        {
            "algorithm": name,
            "score": account["cv"][metric],
            "score_se": account["cv_se"][metric],
            "simplicity": simplicity[name],
            "calibration": account["calibration"],
        }
        | {m: account["cv"][m] for m in NAMES}
        | {f"{m}_std": account["cv_std"][m] for m in NAMES}
        for name, account in accounts.items()
    ]
    board = pd.DataFrame(rows)
    board = board.assign(key=-sign * board["score"]).sort_values(["key", "simplicity"])
    board = board.drop(columns="key").reset_index(drop=True)
    board.insert(0, "rank", np.arange(1, len(board) + 1))
    return board


def choose(
    board: pd.DataFrame, oofs: Mapping[str, pd.DataFrame], model: str, rule: str, scoring: str
) -> str:
    """Choose the champion: the model that is named, or by the rule among all.

    Raises
    ------
    InputError : the model is no candidate.
    """
    names = board["algorithm"].tolist()
    if model != "auto":
        if model not in names:
            what = f"unknown algorithm {model!r}"
            raise InputError("params.yaml", "model", what, nearest(model, ["auto", *names]))
        return model
    best = names[0]
    if rule == "best":
        return best
    by_simplicity = board.sort_values("simplicity")["algorithm"]
    for name in by_simplicity:
        gap = compare(oofs[best], oofs[name], scoring)
        if name == best or gap["difference"] <= gap["se"]:
            return name
    return best


def fold_scores(oof: pd.DataFrame, scoring: str) -> pd.Series:
    """Score each fold of out-of-fold PDs, more is better; indexed by repeat and fold."""
    metric, sign = SCORING[scoring]
    # The cut-off and the costs don't matter to the metrics that a search may use.
    neutral = DecisionParams(cost_bad_accepted=1, cost_good_rejected=1, threshold="theory")
    return sign * measure_folds(oof, 0.5, neutral.costs(oof))[metric]


def fold_account(oof: pd.DataFrame, scoring: str) -> dict[str, Any]:
    """Tell the score of each fold, so that another revision's can be compared fold by fold.

    Returns
    -------
    `scores`, more is better, by repeat and fold; `folds` in a repeat; `rows_sha256`, the hash of
    which row, with which outcome, lies in which fold: what is compared must have the same.
    """
    keys = ["repeat", "fold", "row_id", "bad"]
    rows = oof[keys].astype("int64").sort_values(keys).to_csv(index=False)
    scores = fold_scores(oof, scoring)
    return {
        "scores": scores.tolist(),
        "folds": int(scores.index.get_level_values("fold").nunique()),
        "rows_sha256": hashlib.sha256(rows.encode()).hexdigest(),
    }


def compare(better: pd.DataFrame, worse: pd.DataFrame, scoring: str) -> dict[str, float]:
    """Compare two candidates on the same folds.

    Returns
    -------
    `difference` of the mean scores, its standard error `se` (Nadeau and Bengio 2003), and
    `more_than_luck`: whether it exceeds two of them.
    """
    gaps = fold_scores(better, scoring) - fold_scores(worse, scoring)
    folds = gaps.index.get_level_values("fold").nunique()
    difference, se = float(gaps.mean()), fold_error(gaps.to_numpy(), folds)
    return {"difference": difference, "se": se, "more_than_luck": bool(difference > 2 * se)}

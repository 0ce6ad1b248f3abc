"""Rank the contenders and choose the champion."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd

from creditrisk.core.errors import InputError, nearest
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import NAMES, SCORING, fold_scores
from creditrisk.select.contenders import Contender


def leaderboard(contenders: Iterable[Contender], scoring: str) -> pd.DataFrame:
    """Rank the contenders by their mean CV score; if scores are equal, the simpler is first.

    Args:
        contenders: the trained models.
        scoring: scikit-learn's name of the score.

    Returns:
        `rank`, `algorithm`, `label`, `score`, `score_se`, `simplicity`, `calibration`, `threshold`
        (the cut-off), then the mean and the standard deviation of each metric over the folds.
    """
    metric, sign = SCORING[scoring]
    rows = [
        {
            "algorithm": contender.name,
            "label": contender.label,
            "score": contender.cv.mean[metric],
            "score_se": contender.cv.se[metric],
            "simplicity": contender.simplicity,
            "calibration": contender.summary["calibration"],
            "threshold": contender.cv.threshold,
        }
        | {name: contender.cv.mean[name] for name in NAMES}
        | {f"{name}_std": contender.cv.std[name] for name in NAMES}
        for contender in contenders
    ]
    board = pd.DataFrame(rows)
    board = board.assign(key=-sign * board["score"]).sort_values(["key", "simplicity"])
    board = board.drop(columns="key").reset_index(drop=True)
    board.insert(0, "rank", np.arange(1, len(board) + 1))
    return board


def choose(
    board: pd.DataFrame,
    oofs: Mapping[str, pd.DataFrame],
    model: str,
    rule: str,
    scoring: str,
    ensembles: Collection[str] = (),
) -> str:
    """Choose the champion: the model that is named, or the one that the rule chooses.

    The best of many single models looks better than it is, while an ensemble of them is one model.
    So by the rule `best` the best ensemble is chosen unless a single model is better by more than
    one standard error of the paired difference.

    Args:
        board: the leaderboard, best first.
        oofs: name to out-of-fold PDs: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        model: the parameter `model`: an algorithm, or `auto`.
        rule: the parameter `select.rule`.
        scoring: scikit-learn's name of the score.
        ensembles: which of the models are ensembles.

    Raises:
        InputError: the named model is not on the leaderboard.
    """
    names = board["algorithm"].tolist()
    if model != "auto":
        if model not in names:
            problem = f"unknown algorithm {model!r}"
            raise InputError("params.yaml", "model", problem, nearest(model, ["auto", *names]))
        return model
    best = names[0]
    if rule == "best":
        combined = next((name for name in names if name in ensembles), best)
        if combined == best:
            return best
        gap = compare(oofs[best], oofs[combined], scoring)
        return combined if gap["difference"] <= gap["se"] else best
    by_simplicity = board.sort_values("simplicity")["algorithm"]
    for name in by_simplicity:
        gap = compare(oofs[best], oofs[name], scoring)
        if name == best or gap["difference"] <= gap["se"]:
            return name
    return best


def compare(better: pd.DataFrame, worse: pd.DataFrame, scoring: str) -> dict[str, float]:
    """Compare two models on the same folds.

    Args:
        better: out-of-fold PDs of the model with the better mean score.
        worse: out-of-fold PDs of the other model.
        scoring: scikit-learn's name of the score.

    Returns:
        `difference` of the mean scores, its standard error `se` (Nadeau and Bengio 2003), and
        `more_than_luck`: whether the difference is more than two standard errors.
    """
    gaps = fold_scores(better, scoring) - fold_scores(worse, scoring)
    folds = gaps.index.get_level_values("fold").nunique()
    difference, se = float(gaps.mean()), fold_error(gaps.to_numpy(), folds)
    return {"difference": difference, "se": se, "more_than_luck": bool(difference > 2 * se)}

"""The content of metrics/select.json."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.reference import Promise
from creditrisk.metrics.performance import fold_scores
from creditrisk.select.contenders import Contender, ensembles_of, simplicity_of
from creditrisk.select.leaderboard import compare
from creditrisk.select.nested import nested_estimate, optimism
from creditrisk.select.terms import Terms

# What a review compares fold by fold, beside the score that decides.
COMPARED = ("roc_auc", "brier", "expected_cost")


def summarise_choice(
    board: pd.DataFrame,
    contenders: Mapping[str, Contender],
    winner: str,
    model: str,
    rule: str,
    scoring: str,
) -> dict[str, Any]:
    """Summarise which model won, by which rule, and by how much.

    Args:
        board: the leaderboard.
        contenders: name to contender.
        winner: the name of the champion.
        model: the parameter `model`: an algorithm, or `auto`.
        rule: the parameter `select.rule`.
        scoring: scikit-learn's name of the score that decides.
    """
    champion = contenders[winner]
    found = {
        "algorithm": winner,
        "model": model,
        "rule": rule,
        "scoring": scoring,
        "cv": champion.cv.mean,
        "cv_se": champion.cv.se,
        "threshold": champion.cv.threshold,
        "cv_folds": cv_fold_scores(champion.oof, scoring, champion.cv.by_fold),
        "rows": champion.summary["rows"],
    }
    if len(board) > 1:
        first, second = board["algorithm"].tolist()[:2]
        found["two_best"] = {"first": first, "second": second} | compare(
            contenders[first].oof, contenders[second].oof, scoring
        )
    return found


def estimate_choice(
    contenders: Mapping[str, Contender],
    winner: str,
    model: str,
    rule: str,
    scoring: str,
    terms: Terms,
) -> dict[str, Any]:
    """Estimate the performance of the whole procedure, with the choice if `model` is `auto`.

    Args:
        contenders: name to contender.
        winner: the name of the champion.
        model: the parameter `model`: an algorithm, or `auto`.
        rule: the parameter `select.rule`.
        scoring: scikit-learn's name of the score that decides.
        terms: costs and referrals of the training rows.

    Returns:
        `nested`, from `nested_estimate`, and `optimism`, from `optimism`.
    """
    names = list(contenders) if model == "auto" else [winner]
    nested = nested_estimate(
        {name: contenders[name].nested for name in names},
        terms,
        scoring,
        rule,
        simplicity_of(contenders.values()),
        ensembles_of(contenders.values()),
    )
    return {"nested": nested, "optimism": optimism(contenders[winner].cv.mean, nested["mean"])}


def promised_performance(metrics: Mapping[str, Any]) -> Promise:
    """Take the performance in use from the metrics of select: nested, where that was estimated.

    Args:
        metrics: the content of metrics/select.json.
    """
    nested = metrics.get("nested")
    mean, se = (nested["mean"], nested["se"]) if nested else (metrics["cv"], metrics["cv_se"])
    return Promise(
        source="nested" if nested else "cv",
        roc_auc=mean["roc_auc"], roc_auc_se=se.get("roc_auc"),
        brier=mean["brier"], brier_se=se.get("brier"),
    )  # fmt: skip


def cv_fold_scores(
    oof: pd.DataFrame, scoring: str, by_fold: Mapping[str, list[float]] | None = None
) -> dict[str, Any]:
    """Return the score of each fold, so that two revisions can be compared fold by fold.

    Args:
        oof: out-of-fold PDs: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        scoring: scikit-learn's name of the score.
        by_fold: metrics in each fold, by repeat and fold, as `CvMetrics` has them.

    Returns:
        `scores` by repeat and fold, higher is better; `metrics`, those of `COMPARED` in the same
        order, as they are; `folds`, their number per repeat;
        `rows_sha256`, a hash of all rows with their outcomes and folds. Scores can be compared only
        if this hash is the same.
    """
    keys = ["repeat", "fold", "row_id", "bad"]
    rows = oof[keys].astype("int64").sort_values(keys).to_csv(index=False)
    scores = fold_scores(oof, scoring)
    return {
        "scores": scores.tolist(),
        "metrics": {name: by_fold[name] for name in COMPARED if by_fold and name in by_fold},
        "folds": int(scores.index.get_level_values("fold").nunique()),
        "rows_sha256": hashlib.sha256(rows.encode()).hexdigest(),
    }

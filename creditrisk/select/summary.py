"""What select reports: the content of metrics/select.json."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.metrics.costs import DecisionParams
from creditrisk.metrics.performance import fold_scores
from creditrisk.select.contenders import Contender, simplicity_of
from creditrisk.select.leaderboard import compare
from creditrisk.select.nested import nested_estimate, optimism


def summarise_choice(
    board: pd.DataFrame,
    contenders: Mapping[str, Contender],
    winner: str,
    model: str,
    rule: str,
    scoring: str,
) -> dict[str, Any]:
    """Sum up who won, by which rule, and by how much.

    Args:
        board: the leaderboard.
        contenders: name to trained model.
        winner: the champion's name.
        model, rule: the parameters `model` and `select.rule`.
        scoring: scikit-learn's name of the score that the choice goes by.
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
        "cv_folds": cv_fold_scores(champion.oof, scoring),
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
    frame: pd.DataFrame,
    decision: DecisionParams,
) -> dict[str, Any]:
    """Estimate what the whole procedure is worth, the choice included if there is one.

    Args:
        contenders, winner, model, rule, scoring: as for `summarise_choice`.
        frame: the training rows, for their costs.
        decision: costs, and how the cut-off is chosen.

    Returns:
        `nested` of `nested_estimate`, and `optimism` of plain CV against it.
    """
    among = list(contenders) if model == "auto" else [winner]
    nested = nested_estimate(
        {name: contenders[name].nested for name in among},
        frame,
        scoring,
        decision,
        rule,
        simplicity_of(contenders.values()),
    )
    return {"nested": nested, "optimism": optimism(contenders[winner].cv.mean, nested["mean"])}


def cv_fold_scores(oof: pd.DataFrame, scoring: str) -> dict[str, Any]:
    """Note the score of each fold, so that another revision can be compared fold by fold.

    Returns:
        `scores`, more is better, by repeat and fold; `folds` per repeat; `rows_sha256`, the hash
        of which row, with which outcome, lies in which fold: only equal ones can be compared.
    """
    keys = ["repeat", "fold", "row_id", "bad"]
    rows = oof[keys].astype("int64").sort_values(keys).to_csv(index=False)
    scores = fold_scores(oof, scoring)
    return {
        "scores": scores.tolist(),
        "folds": int(scores.index.get_level_values("fold").nunique()),
        "rows_sha256": hashlib.sha256(rows.encode()).hexdigest(),
    }

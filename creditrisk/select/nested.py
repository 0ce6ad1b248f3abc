"""The nested estimate: how well search, calibration and choice do on unseen applicants."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.calibration import slope_and_intercept
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import LOSSES, NAMES, compute_metrics, fold_scores
from creditrisk.select.leaderboard import choose
from creditrisk.select.terms import Terms


def nested_estimate(
    nested: Mapping[str, pd.DataFrame],
    terms: Terms,
    scoring: str,
    rule: str = "best",
    simplicity: Mapping[str, int] | None = None,
    ensembles: Collection[str] = (),
) -> dict[str, Any]:
    """Estimate the performance of the whole procedure on unseen applicants.

    In each outer fold, train searched and calibrated every algorithm on the outer training rows
    only. Here a champion and its cut-off are chosen on those rows, and measured on the outer test
    rows.

    Args:
        nested: name to `TrainedModel.nested`, for each model that can be chosen.
        terms: costs and referrals of the training rows.
        scoring: scikit-learn's name of the score that decides.
        rule: the parameter `select.rule`.
        simplicity: name to simplicity, which decides between equal scores; None if all are equal.
        ensembles: which of the models are ensembles.

    Returns:
        `mean` and `se` of each metric over the outer folds, the algorithm `chosen` in each, and
        `calibration` of the pooled PDs.
    """
    scores, chosen, pooled = [], [], []
    for outer in sorted(next(iter(nested.values()))["outer"].unique()):
        parts = {name: part[part["outer"] == outer] for name, part in nested.items()}
        inner = {name: part[part["role"] == "inner"] for name, part in parts.items()}
        ranks = simplicity or dict.fromkeys(inner, 1)
        best = best_inside(inner, scoring, rule, ranks, ensembles)
        seen, unseen = inner[best], parts[best][parts[best]["role"] == "outer"]
        threshold = terms.cut_off(terms.sample(seen))
        measured = terms.with_band(terms.sample(unseen), threshold)
        scores.append(compute_metrics(measured, threshold))
        chosen.append(best)
        pooled.append(unseen)
    table, rows = pd.DataFrame(scores), pd.concat(pooled)
    return {
        "mean": table.mean().to_dict(),
        "se": {name: fold_error(table[name].to_numpy(), len(table)) for name in table},
        "chosen": chosen,
        "calibration": slope_and_intercept(rows["bad"].to_numpy(), rows["pd"].to_numpy())
        | {"mean_pd": float(rows["pd"].mean()), "bad_rate": float(rows["bad"].mean())},
    }


def best_inside(
    inner: Mapping[str, pd.DataFrame],
    scoring: str,
    rule: str,
    simplicity: Mapping[str, int],
    ensembles: Collection[str] = (),
) -> str:
    """Choose a champion, as `leaderboard` and `choose` do, on the rows of an outer training part.

    Args:
        inner: name to out-of-fold PDs: `repeat`, `fold`, `bad`, `pd`.
        scoring: scikit-learn's name of the score.
        rule: the parameter `select.rule`.
        simplicity: name to simplicity.
        ensembles: which of the models are ensembles.
    """
    rows = [(n, fold_scores(oof, scoring).mean(), simplicity[n]) for n, oof in inner.items()]
    rows.sort(key=lambda row: (-row[1], row[2]))
    board = pd.DataFrame(rows, columns=["algorithm", "score", "simplicity"])
    return choose(board, inner, "auto", rule, scoring, ensembles)


def optimism(cv: Mapping[str, float], nested: Mapping[str, float]) -> dict[str, float]:
    """Return by how much plain CV is better than nested CV, per metric.

    Args:
        cv: means of the metrics over the folds of plain CV.
        nested: means of the metrics over the outer folds.

    Returns:
        Metric to difference; positive if plain CV is too optimistic, for losses too.
    """
    return {
        name: (nested[name] - cv[name]) if name in LOSSES else (cv[name] - nested[name])
        for name in NAMES
    }

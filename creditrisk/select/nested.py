"""What the whole procedure is worth: search, calibration and choice on unseen applicants."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.calibration import slope_and_intercept
from creditrisk.metrics.costs import DecisionParams, Sample, choose_threshold
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import LOSSES, NAMES, compute_metrics, fold_scores
from creditrisk.select.leaderboard import choose


def nested_estimate(
    nested: Mapping[str, pd.DataFrame],
    frame: pd.DataFrame,
    scoring: str,
    decision: DecisionParams,
    rule: str = "best",
    simplicity: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Estimate what the whole procedure reaches on unseen applicants.

    In each outer fold the candidates were searched and calibrated on the outer training rows alone;
    here the best of them there is chosen, with its cut-off, and measured on the outer test rows.

    Args:
        nested: of each candidate that the choice is among.
        frame: the training rows, for their costs.
        scoring: what the choice goes by.
        decision: costs, and how the cut-off is chosen.
        rule, simplicity: how the champion is chosen, as in `choose` and `leaderboard`.

    Returns:
        `mean` and `se` of each metric over the outer folds, the algorithm `chosen` in each, and
        `calibration` of the pooled PDs.
    """
    by_row = frame.set_index("row_id")
    scores, chosen, pooled = [], [], []
    for outer in sorted(next(iter(nested.values()))["outer"].unique()):
        parts = {name: part[part["outer"] == outer] for name, part in nested.items()}
        inner = {name: part[part["role"] == "inner"] for name, part in parts.items()}
        best = best_inside(inner, scoring, rule, simplicity or dict.fromkeys(inner, 1))
        seen, unseen = inner[best], parts[best][parts[best]["role"] == "outer"]
        threshold = choose_threshold(_sample(seen, by_row, decision), decision)
        scores.append(compute_metrics(_sample(unseen, by_row, decision), threshold))
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


def _sample(part: pd.DataFrame, by_row: pd.DataFrame, decision: DecisionParams) -> Sample:
    costs = decision.costs(by_row.loc[part["row_id"]])
    return Sample(part["bad"].to_numpy(), part["pd"].to_numpy(), costs)


def best_inside(
    inner: Mapping[str, pd.DataFrame], scoring: str, rule: str, simplicity: Mapping[str, int]
) -> str:
    """Choose as `leaderboard` and `choose` do, by out-of-fold PDs within an outer training part.

    Args:
        inner: name to `repeat`, `fold`, `bad`, `pd`.
        scoring, rule, simplicity: how the choice is made.
    """
    rows = [(n, fold_scores(oof, scoring).mean(), simplicity[n]) for n, oof in inner.items()]
    rows.sort(key=lambda row: (-row[1], row[2]))
    board = pd.DataFrame(rows, columns=["algorithm", "score", "simplicity"])
    return choose(board, inner, "auto", rule, scoring)


def optimism(cv: Mapping[str, float], nested: Mapping[str, float]) -> dict[str, float]:
    """How much better each metric looks in plain CV than nested; positive is too good."""
    return {
        name: (nested[name] - cv[name]) if name in LOSSES else (cv[name] - nested[name])
        for name in NAMES
    }

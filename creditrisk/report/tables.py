"""The tables of the report and the model card.

Columns have short names; `grids` writes their headers in the language of the report.
"""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.description import ChampionDescription
from creditrisk.metrics.costs import DecisionParams
from creditrisk.metrics.performance import NAMES, SCORING
from creditrisk.report import made
from creditrisk.report.words import Words, load_words
from creditrisk.schema import Schema

_OPERATORS = {"ratio": "/", "product": "\N{MULTIPLICATION SIGN}", "sum": "+", "difference": "-"}
SHOWN = ("roc_auc", "brier", "log_loss", "expected_cost")


def metric(name: str, words: Words) -> str:
    """Return the name of a metric in words."""
    return words(f"metrics.{name}.label")


def scored(scoring: str, words: Words | None = None) -> str:
    """Return the name in words (by default English) of the metric that the search uses."""
    return metric(SCORING[scoring][0], words or load_words())


def variable(name: str, schema: Schema) -> str:
    """Return the name of a variable in words, with its unit."""
    column = schema.features.get(name) or schema.audited.get(name)
    words = " ".join(name.replace("_", " ").split()) or name
    return f"{words} ({', '.join(column.unit)})" if column and column.unit else words


def meaning(name: str, schema: Schema, derived: Mapping[str, Any], words: Words) -> str:
    """Describe a variable: its description and levels, or what it is derived from."""
    if name in derived:
        op, parts = derived[name]["op"], [n.replace("_", " ") for n in derived[name]["of"]]
        return words("importance.derived", formula=f" {_OPERATORS[op]} ".join(parts))
    column = schema.features.get(name)
    if column is None:
        return ""
    levels = "; ".join((column.levels or {}).values())
    return ": ".join(filter(None, (column.description, levels))) or words(
        f"made.kinds.{column.kind}"
    )


def metrics_table(metrics: dict[str, Any], selected: dict[str, Any], words: Words) -> pd.DataFrame:
    """Return all metrics: test with interval, CV and nested with standard errors, train, gap."""
    test, nested = metrics["test"], selected.get("nested")
    rows = []
    for name in NAMES:
        low, high = test["ci"][name]
        row = {
            "metric": metric(name, words),
            "test": test[name],
            "low": low,
            "high": high,
            "cv": metrics["cv"][name],
            "cv_se": selected["cv_se"][name],
        }
        if nested:
            row |= {"nested": nested["mean"][name], "nested_se": nested["se"][name]}
        rows.append(row | {"train": metrics["train"][name], "gap": metrics["gap"][name]})
    return _numbers(rows)


def board_table(board: pd.DataFrame, scoring: str) -> pd.DataFrame:
    """Return the leaderboard: mean and standard error of the score and of the main metrics.

    `board` has the standard errors of the score only, but the standard deviations of all metrics.
    The ratio of the two depends only on the folds, so the ratio of the score applies to all.
    """
    first = SCORING[scoring][0]
    deviation = board[f"{first}_std"].sum()
    ratio = board["score_se"].sum() / deviation if deviation else float("nan")
    table = board[["rank", "label", "calibration"]].rename(columns={"label": "model"})
    for name in dict.fromkeys((first, *SHOWN)):
        table[name] = board[name]
        table[f"{name}_se"] = board[f"{name}_std"] * ratio
    table[f"{first}_se"] = board["score_se"]
    return table


def board_headers(words: Words) -> dict[str, str]:
    """Return the headers of the metrics in a `board_table`."""
    labels = {name: metric(name, words) for name in NAMES}
    errors = {f"{n}_se": words("selection.board.se", metric=label) for n, label in labels.items()}
    return labels | errors


def split_table(prepared: dict[str, Any], words: Words) -> pd.DataFrame:
    """Return rows and bad rates of the two parts of the split, and of both together."""
    parts = prepared["split"]
    total = {k: sum(part[k] for part in parts.values()) for k in ("rows", "bad")}
    return pd.DataFrame(
        {
            "part": words(f"data.{name}"),
            "rows": part["rows"],
            "bad": part["bad"],
            "bad_rate": _rate(part),
        }
        for name, part in {**parts, "both": total}.items()
    )


def cells_table(prepared: dict[str, Any]) -> pd.DataFrame:
    """Return the cells by column and result of parsing, columns with most missing cells first."""
    table = pd.DataFrame.from_dict(prepared["cells"], orient="index")
    missing = table.drop(columns="valid").sum(axis=1)
    order = missing.sort_values(ascending=False, kind="stable").index
    return table.loc[order].rename_axis("column").reset_index()


def rejected_table(prepared: dict[str, Any], words: Words) -> pd.DataFrame:
    """Return the numbers of rejected rows by reason."""
    reasons = [words(f"data.reasons.{reason}") for reason in prepared["rejected"]]
    return pd.DataFrame({"reason": reasons, "rows": list(prepared["rejected"].values())})


def confusion_table(confusion: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Count applicants by outcome and decision, with the share of each outcome that is rejected."""
    rows = []
    for outcome in ("good", "bad"):
        decisions = confusion.loc[confusion["actual"] == outcome, "predicted"]
        # The outcome that the decision predicts; who is referred is left to a person.
        accepted, referred, rejected = (
            int((decisions == kind).sum()) for kind in ("good", "referred", "bad")
        )
        rows.append(
            {
                "outcome": words(f"decisions.{outcome}"),
                "accepted": accepted,
                "referred": referred,
                "rejected": rejected,
                "all": len(decisions),
                "share_rejected": rejected / len(decisions),
            }
        )
    return pd.DataFrame(rows)


def calibration_table(
    calibration: dict[str, Any], nested: dict[str, Any] | None, words: Words
) -> pd.DataFrame:
    """Return slope, intercept and calibration in the large, with intervals and ideal values."""
    ideals = {"slope": 1, "intercept": 0, "in_the_large": 0}
    sources = {"test": calibration} | ({"nested": nested["calibration"]} if nested else {})
    return _numbers(
        {
            "measure": words(f"probabilities.{name}"),
            "rows": words(f"probabilities.{rows}"),
            "value": found[name]["value"],
            "low": found[name]["ci"][0],
            "high": found[name]["ci"][1],
            "ideal": ideal,
        }
        for rows, found in sources.items()
        for name, ideal in ideals.items()
    )


def importance_table(importance: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the variables by importance, with two standard errors to each side."""
    names, mean, se = importance["feature"], importance["importance"], importance["se"]
    return pd.DataFrame(
        {
            "variable": [variable(n, schema) for n in names],
            "auc_lost": mean,
            "se": se,
            "low": importance["low"],
            "high": importance["high"],
        }
    )


def psi_table(stability: pd.DataFrame, schema: Schema, words: Words) -> pd.DataFrame:
    """Return the PSI of the score and of the variables, by their names in words."""
    names = [
        made.variable_of_stability(name, words) or variable(name, schema)
        for name in stability["variable"]
    ]
    return pd.DataFrame({"variable": names, "psi": stability["psi"]})


def making_table(
    champion: ChampionDescription,
    selected: dict[str, Any],
    decision: DecisionParams,
    words: Words,
) -> pd.DataFrame:
    """Return how the champion was made, with all that is needed to make it again."""

    def said(key: str, /, **values: str) -> str:
        return words(f"making.{key}", **values)

    caps = {
        name: _limits(ends, words) for name, ends in champion.adjustments.get("caps", {}).items()
    }
    merges = champion.adjustments.get("merges", {})
    cutoff = words.number(champion.threshold, ".6g")
    rows = {
        said("algorithm"): f"{champion.label} ({champion.algorithm})",
        **{said("parameter", name=k): as_text(v) for k, v in champion.params.items()},
        said("calibration"): champion.calibration,
        said("cutoff"): said("cutoff_value", cutoff=cutoff, rule=decision.threshold),
        said("choice"): ", ".join(selected[k] for k in ("model", "rule", "scoring")),
        **{said("cap", name=name): limits for name, limits in caps.items() if limits},
        **{said("merged", name=name): as_text(levels) for name, levels in merges.items()},
        said("rows"): f"{champion.training_rows:,}",
        said("data_hash"): champion.data_sha256,
        said("model_hash"): champion.model_sha256,
        **{said("version", name=name): v for name, v in champion.created_by.items()},
    }
    return pd.DataFrame({"property": list(rows), "value": list(rows.values())})


def _limits(ends: Mapping[str, float | None], words: Words) -> str:
    """Write the ends between which a number is kept; empty if there is none."""
    texts = {end: f"{ends[end]:,g}" for end in ("low", "high") if ends.get(end) is not None}
    keys = {
        ("low",): "making.at_least",
        ("high",): "making.at_most",
        ("low", "high"): "making.at_least_at_most",
    }
    return words(keys[tuple(texts)], **texts) if texts else ""


def _rate(part: dict[str, int]) -> float:
    return part["bad"] / part["rows"] if part["rows"] else float("nan")


def as_text(value: Any) -> str:
    """Write a parameter as text: JSON, but for text itself."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _numbers(rows: Any) -> pd.DataFrame:
    """Make a frame in which a null of the JSON files is NaN, so that the column stays numeric."""
    frame = pd.DataFrame(rows)
    return frame.apply(lambda c: c if pd.api.types.is_string_dtype(c) else c.astype(float))

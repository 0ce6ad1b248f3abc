"""The tables of the report and the model card, and the formats of their numbers."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.description import ChampionDescription
from creditrisk.metrics.costs import DecisionParams
from creditrisk.metrics.performance import METRICS, NAMES, SCORING
from creditrisk.schema import Schema

_OPERATORS = {"ratio": "/", "product": "\N{MULTIPLICATION SIGN}", "sum": "+", "difference": "-"}
SHOWN = ("roc_auc", "brier", "log_loss", "expected_cost")


def number(value: float | None, form: str = ".3f") -> str:
    """Format a number that may be missing."""
    return "unknown" if value is None or pd.isna(value) else format(value, form)


def cost(value: float | None, unit: str = "") -> str:
    """Format a cost a head: three decimals, fewer from 10 on, none from 100 on."""
    size = abs(value or 0)
    form = ",.0f" if size >= 100 else ",.1f" if size >= 10 else ",.3f"
    return f"{number(value, form)} {unit}".strip()


def span(ends: list[float], form: str = ".3f") -> str:
    """Format an interval."""
    return f"{number(ends[0], form)} to {number(ends[1], form)}"


def scored(scoring: str) -> str:
    """Return the name in words of the metric that the search uses."""
    return METRICS[SCORING[scoring][0]].label


def variable(name: str, schema: Schema) -> str:
    """Return the name of a variable in words, with its unit."""
    column = schema.features.get(name)
    words = " ".join(name.replace("_", " ").split()) or name
    return f"{words} ({', '.join(column.unit)})" if column and column.unit else words


def meaning(name: str, schema: Schema, derived: Mapping[str, Any]) -> str:
    """Describe a variable: its description and levels, or what it is derived from."""
    if name in derived:
        op, parts = derived[name]["op"], [n.replace("_", " ") for n in derived[name]["of"]]
        return f"derived: {f' {_OPERATORS[op]} '.join(parts)}"
    column = schema.features.get(name)
    if column is None:
        return ""
    levels = "; ".join((column.levels or {}).values())
    return ": ".join(filter(None, (column.description, levels))) or column.kind


def metrics_table(metrics: dict[str, Any], selected: dict[str, Any]) -> pd.DataFrame:
    """Return all metrics: test with interval, CV and nested with standard errors, train, gap."""
    test, nested = metrics["test"], selected.get("nested")
    rows = []
    for name in NAMES:
        low, high = test["ci"][name]
        row = {
            "metric": METRICS[name].label,
            "test": test[name],
            "95% from": low,
            "to": high,
            "CV mean": metrics["cv"][name],
            "CV SE": selected["cv_se"][name],
        }
        if nested:
            row |= {"nested mean": nested["mean"][name], "nested SE": nested["se"][name]}
        rows.append(row | {"train": metrics["train"][name], "gap": metrics["gap"][name]})
    return _numbers(rows)


def board_table(board: pd.DataFrame, scoring: str) -> pd.DataFrame:
    """Return the leaderboard: mean and standard error of the score and of the main metrics.

    `board` has the standard errors of the score only, but the standard deviations of all metrics.
    The ratio of the two depends only on the folds, so the ratio of the score applies to all.
    """
    metric = SCORING[scoring][0]
    deviation = board[f"{metric}_std"].sum()
    ratio = board["score_se"].sum() / deviation if deviation else float("nan")
    table = board[["rank", "label", "calibration"]].rename(columns={"label": "model"})
    for name in dict.fromkeys((metric, *SHOWN)):
        table[METRICS[name].label] = board[name]
        table[f"SE {METRICS[name].label}"] = board[f"{name}_std"] * ratio
    table[f"SE {METRICS[metric].label}"] = board["score_se"]
    return table


def nested_table(selected: dict[str, Any]) -> pd.DataFrame:
    """Return plain and nested CV, and by how much plain CV is too optimistic."""
    nested = selected["nested"]
    return _numbers(
        {
            "metric": METRICS[name].label,
            "plain CV": selected["cv"][name],
            "SE of plain CV": selected["cv_se"][name],
            "nested CV": nested["mean"][name],
            "SE of nested CV": nested["se"][name],
            "optimism": selected["optimism"][name],
        }
        for name in NAMES
    )


def split_table(prepared: dict[str, Any]) -> pd.DataFrame:
    """Return rows and bad rates of the two parts of the split, and of both together."""
    parts = prepared["split"]
    total = {k: sum(part[k] for part in parts.values()) for k in ("rows", "bad")}
    return pd.DataFrame(
        {"part": name, "rows": part["rows"], "bad": part["bad"], "bad rate": _rate(part)}
        for name, part in {**parts, "both": total}.items()
    )


def cells_table(prepared: dict[str, Any]) -> pd.DataFrame:
    """Return the cells by column and result of parsing, columns with most missing cells first."""
    table = pd.DataFrame.from_dict(prepared["cells"], orient="index")
    missing = table.drop(columns="valid").sum(axis=1)
    order = missing.sort_values(ascending=False, kind="stable").index
    labels = {c: c.replace("_", " ") for c in table}
    return table.loc[order].rename(columns=labels).rename_axis("column").reset_index()


def confusion_table(confusion: pd.DataFrame) -> pd.DataFrame:
    """Count applicants by outcome and decision, with the share of each outcome that is refused."""
    rows = []
    for outcome in ("good", "bad"):
        decisions = confusion.loc[confusion["actual"] == outcome, "predicted"]
        refused = int((decisions == "bad").sum())
        rows.append(
            {
                "outcome": outcome,
                "approved": len(decisions) - refused,
                "refused": refused,
                "all": len(decisions),
                "share refused": refused / len(decisions),
            }
        )
    return pd.DataFrame(rows)


def calibration_table(
    calibration: dict[str, Any], nested: dict[str, Any] | None = None
) -> pd.DataFrame:
    """Return slope, intercept and calibration in the large, with intervals and ideal values."""
    kinds = {
        "slope": ("slope", 1),
        "intercept": ("intercept", 0),
        "in_the_large": ("in the large", 0),
    }
    sources = {"test": calibration} | ({"nested CV": nested["calibration"]} if nested else {})
    return _numbers(
        {
            "measure": label,
            "rows": rows,
            "value": found[name]["value"],
            "95% from": found[name]["ci"][0],
            "to": found[name]["ci"][1],
            "ideal": ideal,
        }
        for rows, found in sources.items()
        for name, (label, ideal) in kinds.items()
    )


def importance_table(importance: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the variables by importance, with two standard errors to each side."""
    names, mean, se = importance["feature"], importance["importance"], importance["se"]
    return pd.DataFrame(
        {
            "variable": [variable(n, schema) for n in names],
            "AUC lost": mean,
            "SE": se,
            "from": importance["low"],
            "to": importance["high"],
        }
    )


def psi_table(stability: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the PSI of the score and of the variables, by their names in words."""
    names = [variable(name, schema) for name in stability["variable"]]
    return pd.DataFrame({"variable": names, "PSI": stability["psi"]})


def making_table(
    champion: ChampionDescription, selected: dict[str, Any], decision: DecisionParams
) -> pd.DataFrame:
    """Return how the champion was made, with all that is needed to make it again."""
    caps = {
        name: " and ".join(
            f"{side} {ends[end]:,g}"
            for side, end in (("at least", "low"), ("at most", "high"))
            if ends.get(end) is not None
        )
        for name, ends in champion.adjustments.get("caps", {}).items()
    }
    merges = champion.adjustments.get("merges", {})
    rows = {
        "algorithm": f"{champion.label} ({champion.algorithm})",
        **{f"parameter {k}": as_text(v) for k, v in champion.params.items()},
        "calibration": champion.calibration,
        "cut-off": f"{number(champion.threshold, '.6g')} (threshold: {decision.threshold})",
        "model, rule, scoring": ", ".join(selected[k] for k in ("model", "rule", "scoring")),
        **{f"cap of {name}": limits for name, limits in caps.items() if limits},
        **{f"merged levels of {name}": as_text(levels) for name, levels in merges.items()},
        "training rows": f"{champion.training_rows:,}",
        "SHA-256 of the data": champion.data_sha256,
        "SHA-256 of the model": champion.model_sha256,
        **{f"version of {name}": v for name, v in champion.created_by.items()},
    }
    return pd.DataFrame({"property": list(rows), "value": list(rows.values())})


def _rate(part: dict[str, int]) -> float:
    return part["bad"] / part["rows"] if part["rows"] else float("nan")


def as_text(value: Any) -> str:
    """Write a parameter as text: JSON, but for text itself."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _numbers(rows: Any) -> pd.DataFrame:
    """Make a frame in which a null of the JSON files is NaN, so that the column stays numeric."""
    frame = pd.DataFrame(rows)
    return frame.apply(lambda c: c if pd.api.types.is_string_dtype(c) else c.astype(float))

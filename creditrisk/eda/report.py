"""The exploration page: the data, its defects, and the variables that separate good from bad."""

from typing import Any

import numpy as np
import pandas as pd

from creditrisk.eda import associate, describe, figures, quality
from creditrisk.eda.adjust import EdaParams
from creditrisk.eda.describe import title
from creditrisk.eda.findings import Findings
from creditrisk.eda.look_at import words
from creditrisk.html.page import Block, Page, bullets, facts, figure, table, text
from creditrisk.schema import Schema

TOP_LEVELS = 20  # levels shown of a nominal column, the most frequent ones
TOP_RANKS = 60  # likewise of an ordinal column, in their order
TOP_VARIABLES = 40  # variables with charts, those with the highest information value
TOP_MATRIX = 25  # maximum number of variables in a heatmap
TOP_PAIRS = 10  # rows of the tables of the strongest pairs

_LEGEND = (
    "Bad rates: one dot per level, with its 95% Wilson interval. The dashed line is the bad rate "
    "of all training rows."
)
_LEGEND_NUMERIC = (
    f" Numbers are grouped into up to {describe.BINS} quantile bins. Distributions: shares of the "
    "good and of the bad rows, with box plots below. The dotted lines are the fences, "
    f"{describe.FENCE} interquartile ranges beyond the quartiles."
)
_SUMMARY_NAMES = {
    "std": "std. dev.", "q05": "5%", "q25": "25%", "q75": "75%", "q95": "95%",
    "mean_good": "mean of good", "mean_bad": "mean of bad",
}  # fmt: skip


def build_page(
    train: pd.DataFrame,
    schema: Schema,
    found: Findings,
    adjustments: dict[str, Any],
    params: EdaParams,
    prepared: dict[str, Any],
    rejected: pd.DataFrame,
) -> Page:
    """Build the page.

    Args:
        train: the training rows of the clean frame, before the adjustments.
        schema: the schema of the data set.
        found: the tables that describe the training rows.
        adjustments: the adjustments learned from the training rows.
        params: the thresholds, which the page states.
        prepared: content of metrics/prepare.json.
        rejected: the rejected rows.
    """
    rate = float(train["bad"].mean())
    ranked = found.information_value["variable"].to_list()
    shown = set(ranked[:TOP_VARIABLES])
    page = Page(f"Exploration: {schema.name.replace('_', ' ')}", schema.description)
    page.section("The data", *_data(train, schema, prepared))
    page.section("Quality", *quality.sections(schema, found, prepared, rejected))
    page.section("Columns to look at", *_look_at(schema, found))
    page.section("Outcome", *_outcome(train))
    for kind, heading in (
        ("numeric", "Numeric variables"),
        ("ordinal", "Ordinal variables"),
        ("nominal", "Nominal variables"),
    ):
        names = schema.of_kind(kind)
        blocks: list[Block] = [text(_LEGEND)] if names else []
        if kind == "numeric" and names:
            blocks = [text(_LEGEND + _LEGEND_NUMERIC), *_numeric_tables(schema, found)]
        for name in (n for n in names if n in shown):
            if kind == "numeric":
                blocks += _distribution(train, schema, name)
            blocks += _levels(found.levels, schema, name, rate)
        if hidden := [n for n in names if n not in shown]:
            note = f"Only the {TOP_VARIABLES} variables with the highest information value have "
            note += f"charts. The other {len(hidden)} are in plots/eda/levels.csv."
            blocks.append(text(note))
        page.section(heading, *(blocks or [text(f"The schema has no {kind} column.")]))
    page.section("Information value", *_information(schema, found))
    page.section("Correlation", *_correlation(schema, found, ranked))
    page.section("Adjustments", *_adjustments(schema, adjustments, params, len(train)))
    return page


def _data(train: pd.DataFrame, schema: Schema, prepared: dict[str, Any]) -> list[Block]:
    cells = prepared["rows_clean"] * len(schema.variables)
    absent = sum(prepared["missing"].get(name, 0) for name in schema.variables)
    kinds = ", ".join(f"{len(schema.of_kind(k))} {k}" for k in ("numeric", "ordinal", "nominal"))
    audited = (
        f" Kept for audit only, out of the model: {', '.join(map(_words, schema.audited))}."
        if schema.audited
        else ""
    )
    return [
        facts(
            {
                "rows read": f"{prepared['rows_read']:,}",
                "rows rejected": f"{prepared['rows_rejected']:,}",
                "clean rows": f"{prepared['rows_clean']:,}",
                "bad rate of the clean rows": f"{prepared['bad_rate']:.1%}",
                "cells missing": f"{absent / cells:.2%}" if cells else "0",
                "training rows described here": f"{len(train):,}",
            }
        ),
        text(
            f"{len(schema.variables)} variables: {kinds}. The counts of rows and cells are for the "
            "whole file. Everything from Outcome on is about the training rows only, so that the "
            f"test rows stay unseen.{audited}"
        ),
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _look_at(schema: Schema, found: Findings) -> list[Block]:
    if found.look_at.empty:
        return [text("No variable is constant, unique per row, almost an id, or a likely leak.")]
    shown = found.look_at.assign(
        variable=[title(schema, name) for name in found.look_at["variable"]],
        finding=found.look_at["finding"].map(words),
    )
    return [
        text("Decide about these before you rely on a model. Not all of them are errors."),
        table(shown, "Variables to look at", collapsed=False),
    ]


def _outcome(train: pd.DataFrame) -> list[Block]:
    bads, rows = int(train["bad"].sum()), len(train)
    low, high = describe.wilson(np.array([bads]), np.array([rows]))[:, 0]
    rate = f"{bads / rows:.1%} of the training rows are bad (95% interval {low:.1%} to {high:.1%})."
    return [text(rate), figure(figures.outcome(rows - bads, bads), "Good and bad training rows")]


def _numeric_tables(schema: Schema, found: Findings) -> list[Block]:
    summary = found.numeric.assign(variable=[title(schema, n) for n in found.numeric["variable"]])
    summary = summary.drop(columns="unit").rename(columns=_SUMMARY_NAMES)
    outside = found.outliers.assign(variable=[title(schema, n) for n in found.outliers["variable"]])
    outside = outside.rename(columns={"low": "low fence", "high": "high fence"})
    return [
        table(summary, "Summary of the training rows"),
        table(
            outside,
            f"Training rows outside the fences ({describe.FENCE} interquartile ranges)",
            {"share": ".1%"},
        ),
    ]


def _distribution(train: pd.DataFrame, schema: Schema, name: str) -> list[Block]:
    label = title(schema, name)
    if train[name].nunique() < 2:
        return []
    chart, outside = figures.distribution(train[name], train["bad"], label)
    note = f"{outside:,} rows are outside the range of the chart." if outside else ""
    return [figure(chart, f"{label}: distribution by outcome", note)]


def _levels(levels: pd.DataFrame, schema: Schema, name: str, rate: float) -> list[Block]:
    own = levels[levels["variable"] == name]
    if len(own) == 1:
        value = own["label"].item()
        return [text(f"{title(schema, name)} is constant in the training rows: {value}.")]
    shown, note = own, ""
    most = own.sort_values("rows", ascending=False, kind="stable")
    if schema.variables[name].kind == "nominal":
        shown = most.head(TOP_LEVELS).sort_values("bad_rate", ascending=False, kind="stable")
    elif len(own) > TOP_RANKS:
        shown = most.head(TOP_RANKS).sort_index()
    if len(shown) < len(own):
        rest = int(own["rows"].sum() - shown["rows"].sum())
        others = len(own) - len(shown)
        note = f"The {len(shown)} most frequent of {len(own)} levels; the other {others} have "
        note += f"{rest:,} rows."
    return [figure(figures.bad_rates(shown, rate), f"{title(schema, name)}: bad rate", note)]


def _information(schema: Schema, found: Findings) -> list[Block]:
    ranked = found.information_value.head(TOP_VARIABLES)
    names = [title(schema, n) for n in ranked["variable"]]
    values = {"information value": ranked["information_value"].to_list()}
    chart = figures.bars(values, names, "information value", ".2f")
    return [
        text(
            "How well a variable alone separates good from bad. By convention, below 0.02 it is "
            "not predictive, from 0.1 it is of medium strength, from 0.3 strong; above 0.5 check "
            "whether its value was known at the time of the application. Many levels with few rows "
            "inflate the information value."
        ),
        figure(
            chart,
            "Information value, ranked",
            f"Numeric variables have up to {describe.BINS} quantile bins. {describe.SMOOTHING} is "
            "added to the number of good and of bad rows of each level. Missing cells are a level.",
        ),
        table(
            found.levels.assign(variable=[title(schema, n) for n in found.levels["variable"]])
            .drop(columns=["kind", "code"])
            .rename(columns={"bad_rate": "bad rate", "low": "95% from", "high": "to"}),
            "Every level: bad rate, weight of evidence (positive is safer), information value",
            {"bad rate": ".1%", "95% from": ".1%", "to": ".1%", "woe": ".3f", "iv": ".4f"},
            collapsed=True,
        ),
    ]


def _correlation(schema: Schema, found: Findings, ranked: list[str]) -> list[Block]:
    blocks: list[Block] = []
    titles = {name: title(schema, name) for name in schema.variables}
    for pairs, kinds, heading, measure, signed in (
        (found.correlations, ("numeric", "ordinal"), "Spearman's rank correlation", "rho", True),
        (found.cramers_v, ("nominal",), "Cramer's V, bias-corrected", "V", False),
    ):
        joined = " and ".join(kinds)
        names = [n for n, c in schema.variables.items() if c.kind in kinds]
        if len(names) < 2:
            blocks.append(text(f"{heading}: there are fewer than two {joined} variables."))
            continue
        drawn = set([n for n in ranked if n in set(names)][:TOP_MATRIX])
        shown = [n for n in names if n in drawn]
        matrix = associate.square(pairs, shown)
        note = ""
        if len(shown) < len(names):
            note = f"The {len(shown)} variables with the highest information value."
        chart = figures.heatmap(matrix, [n.replace("_", " ") for n in shown], signed, measure)
        blocks.append(figure(chart, f"{heading}: {joined} variables", note))
        value = pairs.columns[-1]
        top = pairs.dropna().sort_values(value, key=abs, ascending=False, kind="stable")
        if len(top):
            top = top.head(TOP_PAIRS).replace({"a": titles, "b": titles})
            top.columns = ["variable", "and", value]
            blocks.append(table(top, f"The strongest {len(top)} pairs", {value: ".2f"}))
    return blocks


def _adjustments(
    schema: Schema, adjustments: dict[str, Any], params: EdaParams, rows: int
) -> list[Block]:
    lines = []
    for name, cap in adjustments["caps"].items():
        for side, relation in (("low", "below"), ("high", "above")):
            if cap[side] is not None:
                limit, capped = describe.number(cap[side]), cap[f"rows_{side}"]
                lines.append(
                    f"{title(schema, name)}: values {relation} {limit} are set to {limit} "
                    f"({capped:,} of {rows:,} training rows)."
                )
    for name, merge in adjustments["merges"].items():
        merged = [schema.label(name, code) for code in merge["merged"]]
        more = f" and {len(merged) - TOP_LEVELS} more" if len(merged) > TOP_LEVELS else ""
        lines.append(
            f'{title(schema, name)}: {len(merged)} rare levels are merged into "{merge["into"]}" '
            f"({merge['rows']:,} of {rows:,} training rows): "
            f"{'; '.join(merged[:TOP_LEVELS])}{more}. "
            "Levels that are not in the training rows are merged into it too."
        )
    caps = "numbers are not capped"
    if params.cap_iqr_factor is not None:
        factor = f"{params.cap_iqr_factor:g}"
        caps = f"numbers are capped {factor} interquartile ranges beyond the quartiles"
    rule = (
        f"Rules: {caps}; nominal levels with less than {params.rare_level_share:.1%} of the "
        "training rows are merged if there are at least two of them. The adjustments are learned "
        "from the training rows and applied to all rows."
    )
    return [text(rule), bullets(lines) if lines else text("No adjustment was needed.")]

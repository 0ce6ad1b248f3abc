"""The exploration page: what the data is, what it suffers from, what tells good from bad."""

from typing import Any

import pandas as pd

from creditrisk.eda import associate, describe, figures, quality
from creditrisk.eda.adjust import EdaParams
from creditrisk.eda.describe import title
from creditrisk.eda.findings import Findings
from creditrisk.html.page import Block, Page, bullets, facts, figure, table, text
from creditrisk.schema import Schema

TOP_LEVELS = 20  # of a nominal column, by rows
TOP_VARIABLES = 40  # charts by variable, by information value
TOP_MATRIX = 25  # variables of a heatmap
TOP_PAIRS = 10  # in the tables of the strongest pairs

_LEGEND = (
    "Bad rates: a dot each level, with its 95% Wilson interval; dashed, the bad rate of all train "
    "rows."
)
_LEGEND_NUMERIC = (
    f" Levels of numbers are up to {describe.BINS} quantile bins. Distributions: shares of the "
    "good and of the bad rows, with box plots below; dotted, the fences, "
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
    """Put the page together.

    Args:
        train: the train rows of the clean frame, before the adjustments.
        schema: the columns' contract.
        found, adjustments: what was described and learned on them.
        params: the thresholds, to name them.
        prepared: metrics/prepare.json.
        rejected: the rejected rows.
    """
    rate = float(train["bad"].mean())
    ranked = found.information_value["variable"].to_list()
    shown = set(ranked[:TOP_VARIABLES])
    page = Page(f"Exploration: {schema.name.replace('_', ' ')}", schema.description)
    page.section("The data", *_data(train, schema, prepared))
    page.section("Quality", *quality.sections(schema, found, prepared, rejected))
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
            words = f"The {TOP_VARIABLES} variables of the highest information value are drawn; "
            blocks.append(text(words + f"plots/eda/levels.csv has the other {len(hidden)} too."))
        page.section(heading, *(blocks or [text(f"The schema names no {kind} column.")]))
    page.section("Information value", *_information(schema, found))
    page.section("Correlation", *_correlation(schema, found, ranked))
    page.section("Adjustments", *_adjustments(schema, adjustments, params, len(train)))
    return page


def _data(train: pd.DataFrame, schema: Schema, prepared: dict[str, Any]) -> list[Block]:
    cells = prepared["rows_clean"] * len(schema.features)
    absent = sum(prepared["missing"].get(name, 0) for name in schema.features)
    kinds = ", ".join(f"{len(schema.of_kind(k))} {k}" for k in ("numeric", "ordinal", "nominal"))
    return [
        facts(
            {
                "rows read": f"{prepared['rows_read']:,}",
                "rows rejected": f"{prepared['rows_rejected']:,}",
                "clean rows": f"{prepared['rows_clean']:,}",
                "bad rate of the clean rows": f"{prepared['bad_rate']:.1%}",
                "cells missing": f"{absent / cells:.2%}" if cells else "0",
                "train rows described here": f"{len(train):,}",
            }
        ),
        text(
            f"{len(schema.features)} variables: {kinds}. The counts of rows and cells are of the "
            "whole file; everything from Outcome on is of the train rows alone, so that the test "
            "rows stay unseen."
        ),
    ]


def _outcome(train: pd.DataFrame) -> list[Block]:
    bads, rows = int(train["bad"].sum()), len(train)
    low, high = describe.wilson([bads], [rows])[:, 0]
    words = f"{bads / rows:.1%} of the train rows are bad (95% interval {low:.1%} to {high:.1%})."
    return [text(words), figure(figures.outcome(rows - bads, bads), "Good and bad train rows")]


def _numeric_tables(schema: Schema, found: Findings) -> list[Block]:
    summary = found.numeric.assign(variable=[title(schema, n) for n in found.numeric["variable"]])
    summary = summary.drop(columns="unit").rename(columns=_SUMMARY_NAMES)
    outside = found.outliers.assign(variable=[title(schema, n) for n in found.outliers["variable"]])
    outside = outside.rename(columns={"low": "low fence", "high": "high fence"})
    return [
        table(summary, "Summary of the train rows"),
        table(
            outside,
            f"Train rows outside the fences ({describe.FENCE} interquartile ranges)",
            {"share": ".1%"},
        ),
    ]


def _distribution(train: pd.DataFrame, schema: Schema, name: str) -> list[Block]:
    words = title(schema, name)
    if train[name].nunique() < 2:
        return []
    chart, outside = figures.distribution(train[name], train["bad"], words)
    note = f"{outside:,} rows lie outside the range that is drawn." if outside else ""
    return [figure(chart, f"{words}: distribution by outcome", note)]


def _levels(levels: pd.DataFrame, schema: Schema, name: str, rate: float) -> list[Block]:
    own = levels[levels["variable"] == name]
    if len(own) == 1:
        return [text(f"{title(schema, name)}: the same in all train rows: {own['label'].item()}.")]
    shown, note = own, ""
    if schema.features[name].kind == "nominal":
        shown = own.sort_values("rows", ascending=False, kind="stable").head(TOP_LEVELS)
        shown = shown.sort_values("bad_rate", ascending=False, kind="stable")
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
            "How well a variable alone tells good from bad. By custom, below 0.02 it tells "
            "nothing, from 0.1 it is of medium strength, from 0.3 strong; above 0.5 ask whether it "
            "was known at the time of the application. Many levels of few rows inflate it."
        ),
        figure(
            chart,
            "Information value, ranked",
            f"Numeric variables in up to {describe.BINS} quantile bins; {describe.SMOOTHING} added "
            "to the goods and to the bads of each level; missing cells are a level.",
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
    spelled = {name: title(schema, name) for name in schema.features}
    for pairs, kinds, words, measure, signed in (
        (found.correlations, ("numeric", "ordinal"), "Spearman's rank correlation", "rho", True),
        (found.cramers_v, ("nominal",), "Cramer's V, bias-corrected", "V", False),
    ):
        problem = " and ".join(kinds)
        names = [n for n, c in schema.features.items() if c.kind in kinds]
        if len(names) < 2:
            blocks.append(text(f"{words}: there are no two {problem} variables."))
            continue
        drawn = set([n for n in ranked if n in set(names)][:TOP_MATRIX])
        few = [n for n in names if n in drawn]
        matrix = associate.square(pairs, few)
        note = "" if len(few) == len(names) else f"The {len(few)} of highest information value."
        chart = figures.heatmap(matrix, [n.replace("_", " ") for n in few], signed, measure)
        blocks.append(figure(chart, f"{words}: {problem} variables", note))
        value = pairs.columns[-1]
        top = pairs.dropna().sort_values(value, key=abs, ascending=False, kind="stable")
        if len(top):
            top = top.head(TOP_PAIRS).replace({"a": spelled, "b": spelled})
            top.columns = ["variable", "and", value]
            blocks.append(table(top, f"The strongest {len(top)} pairs", {value: ".2f"}))
    return blocks


def _adjustments(
    schema: Schema, adjustments: dict[str, Any], params: EdaParams, rows: int
) -> list[Block]:
    said = []
    for name, cap in adjustments["caps"].items():
        for side, word in (("low", "below"), ("high", "above")):
            if cap[side] is not None:
                said.append(
                    f"{title(schema, name)}: values {word} {describe.number(cap[side])} are set to "
                    f"it ({cap[f'rows_{side}']:,} of {rows:,} train rows)."
                )
    for name, merge in adjustments["merges"].items():
        listed = [schema.label(name, code) for code in merge["merged"]]
        more = f" and {len(listed) - TOP_LEVELS} more" if len(listed) > TOP_LEVELS else ""
        said.append(
            f'{title(schema, name)}: {len(listed)} rare levels become one, "{merge["into"]}" '
            f"({merge['rows']:,} of {rows:,} train rows): {'; '.join(listed[:TOP_LEVELS])}{more}. "
            "Levels that the train rows don't have join them."
        )
    caps = "no cap on numbers"
    if params.cap_iqr_factor is not None:
        caps = f"cap numbers {params.cap_iqr_factor:g} interquartile ranges beyond the quartiles"
    rule = (
        f"Rules: {caps}; merge the nominal levels under {params.rare_level_share:.1%} of the train "
        "rows where there are at least two. Learned from the train rows, applied to all."
    )
    return [text(rule), bullets(said) if said else text("Nothing needed an adjustment.")]

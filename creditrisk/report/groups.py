"""The report's section on groups of applicants: decisions, their cost, PDs, other cut-offs."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.evaluate.fairness import MIN_GROUP_ROWS, OUT_OF_FOLD, TEST
from creditrisk.html.page import Block, bullets, figure, table, text
from creditrisk.report import made
from creditrisk.report.data import ReportData
from creditrisk.report.groups_figures import ratios_over_cutoffs
from creditrisk.report.groups_words import group_findings, protected_words
from creditrisk.report.language import PLAIN, Language
from creditrisk.report.words import Words
from creditrisk.schema import Schema


def groups_section(data: ReportData) -> list[Block]:
    """Write the section."""
    found, words = data.curves.get("fairness"), data.words
    if found is None or not len(found):
        return [text(words("groups.nothing"))]
    decisions = {
        OUT_OF_FOLD: words("groups.table.decisions"),
        TEST: words("groups.table.decisions_test"),
    }
    risk = {OUT_OF_FOLD: words("groups.table.risk"), TEST: words("groups.table.risk_test")}
    here = [name for name in decisions if (found["sample"] == name).any()]
    return [
        bullets([*group_findings(found, words, data.schema), *protected_lines(data)]),
        text(words("groups.reading")),
        *(table(decisions_table(found, name, data), decisions[name], collapsed=False)
          for name in here),
        *_cutoffs(data),
        *(table(risk_table(found, name, data), risk[name], collapsed=True) for name in here),
        bullets(group_notes(data)),
    ]  # fmt: skip


def decisions_table(found: pd.DataFrame, sample: str, data: ReportData) -> pd.DataFrame:
    """Return approvals, their ratios to the largest group, referrals and cost, by group.

    Args:
        found: from `evaluate.fairness`.
        sample: `out_of_fold` or `test`.
        data: the results.
    """
    words, part = data.words, found[found["sample"] == sample]
    return pd.DataFrame(
        {
            **_names(part, data),
            words("groups.table.approval_rate"): _rates(part, "approval_rate", words),
            words("groups.table.approval_ratio"): _ratios(part, "approval_ratio", words),
            words("groups.table.equal_opportunity"): _rates(part, "equal_opportunity", words),
            words("groups.table.equal_opportunity_ratio"): _ratios(
                part, "equal_opportunity_ratio", words
            ),
            words("groups.table.referral_rate"): [
                words.number(share, ".1%") for share in part["referral_rate"]
            ],
            words("groups.table.expected_cost"): [
                words.cost(cost, data.unit) for cost in part["expected_cost"]
            ],
            words("groups.table.mark"): [
                _mark(line, words) for line in part.to_dict("records")
            ],
        }
    )  # fmt: skip


def risk_table(found: pd.DataFrame, sample: str, data: ReportData) -> pd.DataFrame:
    """Return bad rates, mean PDs and error rates by group, as `decisions_table`."""
    words, part = data.words, found[found["sample"] == sample]
    return pd.DataFrame(
        {
            **_names(part, data),
            words("groups.table.bad"): part["bad"].to_list(),
            words("groups.table.bad_rate"): _rates(part, "bad_rate", words),
            words("groups.table.mean_pd"): [words.number(x, ".1%") for x in part["mean_pd"]],
            words("groups.table.calibration_gap"): _rates(part, "calibration_gap", words),
            words("groups.table.tpr"): _rates(part, "tpr", words),
            words("groups.table.fpr"): _rates(part, "fpr", words),
        }
    )


def protected_lines(data: ReportData, language: Language = PLAIN) -> list[str]:
    """Say which of the variables that groups are compared by the champion uses."""
    found, champion = data.curves["fairness"], data.champion
    derived = champion.features.get("derived", {})
    return protected_words(
        data.schema, champion.columns, derived, found["variable"], data.words, language
    )


def group_notes(data: ReportData, language: Language = PLAIN) -> list[str]:
    """List what to consider when reading the tables of groups.

    What the schema's `description` says of a variable is one of the notes: there stands what its
    groups can't tell.
    """
    found, words = data.curves["fairness"], data.words
    notes = []
    for variable in found["variable"].unique():
        column = data.schema.variables.get(str(variable))
        if column is not None and column.description:
            name, told = _variable(variable, language), language.data(column.description)
            notes.append(words("groups.described", variable=name, description=told))
    for sample, part in found.groupby("sample", sort=False):
        where = words("groups.on_test") if sample == TEST else words("groups.out_of_fold")
        small = [
            words("groups.named", **_named(line, data, language), rows=line["rows"])
            for line in part[~part["judged"].astype(bool)].to_dict("records")
        ]
        if small:
            listed = ", ".join(small)
            notes.append(words("groups.small", least=MIN_GROUP_ROWS, where=where, groups=listed))
        for line in part[part["judged"].astype(bool)].to_dict("records"):
            shown = {
                **_named(line, data, language),
                "where": where,
                "mean": words.number(line["mean_pd"], ".1%"),
                "rate": words.number(line["bad_rate"], ".1%"),
            }
            if line["calibration_gap_low"] > 0:
                notes.append(words("groups.too_high", **shown))
            elif line["calibration_gap_high"] < 0:
                notes.append(words("groups.too_low", **shown))
    return notes


def _cutoffs(data: ReportData) -> list[Block]:
    points, words = data.curves.get("fairness_cutoffs"), data.words
    if points is None or not len(points):
        return []
    found = data.curves["fairness"]
    largest = found[found["reference"].astype(bool)].set_index("variable")["group"].to_dict()
    blocks: list[Block] = []
    for variable, part in points[points["judged"].astype(bool)].groupby("variable", sort=False):
        lines = {
            _group(str(variable), str(group), data.schema, words): own
            for group, own in part.groupby("group", sort=False)
            if group != largest.get(variable)
        }
        if not lines:
            continue
        limit = float(found["min_ratio"].iloc[0])
        chart = ratios_over_cutoffs(lines, limit, data.champion.threshold, words)
        title = words("groups.chart.title", variable=_variable(variable, PLAIN))
        base = _group(str(variable), str(largest[variable]), data.schema, words)
        note = words("groups.chart.note", least=MIN_GROUP_ROWS, largest=base)
        blocks.append(figure(chart, title, note))
    return blocks


def _names(part: pd.DataFrame, data: ReportData) -> dict[str, list[Any]]:
    words = data.words
    groups = zip(part["variable"], part["group"], strict=True)
    return {
        words("groups.table.variable"): [_variable(name, PLAIN) for name in part["variable"]],
        words("groups.table.group"): [
            _group(str(v), str(g), data.schema, words) for v, g in groups
        ],
        words("groups.table.rows"): part["rows"].to_list(),
    }


def _named(line: Mapping[str, Any], data: ReportData, language: Language) -> dict[str, Any]:
    variable, group = str(line["variable"]), str(line["group"])
    return {
        "variable": _variable(variable, language),
        "group": language.data(_group(variable, group, data.schema, data.words)),
    }


def _variable(name: object, language: Language) -> str:
    return language.data(str(name).replace("_", " "))


def _group(variable: str, group: str, schema: Schema, words: Words) -> str:
    return made.label(group, schema.variables.get(variable), words)


def _rates(part: pd.DataFrame, name: str, words: Words) -> list[str]:
    return _intervals(part, name, ".1%", words, words("groups.table.none"))


def _ratios(part: pd.DataFrame, name: str, words: Words) -> list[str]:
    return _intervals(part, name, ".2f", words, "")


def _intervals(part: pd.DataFrame, name: str, form: str, words: Words, nothing: str) -> list[str]:
    ends = zip(part[name], part[f"{name}_low"], part[f"{name}_high"], strict=True)
    return [
        nothing
        if pd.isna(value)
        else words(
            "groups.table.interval",
            value=words.number(value, form),
            span=words.span([low, high], form),
        )
        for value, low, high in ends
    ]


def _mark(line: Mapping[str, Any], words: Words) -> str:
    limit = f"{line['min_ratio']:g}"
    if line["reference"]:
        return words("groups.mark.reference")
    if not line["judged"]:
        return words("groups.mark.small")
    if line["flagged"]:
        certain = words("groups.mark.certain", min=limit)
        return certain if line["certain"] else words("groups.mark.below", min=limit)
    return words("groups.mark.reference_below", min=limit) if line["reference_below"] else ""

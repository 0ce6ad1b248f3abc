"""The section about data quality: defects that prepare counted, and missing cells."""

from typing import Any

import pandas as pd

from creditrisk.eda import describe, figures
from creditrisk.eda.findings import Findings
from creditrisk.html.page import Block, figure, table, text
from creditrisk.schema import Schema

TOP_COLUMNS = 40  # maximum number of bars in a chart
SAMPLE = 5  # number of rejected rows to show per reason


def sections(
    schema: Schema, found: Findings, prepared: dict[str, Any], rejected: pd.DataFrame
) -> list[Block]:
    """Show which cells became missing and why, the rejected rows, and the missing cells.

    Args:
        schema: the schema of the data set.
        found: the tables that describe the training rows.
        prepared: content of metrics/prepare.json.
        rejected: the rejected rows.
    """
    return [
        *_defects(prepared),
        *_specials(schema, prepared),
        *_rejected(prepared, rejected),
        *_missing(schema, found),
    ]


def _specials(schema: Schema, prepared: dict[str, Any]) -> list[Block]:
    rows = [
        {
            "variable": describe.title(schema, name),
            "code": code,
            "meaning": schema.variables[name].special.get(code, code),
            "rows": count,
        }
        for name, counts in prepared["special"].items()
        for code, count in counts.items()
    ]
    return [table(pd.DataFrame(rows), "Special codes", collapsed=False)] if rows else []


def _defects(prepared: dict[str, Any]) -> list[Block]:
    counts = {
        name: [cells.get(cause, 0) for cause in figures.CAUSES]
        for name, cells in prepared["cells"].items()
    }
    affected = sorted((n for n in counts if any(counts[n])), key=lambda n: -sum(counts[n]))
    if not affected:
        return [text("Every cell of the file is valid.")]
    shown = affected[:TOP_COLUMNS]
    parts = {
        cause.replace("_", " "): [counts[n][i] for n in shown]
        for i, cause in enumerate(figures.CAUSES)
    }
    chart = figures.bars(parts, [n.replace("_", " ") for n in shown], "cells")
    note = "Counted in all well-formed rows of the file, before duplicates were removed."
    if any(counts[n][-1] for n in shown):
        note += " A special code is known, but is no number; it is a level of its own."
    if len(shown) < len(affected):
        note += f" The {len(shown)} columns with the most such cells, of {len(affected)}."
    return [figure(chart, "Cells without a value, by column and cause", note)]


def _rejected(prepared: dict[str, Any], rejected: pd.DataFrame) -> list[Block]:
    if rejected.empty:
        return [text("No row was rejected.")]
    counts = {k.replace("_", " "): v for k, v in prepared["rejected"].items() if v}
    chart = figures.bars({"rows": list(counts.values())}, list(counts), "rows")
    ordered = rejected.sort_values(["reason", "row_id"], ignore_index=True)
    sample = ordered.groupby("reason").head(SAMPLE)
    sample = sample.rename(columns=lambda c: str(c).replace("_", " "))
    heading = f"Rejected rows, up to {SAMPLE} per reason"
    return [
        figure(chart, "Rejected rows, by reason"),
        table(sample, heading, {"row id": "d", "kept row id": "d"}, collapsed=False),
    ]


def _missing(schema: Schema, found: Findings) -> list[Block]:
    absent = found.missing[found.missing["missing"] > 0]
    if absent.empty:
        return [text("No cell of the training rows is missing.")]
    absent = absent.sort_values("share", ascending=False, kind="stable").head(TOP_COLUMNS)
    names = [describe.title(schema, n) for n in absent["variable"]]
    chart = figures.bars({"missing": absent["share"].to_list()}, names, "missing", ".1~%")
    return [figure(chart, "Missing cells of the training rows, by variable")]

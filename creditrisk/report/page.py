"""The page of the report: the main results first, then the evidence for them."""

import pandas as pd

from creditrisk.evaluate.measure import BOOTSTRAP_DRAWS
from creditrisk.html.page import Block, Page, bullets, facts, table, text
from creditrisk.metrics.performance import METRICS
from creditrisk.report import card, fairness, scorecard, stability, tables
from creditrisk.report.data import ReportData
from creditrisk.report.language import PLAIN
from creditrisk.report.performance import decisions, importance, probabilities, ranking
from creditrisk.report.selection import choice
from creditrisk.report.tables import cost, number, span
from creditrisk.report.verdict import verdict

CAUSES = {
    "null word": "null words",
    "out of domain": "outside the domain of the column",
    "special": "special codes",
}


def build_page(data: ReportData) -> Page:
    """Build the page."""
    parts, champion = data.prepared["split"], data.champion
    page = Page(
        f"Credit risk model: {data.schema.name.replace('_', ' ')}",
        f"{champion.label}, trained on {champion.training_rows:,} applicants, measured on "
        f"{parts['test']['rows']:,} others, of whom {parts['test']['bad']:,} defaulted",
    )
    page.section("Verdict", *_verdict(data))
    page.section("Data", *_data(data))
    page.section("Choice of the champion", *choice(data))
    page.section("All metrics", *_metrics(data))
    page.section("Separation of good and bad", *ranking(data))
    page.section("Train against test", *stability.stability(data))
    page.section("Probabilities", *probabilities(data))
    page.section("Decisions and their cost", *decisions(data))
    page.section("Important variables", *importance(data))
    page.section("Groups of applicants", *fairness.fairness(data))
    page.section("Scorecard", *scorecard.points(data))
    page.section("Purpose and limits", *_use(data))
    page.section("How it was made", *_making(data))
    return page


def headline(data: ReportData) -> dict[str, str]:
    """Return the main results at the top of the page, label to value."""
    test, base, unit = data.metrics["test"], data.metrics["baselines"], data.unit
    low, high = test["ci"]["expected_cost"]
    shown = {
        "champion": data.champion.label,
        f"AUC on test (95% {span(test['ci']['roc_auc'])})": number(test["roc_auc"]),
    }
    if nested := data.selected.get("nested"):
        se = number(nested["se"]["roc_auc"])
        shown[f"AUC to expect in use (nested CV, SE {se})"] = number(nested["mean"]["roc_auc"])
    return shown | {
        f"Brier score on test (95% {span(test['ci']['brier'])})": number(test["brier"]),
        f"cost a head on test (95% {cost(low)} to {cost(high)})": cost(base["champion"], unit),
        "cost a head, accepting everybody": cost(base["accept_all"], unit),
        "cost a head, refusing everybody": cost(base["reject_all"], unit),
        "cut-off (this PD and more is refused)": number(data.metrics["threshold"], ".1%"),
        "approved on test": number(base["approval_rate"], ".1%"),
        "overfitting (AUC on train minus test)": number(data.metrics["gap"]["roc_auc"]),
    }


def _verdict(data: ReportData) -> list[Block]:
    warning = [data.warning] if data.warning else []
    return [facts(headline(data)), bullets(warning + verdict(data))]


def _data(data: ReportData) -> list[Block]:
    prepared, cells = data.prepared, tables.cells_table(data.prepared)
    causes = cells.drop(columns=["column", "valid"]).sum()
    reasons = {k.replace("_", " "): n for k, n in prepared["rejected"].items()}
    shown = {
        "rows read": prepared["rows_read"],
        "rows rejected": prepared["rows_rejected"],
        "rows used": prepared["rows_clean"],
        "cells missing in the rows used": sum(prepared["missing"].values()),
    }
    rejected = pd.DataFrame({"reason": list(reasons), "rows rejected": list(reasons.values())})
    notes = [f"{n:,} cells were {CAUSES.get(cause, cause)}." for cause, n in causes.items() if n]
    notes = notes or ["Every cell of the well-formed rows was valid."]
    for count, note in (
        (data.ingested["blank_lines"], "blank lines of the file were skipped."),
        (prepared["merged_cells"], "empty cells were filled from a duplicate row."),
        (prepared["twins"]["conflicting_targets"], "groups of duplicates disagree on the outcome."),
        (
            prepared["equal_rows"]["together"],
            "rows equal others in all variables; they count as one applicant in split and folds.",
        ),
        (
            prepared["equal_rows"]["by_chance"],
            "rows equal others in all variables as often as chance gives; they are different "
            "applicants.",
        ),
    ):
        notes += [f"{count:,} {note}"] if count else []
    if ignored := prepared["columns_ignored"]:
        notes.append(f"Ignored columns, which are not in the schema: {', '.join(ignored)}.")
    return [
        facts({label: f"{count:,}" for label, count in shown.items()}),
        text(
            f"{stability.split_words(data)} The model was chosen and fitted on the train part. "
            "The test part was used for this report only."
        ),
        table(tables.split_table(prepared), "Rows and bad rates", {"bad rate": ".1%"}),
        table(rejected, "Rejected rows by reason"),
        bullets(notes),
        table(cells, "Cells by column and result of parsing", collapsed=True),
    ]


def _use(data: ReportData) -> list[Block]:
    return [text(card.purpose(data, PLAIN)), bullets(card.limits(data, PLAIN))]


def _metrics(data: ReportData) -> list[Block]:
    shown = tables.metrics_table(data.metrics, data.selected)
    meanings = pd.DataFrame(
        [(m.label, m.meaning) for m in METRICS.values()], columns=["metric", "meaning"]
    )
    money = f" Costs are in {data.unit}." if data.unit else ""
    return [
        text(
            f"Intervals: 95%, by {BOOTSTRAP_DRAWS:,} bootstrap draws of the test rows within each "
            "outcome. SE: standard error of the mean over the folds. Gap: train minus test. The "
            "model was fitted on the train rows, so a gap is expected." + money
        ),
        table(shown, "Test, cross-validation and train", dict.fromkeys(shown.columns[1:], ",.3f")),
        table(meanings, "What the metrics mean", collapsed=True),
    ]


def _making(data: ReportData) -> list[Block]:
    rows = tables.making_table(data.champion, data.selected, data.decision)
    return [
        text(
            "The same data, parameters and versions give the same model. The hashes identify the "
            "files that this page describes."
        ),
        table(rows, "The champion", collapsed=False),
    ]

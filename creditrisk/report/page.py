"""The report's page: the facts that one signs for on top, what they rest on below."""

import re

import pandas as pd

from creditrisk.evaluate.measure import BOOTSTRAP_DRAWS
from creditrisk.html.page import Block, Page, bullets, facts, table, text
from creditrisk.report import card, tables
from creditrisk.report import fairness as people
from creditrisk.report.data import Inputs
from creditrisk.report.performance import decisions, importance, probabilities, ranking
from creditrisk.report.selection import choice
from creditrisk.report.tables import cost, number, span
from creditrisk.report.verdict import verdict


def build(given: Inputs) -> Page:
    """Put the page together."""
    parts, champion = given.prepared["split"], given.champion
    page = Page(
        f"Credit risk model: {given.schema.name.replace('_', ' ')}",
        f"{champion['label']}, trained on {champion['training_rows']:,} applicants, measured on "
        f"{parts['test']['rows']:,} others, of whom {parts['test']['bad']:,} went bad",
    )
    page.section("Verdict", *_verdict(given))
    page.section("Data", *_data(given))
    page.section("Choice of the champion", *choice(given))
    page.section("All metrics", *_metrics(given))
    page.section("Good from bad", *ranking(given))
    page.section("Probabilities", *probabilities(given))
    page.section("Decisions and their cost", *decisions(given))
    page.section("Important variables", *importance(given))
    page.section("Groups of applicants", *people.fairness(given))
    page.section("Scorecard", *people.points(given))
    page.section("Purpose and limits", *_use(given))
    page.section("How it was made", *_making(given))
    return page


def headline(given: Inputs) -> dict[str, str]:
    """The facts on top of the page, by what they are."""
    test, base, unit = given.metrics["test"], given.metrics["baselines"], given.unit
    low, high = test["ci"]["expected_cost"]
    shown = {
        "champion": given.champion["label"],
        f"AUC on test (95% {span(test['ci']['roc_auc'])})": number(test["roc_auc"]),
    }
    if nested := given.selected.get("nested"):
        se = number(nested["se"]["roc_auc"])
        shown[f"AUC to expect in use (nested CV, SE {se})"] = number(nested["mean"]["roc_auc"])
    return shown | {
        f"Brier score on test (95% {span(test['ci']['brier'])})": number(test["brier"]),
        f"cost a head on test (95% {cost(low)} to {cost(high)})": cost(base["champion"], unit),
        "cost a head, accepting everybody": cost(base["accept_all"], unit),
        "cost a head, refusing everybody": cost(base["reject_all"], unit),
        "cut-off: refused from this PD on": number(given.metrics["threshold"], ".1%"),
        "approved on test": number(base["approval_rate"], ".1%"),
        "overfitting gap: AUC on train minus test": number(given.metrics["gap"]["roc_auc"]),
    }


def _verdict(given: Inputs) -> list[Block]:
    warning = [given.warning] if given.warning else []
    return [facts(headline(given)), bullets(warning + verdict(given))]


def _data(given: Inputs) -> list[Block]:
    prepared, cells = given.prepared, tables.cells_table(given.prepared)
    causes = cells.drop(columns=["column", "valid"]).sum()
    reasons = {k.replace("_", " "): n for k, n in prepared["rejected"].items()}
    shown = {
        "rows read": prepared["rows_read"],
        "rows rejected": prepared["rows_rejected"],
        "rows used": prepared["rows_clean"],
        "cells missing in the rows used": sum(prepared["missing"].values()),
    }
    rejected = pd.DataFrame({"reason": list(reasons), "rows rejected": list(reasons.values())})
    notes = [f"{n:,} cells were {cause}." for cause, n in causes.items() if n]
    notes = notes or ["Every cell of the well-formed rows was valid."]
    for count, words in (
        (given.ingested["blank_lines"], "blank lines of the file were skipped."),
        (prepared["merged_cells"], "empty cells were filled from a twin row."),
        (prepared["twins"]["conflicting_targets"], "groups of twins disagree on the outcome."),
    ):
        notes += [f"{count:,} {words}"] if count else []
    if ignored := prepared["columns_ignored"]:
        notes.append(f"The schema doesn't name, so the model doesn't see: {', '.join(ignored)}.")
    return [
        facts({words: f"{count:,}" for words, count in shown.items()}),
        text(
            "The applicants were parted once, at random within each outcome. The model was chosen "
            "and fitted on the train part; the test part was looked at for this report only."
        ),
        table(tables.split_table(prepared), "Rows and bad rates", {"bad rate": ".1%"}),
        table(rejected, "Rejected rows by reason"),
        bullets(notes),
        table(cells, "Cells by column and by what became of them", collapsed=True),
    ]


def _use(given: Inputs) -> list[Block]:
    lines = [line.removeprefix("- ") for line in card.limits(given).split("\n")]
    return [
        text(re.sub(r"\[(.+?)\]\(.+?\)", r"\1", card.purpose(given))),
        bullets([line.replace("&lt;", "<") for line in lines]),
    ]


def _metrics(given: Inputs) -> list[Block]:
    shown = tables.metrics_table(given.metrics, given.selected)
    words = pd.DataFrame([(n, w) for n, w in tables.WORDS.values()], columns=["metric", "meaning"])
    money = f" Costs are in {given.unit}." if given.unit else ""
    return [
        text(
            f"Intervals: 95%, by {BOOTSTRAP_DRAWS:,} bootstrap draws of the test rows within each "
            "outcome. SE: standard error of the mean over the folds. Gap: train minus test; the "
            "train figures are of rows that the model was fitted to, so a gap is expected." + money
        ),
        table(shown, "Test, cross-validation and train", dict.fromkeys(shown.columns[1:], ",.3f")),
        table(words, "What the metrics mean", collapsed=True),
    ]


def _making(given: Inputs) -> list[Block]:
    rows = tables.making_table(given.champion, given.selected, given.decision)
    return [
        text(
            "The same data, parameters and versions give the same model. The hashes say whether a "
            "file is the one that this page is about."
        ),
        table(rows, "The champion", collapsed=False),
    ]

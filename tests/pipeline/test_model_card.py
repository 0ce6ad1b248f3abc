"""The model card: its order, and that every number in it is one of the run's files."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from creditrisk.report.card import ANNEX, CIRCULAR
from tests.support.browser import needs_chromium, open_page

ORDER = [
    "Purpose and use", "Limits", "Data and provenance", "How it was chosen", "Performance",
    "Calibration", "Decisions", "Variables and reasons", "Protected variables",
    "Groups of applicants", "Scorecard", "How to reproduce it",
]  # fmt: skip
FORMS = (".0f", ".2f", ".3f", ".4f", ".6f", ",.3f", ",.0f", ".1%", ".2%", ",d", "g")


@pytest.fixture(scope="module")
def card(built):
    return (built.folder / "plots/model_card.md").read_text()


def load(built, name):
    return json.loads((built.folder / name).read_text())


def numbers(tree):
    """All numbers in a JSON tree."""
    if isinstance(tree, dict):
        return [n for v in tree.values() for n in numbers(v)]
    if isinstance(tree, list):
        return [n for v in tree for n in numbers(v)]
    return [tree] if isinstance(tree, int | float) and not isinstance(tree, bool) else []


def worded(values):
    """All the ways in which the card may write these numbers."""
    texts = set()
    for value in values:
        for form in FORMS:
            if form == ",d":
                texts |= {format(int(value), form)} if float(value).is_integer() else set()
            else:
                texts.add(format(float(value), form))
    return texts


def section(card, heading):
    return card.split(f"## {heading}\n\n")[1].split("\n## ")[0]


def cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if "---" not in line
    ]


def test_sections_stand_in_the_order_of_an_examination(card):
    assert re.findall(r"^## (.+)$", card, re.M) == ORDER
    assert card.startswith("# Model card: german credit, ")


def test_every_number_is_one_of_the_files(built, card):
    sources = [
        n for p in built.folder.glob("metrics/*.json") for n in numbers(json.loads(p.read_text()))
    ]
    described = load(built, "models/champion.json")
    sources += numbers(
        {k: described[k] for k in ("params", "threshold", "training_rows", "referral")}
    )
    for name in ("leaderboard", "importance", "fairness"):
        table = pd.read_csv(built.folder / f"plots/{name}.csv").select_dtypes("number")
        sources += table.to_numpy().ravel()[~np.isnan(table.to_numpy().ravel())].tolist()
        if name == "fairness":  # the largest group against another one, too
            ratios = table.filter(like="_ratio").to_numpy().ravel()
            sources += (1 / ratios[ratios > 0]).tolist()
    board = pd.read_csv(built.folder / "plots/leaderboard.csv")
    ratio = board["score_se"].sum() / board["roc_auc_std"].sum()
    sources += [v * ratio for c in board if c.endswith("_std") for v in board[c]]
    prepared = load(built, "metrics/prepare.json")
    sources += [part["bad"] / part["rows"] for part in prepared["split"].values()]
    sources += [
        sum(prepared["missing"].values()),
        sum(p["bad"] for p in prepared["split"].values()),
    ]
    sources += [len(described["features"]["ordinal"]) + 15, len(board)]  # variables, candidates
    # The card says in words whether the AUC drops or rises.
    sources += [abs(load(built, "metrics/evaluate.json")["stability"]["auc_drop"])]
    known = worded(sources)
    text = card.replace(CIRCULAR, "").replace(ANNEX, "")
    text = re.sub(r"`[^`]*`|^- (?:Versions|Source|Licence): .*$", " ", text, flags=re.MULTILINE)
    for fixed in (
        "(95% ", "95% from", "95% Wilson", "Intervals: 95%", "AUC's 95%", "SHA-256", "2024/1689",
        "point 5(b)", "Circular 2023-03", "bad is 0", "under 25", "25 to 60", "over 60", "F1",
        "than 30 rows", "least 30 rows", "takes 30 rows", "al. (1978)", "95% interval",
        "95% intervals", "code 2", "code 3",
    ):  # fmt: skip
        text = text.replace(fixed, " ")
    found = re.findall(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?%?", text)
    assert len(found) > 250
    strangers = [n for n in found if n.rstrip(",") not in known and n.lstrip("-") not in known]
    assert strangers == []


def test_figures_with_their_intervals_stand_where_they_belong(built, card):
    metrics, selected = load(built, "metrics/evaluate.json"), load(built, "metrics/select.json")
    names = ["roc_auc", "gini", "ks", "average_precision", "accuracy", "precision", "recall", "f1",
             "gmean", "brier", "log_loss", "expected_cost"]  # fmt: skip
    lines = cells(section(card, "Performance"))[1:]
    assert len(lines) == len(names)
    for name, line in zip(names, lines, strict=True):
        low, high = metrics["test"]["ci"][name]
        wanted = [metrics["test"][name], low, high, metrics["cv"][name], selected["cv_se"][name],
                  selected["nested"]["mean"][name], selected["nested"]["se"][name],
                  metrics["train"][name], metrics["gap"][name]]  # fmt: skip
        assert line[1:] == [f"{v:.3f}" for v in wanted], name


def test_groups_are_those_of_the_table_in_both_samples(built, card):
    found = pd.read_csv(built.folder / "plots/fairness.csv")
    parts = section(card, "Groups of applicants").split("Decisions by group, ")[1:]
    assert [part.split(":")[0] for part in parts] == ["out of fold", "test rows"]
    for part, sample in zip(parts, ("out_of_fold", "test"), strict=True):
        there = found[found["sample"] == sample].to_dict("records")
        decided, risk = (cells(text)[1:] for text in part.split("Risk and PDs by group"))
        for line, shown, risks in zip(there, decided, risk, strict=True):
            assert shown[:3] == [line["variable"].replace("_", " "), line["group"],
                                 f"{line['rows']:,}"]  # fmt: skip
            assert shown[3] == rate(line, "approval_rate")
            assert shown[5] == rate(line, "equal_opportunity")
            assert risks[3] == f"{line['bad']:,}"
            assert risks[4] == rate(line, "bad_rate")
            assert risks[7:9] == [rate(line, "tpr"), rate(line, "fpr")]


def rate(line, name):
    """A rate with its interval, as the card writes it."""
    ends = line[name], line[f"{name}_low"], line[f"{name}_high"]
    return "none" if np.isnan(ends[0]) else "{:.1%} ({:.1%} to {:.1%})".format(*ends)


def test_limits_of_the_groups_are_told(card):
    groups = section(card, "Groups of applicants")
    assert "shown but not judged" in groups
    assert "groups by code, not by sex" in groups  # from the schema's description of the variable


def test_hashes_are_those_of_the_files(built, card):
    described = load(built, "models/champion.json")
    assert f"`{described['model_sha256']}`" in card
    assert f"`{described['data_sha256']}`" in card
    assert load(built, "metrics/ingest.json")["source_sha256"] == described["data_sha256"]


def test_report_holds_the_same(built, card):
    page = (built.folder / "plots/report.html").read_text()
    for heading in ("Groups of applicants", "Scorecard", "Purpose and limits"):
        assert f">{heading}<" in page
    for line in cells(section(card, "Groups of applicants"))[1:]:
        for cell in line:
            assert f">{cell}<" in page


@needs_chromium
def test_report_opens_on_a_narrow_screen_without_an_error(built, tmp_path):
    opened = open_page(built.folder / "plots/report.html", tmp_path / "profile", width=400)
    assert opened.console == []
    assert "Groups of applicants" in opened.dom

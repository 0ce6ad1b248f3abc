"""The report: every number is the metrics' own, whatever the champion and the data look like."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
import yaml

from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import METRICS, NAMES, compute_fold_metrics
from creditrisk.report import tables
from creditrisk.report.card import model_card
from creditrisk.report.grids import headers
from creditrisk.report.page import build_page, headline
from creditrisk.report.words import LANGUAGES, load_words
from tests.support.browser import needs_chromium, open_page
from tests.support.report_results import MATRIX, inputs, words_of
from tests.support.report_shapes import SHAPES, shape, without

pytestmark = pytest.mark.slow

CHARTS = 16  # nine, and what if the cut-off were another one by two variables
EN = load_words()


@pytest.fixture(scope="module")
def run():
    return inputs()


@pytest.fixture(scope="module")
def whole(run):
    return run[0]


# In a browser, what changes the charts.
OPENED = [
    "plain",
    "one candidate",
    "six test rows",
    "amounts, cut-off out of fold",
    "HTML in names",
]


def rows_of(html, caption):
    """The cells of the table below a caption."""
    grid = html[html.index(caption) :].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in grid.split("<tr>")[2:]]
    return [[unescape(cell) for cell in row] for row in rows]


def test_metrics_table_holds_every_metric_as_measured(whole):
    table = tables.metrics_table(whole.metrics, whole.selected, EN)
    nested = whole.selected["nested"]
    for name, row in zip(NAMES, table.itertuples(index=False), strict=True):
        m = whole.metrics
        assert list(row) == [
            METRICS[name].label, m["test"][name], *m["test"]["ci"][name],
            whole.selected["cv"][name], whole.selected["cv_se"][name],
            nested["mean"][name], nested["se"][name], m["train"][name], m["gap"][name],
        ]  # fmt: skip


def test_the_page_shows_the_tables_as_they_are(whole):
    html = build_page(whole).html()
    for caption, table in (
        (
            "<p class=caption>Test, cross-validation and train",
            tables.metrics_table(whole.metrics, whole.selected, EN),
        ),
        ("Means over the folds", tables.board_table(whole.board, "roc_auc")),
    ):
        shown = rows_of(html, caption)
        assert len(shown) == len(table)
        for cells, row in zip(shown, table.itertuples(index=False), strict=True):
            given = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in row]
            assert cells == given


def test_leaderboards_standard_errors_are_those_of_the_folds(run):
    given, oofs = run
    table = tables.board_table(given.board, "roc_auc").set_index("model")
    for name, oof in oofs.items():
        scores = compute_fold_metrics(oof, given.metrics["threshold"], MATRIX.costs(oof))
        for metric in tables.SHOWN:
            row = table.loc[f"{name} in words"]
            assert row[metric] == pytest.approx(scores[metric].mean())
            assert row[f"{metric}_se"] == pytest.approx(fold_error(scores[metric].to_numpy(), 5))


def test_optimism_is_plain_minus_nested_in_the_metric_of_the_search(whole):
    plain, nested = whole.selected["cv"]["roc_auc"], whole.selected["nested"]["mean"]["roc_auc"]
    too_much = whole.selected["optimism"]["roc_auc"]
    words = words_of(build_page(whole).html())
    assert f"In AUC, plain cross-validation gives {plain:.4f} and nested {nested:.4f}" in words
    assert f"too optimistic by {too_much:.4f}" in words
    lucky = without(whole, optimism=whole.selected["optimism"] | {"roc_auc": -0.01})
    assert "the plain one is not too optimistic" in words_of(build_page(lucky).html())


def test_headline_is_made_of_the_metrics(whole):
    test, base = whole.metrics["test"], whole.metrics["baselines"]
    decided = whole.metrics["decisions"]
    lines, nested = whole.curves["strategy"], whole.selected["nested"]["mean"]
    out_of_fold = lines[lines["in_use"] & (lines["sample"] == "out_of_fold")].iloc[0]
    found = headline(whole)
    shown = list(found.values())
    assert shown == [
        whole.champion.label, f"{decided['approval_rate']:.1%}",
        f"{decided['bad_rate_accepted']:.1%}", f"{out_of_fold['bad_rate_approved']:.1%}",
        f"{decided['referral_rate']:.1%}",
        f"{whole.metrics['threshold']:.1%}", f"{test['expected_cost']:.3f}",
        f"{nested['expected_cost']:.3f}", f"{min(base['accept_all'], base['reject_all']):.3f}",
        f"{test['roc_auc']:.3f}", f"{nested['roc_auc']:.3f}",
    ]  # fmt: skip
    counts = decided["bad_accepted"], decided["accepted"]
    assert any("went bad, of the accepted ({} of {};".format(*counts) in label for label in found)
    html = words_of(build_page(whole).html())
    for value in shown:
        assert value in html


def test_counts_of_the_data_are_prepares(whole):
    html = build_page(whole).html()
    parts = whole.prepared["split"]
    assert html.count("Rows and bad rates") == 1
    assert rows_of(html, "Rows and bad rates")[:2] == [
        [name, str(p["rows"]), str(p["bad"]), f"{p['bad'] / p['rows']:.1%}"]
        for name, p in parts.items()
    ]
    assert rows_of(html, "Rejected rows by reason")[3] == ["near duplicate", "7"]
    assert rows_of(html, "Cells by column")[0] == ["status", "400", "30", "7", "0", "0"]
    for words in (
        "Of 440 rows read, 20 were rejected and 420 are used.",
        "In the rows used, 37 cells are missing.",
        "Empty cells: 35.",
        "Blank lines of the file, which were skipped: 1.",
        "Empty cells that were filled from a duplicate row: 2.",
        "amount too",
    ):
        assert words in words_of(html)


def test_confusion_counts_the_three_decisions(whole):
    table = tables.confusion_table(whole.curves["confusion"], EN).set_index("outcome")
    test, rows = whole.metrics["test"], whole.prepared["split"]["test"]
    assert table["all"].to_dict() == {"good": rows["rows"] - rows["bad"], "bad": rows["bad"]}
    assert table.loc["bad", "share_rejected"] == test["recall"]
    sums, decided = table.sum(), whole.metrics["decisions"]
    for kind in ("accepted", "referred", "rejected"):
        assert sums[kind] == decided[kind] > 0
    assert table.loc["bad", "accepted"] == decided["bad_accepted"]
    approved = sums["accepted"] / rows["rows"]
    assert approved == pytest.approx(whole.metrics["baselines"]["approval_rate"])


def test_headers_of_a_table_are_distinct_in_each_language(whole):
    frames = {
        "results.table": tables.metrics_table(whole.metrics, whole.selected, EN),
        "selection.board": tables.board_table(whole.board, "neg_brier_score"),
        "data.split": tables.split_table(whole.prepared, EN),
        "data.cells": tables.cells_table(whole.prepared),
        "decisions.table": tables.confusion_table(whole.curves["confusion"], EN),
        "importance.table": tables.importance_table(whole.curves["importance"], whole.schema),
        "probabilities.table": tables.calibration_table(whole.metrics["calibration"], None, EN),
    }
    for language in LANGUAGES:
        words = load_words(language)
        for where, frame in frames.items():
            more = tables.board_headers(words) if where == "selection.board" else None
            found = list(headers(words, frame, where, more).values())
            assert len(set(found)) == len(found), (language, where)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("plain", ["it chose", "repeats the choice of the model", "with the choice of the model"]),
        (
            "named model that ranks last",
            ["as params.yaml asks", "search of its parameters", "that params.yaml names"],
        ),
    ],
)
def test_a_model_that_was_asked_for_is_not_said_to_have_been_chosen(whole, name, words):
    given = shape(name, whole)
    told = build_page(given).html() + model_card(given)
    assert all(word in told for word in words)
    assert ("it chose" in told) == (name == "plain")


def test_importance_has_intervals_and_the_schemas_words(whole):
    table = tables.importance_table(whole.curves["importance"], whole.schema)
    assert table["variable"].to_list() == ["amount (EUR)", "status", "burden"]
    assert table["low"].iloc[0] == pytest.approx(0.06)
    assert table["high"].iloc[2] == pytest.approx(0.005)
    words = words_of(build_page(whole).html())
    assert "status: no status; b" in words
    assert "burden: derived: amount / status" in words
    assert f"(a sample of 299 of {whole.champion.training_rows:,} training rows, by fold)" in words


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no nested estimate", "No nested estimate was made"),
        ("named model that ranks last", "it ranks 2 of 2"),
        ("one candidate", "so there was nothing to choose"),
        ("amounts, cut-off out of fold", "costs 0.6 of its amount, a rejected good one 0.1 of it"),
        ("amounts, cut-off out of fold", "the least cost on out-of-fold PDs"),
        ("amounts, cut-off out of fold", "Costs are in EUR"),
        ("plain", "costs 5, rejecting a good one 1"),
        ("simplest within one error", "Of 2 models, the"),
        ("scores by Brier", "has the best mean Brier score of 2 models"),
        ("leak", "WARNING: look at"),
        ("a null", "SE unknown"),
    ],
)  # fmt: skip
def test_page_of_each_shape_says_what_it_is(whole, name, said):
    if name == "a null":
        whole = without(whole, "nested", "optimism")
    assert said in words_of(build_page(shape(name, whole)).html())


@pytest.mark.parametrize("name", SHAPES)
def test_page_of_each_shape_is_escaped_and_has_the_same_bytes_twice(whole, name):
    given = shape(name, whole)
    html = build_page(given).html()
    assert html == build_page(given).html()
    assert "<img" not in html[html.index("<body>") :]
    assert not re.search(r"\b(nan|None|inf)\b", words_of(html))


@needs_chromium
@pytest.mark.parametrize("name", OPENED)
def test_page_of_each_shape_draws_every_chart_without_a_network(whole, tmp_path, name):
    path = tmp_path / "report.html"
    path.write_text(build_page(shape(name, whole)).html(), encoding="utf-8")
    opened = open_page(path, tmp_path / "profile", width=400 if "HTML" in name else 1200)
    assert opened.console == []
    assert opened.charts == CHARTS


def test_dvc_plots_name_columns_that_the_frames_have(whole):
    root = Path(__file__).parents[3]
    frames = whole.curves | {"leaderboard": whole.board}
    for plot in yaml.safe_load((root / "dvc.yaml").read_text())["plots"]:
        ((name, spec),) = plot.items()
        ((path, y),) = spec["y"].items()
        columns = set(frames[Path(path).stem])
        assert {spec["x"], *(y if isinstance(y, list) else [y])} <= columns, name
        template = json.loads((root / ".dvc" / "plots" / f"{spec['template']}.json").read_text())
        literal = set(re.findall(r'"field": "([a-z_]+)"', json.dumps(template)))
        made = set(re.findall(r'"as": "([a-z_]+)"', json.dumps(template)))
        # DVC's own: the revision, and which of several columns it is.
        assert literal - made - {"rev", "field", "x", "y"} <= columns, name

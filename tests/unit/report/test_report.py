"""The report: every number is the metrics' own, whatever the champion and the data look like."""

import json
import re
from dataclasses import replace
from functools import cache, partial
from html import unescape
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import expit

from creditrisk.champion.calibration import calibration_curves
from creditrisk.champion.description import ChampionDescription
from creditrisk.core.parallel import together
from creditrisk.evaluate.curves import curves
from creditrisk.evaluate.measure import measure_champion, metric_intervals
from creditrisk.evaluate.stability import SCORE, stability_summary
from creditrisk.metrics.costs import DecisionParams, Sample
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import METRICS, NAMES, compute_fold_metrics
from creditrisk.report import tables
from creditrisk.report.card import model_card
from creditrisk.report.data import ReportData
from creditrisk.report.page import build_page, headline
from creditrisk.report.verdict import verdict
from creditrisk.select.leaderboard import compare, leaderboard
from tests.support.browser import needs_chromium, open_page
from tests.support.contenders import contender, cv_of_folds

pytestmark = pytest.mark.slow

EVIL = '<img src=x onerror="document.title=1"></script>'
MATRIX = DecisionParams(cost_bad_accepted=5, cost_good_rejected=1, threshold="theory")
AMOUNTS = DecisionParams(
    cost_bad_accepted=5, cost_good_rejected=1, threshold="oof",
    amount_column="amount", loss_given_default=0.6, margin=0.1,
)  # fmt: skip
CHARTS = 9


def applicants(rows, seed, noise=1.0):
    rng = np.random.default_rng(seed)
    risk = rng.normal(-1, 2.5, rows)
    bad = (rng.random(rows) < expit(risk)).astype(int)
    bad[:2] = 0, 1
    pds = expit(risk + noise * rng.normal(size=rows))
    return pd.DataFrame({"bad": bad, "pd": pds, "amount": rng.uniform(500, 9000, rows)})


def out_of_fold(noise):
    rows = applicants(300, 1, noise)
    return pd.concat(
        rows.assign(row_id=np.arange(300), repeat=repeat, fold=np.arange(300) % 5)
        for repeat in (0, 1)
    )


@cache
def inputs(rows=120, decision=MATRIX, names=("amount", "status"), candidates=("lr", "rf")):
    """A run's results, made by the stages' own functions from simulated PDs."""
    oofs = {name: out_of_fold(0.5 + k) for k, name in enumerate(candidates)}
    folds = {
        n: compute_fold_metrics(o, decision.break_even, decision.costs(o)) for n, o in oofs.items()
    }
    threshold = decision.break_even
    cvs = {name: cv_of_folds(scores, threshold) for name, scores in folds.items()}
    board = leaderboard([contender(name, cv) for name, cv in cvs.items()], "roc_auc")
    best = board["algorithm"][0]
    test, train, oof = applicants(rows, 2, 0.3), applicants(300, 1, 0.1), oofs[best]
    on_test, on_train, unseen = (
        Sample(f["bad"].to_numpy(), f["pd"].to_numpy(), decision.costs(f))
        for f in (test, train, oof)
    )
    # The intervals by bootstrap take seconds each time, so there are few draws.
    with patch(
        "creditrisk.evaluate.curves.calibration_curves", partial(calibration_curves, draws=5)
    ):
        frames = curves(on_test, unseen, threshold, 3)
    frames["importance"] = pd.DataFrame(
        {
            "feature": [*names, "burden"],
            "importance": [0.1, 0.02, -0.001],
            "se": [0.02, 0.01, 0.003],
            "low": [0.06, 0.0, -0.007],
            "high": [0.14, 0.04, 0.005],
        }
    )
    selected = {
        "algorithm": best, "model": "auto", "rule": "best", "scoring": "roc_auc",
        "rows": {"train": 800, "search": 800, "fit": 800},
        "cv": cvs[best].mean, "cv_se": cvs[best].se, "threshold": threshold,
    }  # fmt: skip
    with patch("creditrisk.evaluate.measure.BOOTSTRAP_DRAWS", 30):
        [intervals] = together(metric_intervals(on_test, threshold, 3))
        metrics = {"algorithm": best} | measure_champion(
            on_test, on_train, selected["cv"], threshold, intervals
        )
    frames["stability"] = pd.DataFrame({"variable": [SCORE, *names], "psi": [0.02, 0.3, 0.01]})
    metrics["importance_rows"] = len(train) - 1  # a sample, which the report must say
    metrics["stability"] = stability_summary(frames["stability"], selected["cv"], on_train, on_test)
    if len(candidates) > 1:
        pair = board["algorithm"].to_list()
        gaps = compare(oofs[pair[0]], oofs[pair[1]], "roc_auc")
        selected["two_best"] = {"first": pair[0], "second": pair[1]} | gaps
    nested = {name: value * 0.97 for name, value in selected["cv"].items()}
    selected["nested"] = {
        "mean": nested, "se": selected["cv_se"], "chosen": [best, best, candidates[-1]],
        "calibration": metrics["calibration"],
    }  # fmt: skip
    selected["optimism"] = {n: 0.03 * selected["cv"][n] for n in NAMES}
    schema = {
        "name": "some_data",
        "target": {"column": "y", "good": ["1"], "bad": ["0"]},
        "columns": {
            "a": {"name": names[0], "kind": "numeric", "unit": ["EUR"]},
            "s": {"name": names[1], "kind": "nominal", "levels": {"1": f"no {names[1]}", "2": "b"}},
        },
    }
    champion = ChampionDescription(
        algorithm=best, label=f"{best} in words", params={"C": 0.1, "encoder": "woe"},
        calibration="none", threshold=threshold, schema=schema, training_rows=300,
        scorecard={"base_points": 600, "base_odds": 50, "pdo": 20},
        metrics={"cv": selected["cv"], "cv_se": selected["cv_se"]},
        features={"derived": {"burden": {"op": "ratio", "of": list(names)}}},
        adjustments={"caps": {names[0]: {"low": None, "high": 7.5}}, "merges": {}},
        baseline={}, self_check={"rows": {}, "pds": []}, created_by={"python": "3.11"},
        data_sha256="d" * 64, model_sha256="e" * 64,
    )  # fmt: skip
    counts = ("valid", "empty", "null_word", "unparseable", "out_of_domain")
    prepared = {
        "rows_read": 440, "rows_clean": 420, "rows_rejected": 20, "bad_rate": 0.3,
        "rejected": {"malformed": 3, "invalid_target": 4, "duplicate": 6, "near_duplicate": 7},
        "split": {
            name: {"rows": len(f), "bad": int(f["bad"].sum())}
            for name, f in (("train", train), ("test", test))
        },
        "cells": {
            names[0]: dict(zip(counts, (430, 5, 0, 2, 0), strict=True)),
            names[1]: dict(zip(counts, (400, 30, 7, 0, 0), strict=True)),
        },
        "missing": {names[0]: 7, names[1]: 30}, "merged_cells": 2,
        "twins": {"duplicates": 6, "near_duplicates": 7, "ambiguous": 0, "conflicting_targets": 1},
        "columns_ignored": [f"{names[0]} too"], "equal_rows": {"together": 4, "by_chance": 0},
        "special": {}, "split_by": {"by": "random"},
    }  # fmt: skip
    ingested = {"blank_lines": 1}
    return ReportData(
        metrics, selected, prepared, ingested, champion, board, frames, decision
    ), oofs


@pytest.fixture(scope="module")
def run():
    return inputs()


@pytest.fixture(scope="module")
def whole(run):
    return run[0]


def without(given, *keys, **changes):
    selected = {k: v for k, v in given.selected.items() if k not in keys} | changes
    return replace(given, selected=selected)


def shape(name, whole):
    other = whole.board["algorithm"].iloc[1]
    if name == "named model that ranks last":
        changed = {"algorithm": other, "label": f"{other} in words"}
        champion = whole.champion.model_copy(update=changed)
        return replace(without(whole, model=other), champion=champion)
    return {
        "plain": lambda: whole,
        "no nested estimate": lambda: without(whole, "nested", "optimism"),
        "one candidate": lambda: inputs(candidates=("lr",))[0],
        "six test rows": lambda: inputs(rows=6)[0],
        "amounts, cut-off out of fold": lambda: inputs(decision=AMOUNTS)[0],
        "HTML in names": lambda: inputs(names=(EVIL, f"b {EVIL}"))[0],
        "leak": lambda: replace(whole, warning=f"WARNING: look at {EVIL}"),
        "simplest within one error": lambda: without(whole, rule="one_standard_error"),
        "scores by Brier": lambda: without(whole, scoring="neg_brier_score"),
        "a null": lambda: without(whole, cv_se=dict.fromkeys(NAMES)),
    }[name]()


SHAPES = [
    "plain", "no nested estimate", "named model that ranks last", "one candidate", "six test rows",
    "amounts, cut-off out of fold", "HTML in names", "leak", "simplest within one error",
    "scores by Brier", "a null",
]  # fmt: skip


# In a browser, what changes the charts.
OPENED = [
    "plain",
    "one candidate",
    "six test rows",
    "amounts, cut-off out of fold",
    "HTML in names",
]


def words_of(html):
    """The page's text, tags taken out."""
    body = re.sub(r"<script.*?</script>", " ", html[html.index("<body>") :], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def rows_of(html, caption):
    """The cells of the table below a caption."""
    grid = html[html.index(caption) :].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in grid.split("<tr>")[2:]]
    return [[unescape(cell) for cell in row] for row in rows]


def test_metrics_table_holds_every_metric_as_measured(whole):
    table = tables.metrics_table(whole.metrics, whole.selected)
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
        ("Test, cross-validation and train", tables.metrics_table(whole.metrics, whole.selected)),
        ("Plain against nested", tables.nested_table(whole.selected)),
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
            words = METRICS[metric].label
            row = table.loc[f"{name} in words"]
            assert row[words] == pytest.approx(scores[metric].mean())
            assert row[f"SE {words}"] == pytest.approx(fold_error(scores[metric].to_numpy(), 5))


def test_nested_table_gives_both_estimates_and_the_difference(whole):
    table = tables.nested_table(whole.selected)
    assert table["plain CV"].to_list() == list(whole.selected["cv"].values())
    assert table["nested CV"].to_list() == list(whole.selected["nested"]["mean"].values())
    assert table["optimism"].to_list() == list(whole.selected["optimism"].values())


def test_headline_is_made_of_the_metrics(whole):
    test, base = whole.metrics["test"], whole.metrics["baselines"]
    shown = list(headline(whole).values())
    assert shown == [
        whole.champion.label, f"{test['roc_auc']:.3f}",
        f"{whole.selected['nested']['mean']['roc_auc']:.3f}", f"{test['brier']:.3f}",
        f"{test['expected_cost']:.3f}", f"{base['accept_all']:.3f}", f"{base['reject_all']:.3f}",
        f"{whole.metrics['threshold']:.1%}", f"{base['approval_rate']:.1%}",
        f"{whole.metrics['gap']['roc_auc']:.3f}",
    ]  # fmt: skip
    html = words_of(build_page(whole).html())
    for value in shown:
        assert value in html


def test_counts_of_the_data_are_prepares(whole):
    html = build_page(whole).html()
    parts = whole.prepared["split"]
    assert rows_of(html, "Rows and bad rates")[:2] == [
        [name, str(p["rows"]), str(p["bad"]), f"{p['bad'] / p['rows']:.1%}"]
        for name, p in parts.items()
    ]
    assert rows_of(html, "Rejected rows by reason")[3] == ["near duplicate", "7"]
    assert rows_of(html, "Cells by column")[0] == ["status", "400", "30", "7", "0", "0"]
    for words in (
        "35 cells were empty.",
        "1 blank lines",
        "2 empty cells were filled",
        "amount too",
    ):
        assert words in words_of(html)


def test_confusion_counts_the_decisions(whole):
    table = tables.confusion_table(whole.curves["confusion"]).set_index("outcome")
    test, rows = whole.metrics["test"], whole.prepared["split"]["test"]
    assert table["all"].to_dict() == {"good": rows["rows"] - rows["bad"], "bad": rows["bad"]}
    assert table.loc["bad", "share refused"] == test["recall"]
    approved = table["approved"].sum() / rows["rows"]
    assert approved == pytest.approx(whole.metrics["baselines"]["approval_rate"])


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
    assert table["from"].iloc[0] == pytest.approx(0.06)
    assert table["to"].iloc[2] == pytest.approx(0.005)
    words = words_of(build_page(whole).html())
    assert "status: no status; b" in words
    assert "burden: derived: amount / status" in words
    assert f"a sample of 299 of {whole.champion.training_rows:,} training rows, by fold" in words


def test_lead_within_luck_is_called_so(whole):
    pair = whole.selected["two_best"]
    for more, said, unsaid in (
        (True, "so it is more than luck", "could be luck"),
        (False, "so it could be luck", "more than luck"),
    ):
        given = without(whole, two_best=pair | {"more_than_luck": more})
        words = words_of(build_page(given).html())
        assert said in words
        assert unsaid not in words


def metric_change(given, **parts):
    return replace(given, metrics=given.metrics | parts)


def test_verdict_says_when_it_does_not_pay_or_cannot_be_believed(whole):
    base, found = whole.metrics["baselines"], whole.metrics["calibration"]
    assert "It pays" in verdict(whole)[2]
    dear = metric_change(whole, baselines=base | {"champion": base["reject_all"] + 0.1})
    assert "It doesn't pay" in verdict(dear)[2]
    close = {"ci": whole.metrics["test"]["ci"] | {"expected_cost": [0.0, 9.0]}}
    unsure = metric_change(whole, test=whole.metrics["test"] | close)
    assert "may be luck" in verdict(unsure)[2]
    for slope, large, said in (
        ([0.9, 1.1], [-0.1, 0.1], "are well calibrated"),
        ([0.5, 0.9], [-0.1, 0.1], "too extreme"),
        ([1.1, 1.9], [0.1, 0.4], "too moderate (slope above 1) and they are too low"),
        ([0.9, 1.1], [-0.3, -0.1], "too high on average"),
    ):
        changed = found | {
            "slope": {"value": np.mean(slope), "ci": slope},
            "in_the_large": {"value": np.mean(large), "ci": large},
        }
        assert said in verdict(metric_change(whole, calibration=changed))[3]


def test_verdict_sends_back_a_nested_estimate_outside_the_test_interval(whole):
    assert "the two agree" in verdict(metric_change(whole, test=in_interval(whole, 0.0, 1.0)))[1]
    odd = metric_change(whole, test=in_interval(whole, 0.98, 0.99))
    assert "find out why before you sign" in verdict(odd)[1]


def in_interval(given, low, high):
    test = given.metrics["test"]
    return test | {"ci": test["ci"] | {"roc_auc": [low, high]}}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no nested estimate", "No nested estimate was made"),
        ("named model that ranks last", "it ranks 2 of 2"),
        ("one candidate", "so there was nothing to choose"),
        ("amounts, cut-off out of fold", "costs 0.6 of its amount, a refused good one 0.1 of it"),
        ("amounts, cut-off out of fold", "the least cost on out-of-fold PDs"),
        ("amounts, cut-off out of fold", "Costs are in EUR"),
        ("plain", "costs 5, refusing a good one 1"),
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

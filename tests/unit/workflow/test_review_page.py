"""The review as a page: it fits a comment, and names and values in it are text."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from creditrisk.workflow.review.changes import PREPARE, SELECT, Changes
from creditrisk.workflow.review.charts import comment_charts
from creditrisk.workflow.review.markdown import (
    Section,
    document,
    pictures_inline,
    pictures_linked,
)
from creditrisk.workflow.review.plots import mark_champions
from creditrisk.workflow.review.tables import table
from creditrisk.workflow.review.verdict import verdict
from tests.support.rendered import additions_in, rendered, tags_of, text_of
from tests.support.review import EVIL, TAGS, counted, made

PICTURES = Section("Pictures", "none")


def test_long_report_gives_up_its_longest_folded_parts_and_fits_a_comment():
    long = {f"m{i}": {"old": 0.1, "new": 0.2, "diff": 0.1} for i in range(3000)}
    given = counted(made())
    given = replace(given, metrics=given.metrics | {"metrics/eda.json": long})
    text = document(given, "heading", PICTURES)
    assert len(text) < 65_536
    assert "Too long for this review" in text
    assert len(document(given, "heading", PICTURES, 10**6)) > 65_536


def test_cells_do_not_break_the_table():
    assert table([{"a": "x|y"}]).splitlines()[-1] == "| x\\|y |"


def hostile() -> Changes:
    """Differences whose names and values are all `EVIL`."""
    pair = {"old": EVIL, "new": f"other {EVIL}"}
    missing = {f"missing.{EVIL}": {"old": 1, "new": 2}, f"rejected.{EVIL}": {"old": 1, "new": 2}}
    score = {"cv.roc_auc": {"old": 0.7, "new": 0.8}}
    line = {"sample": "out_of_fold", "variable": EVIL, "group": EVIL, "judged": True}
    for ratio in ("approval_ratio", "equal_opportunity_ratio"):
        line |= {ratio: 0.5, f"{ratio}_low": 0.4, f"{ratio}_high": 0.6}
    fairness = pd.DataFrame([line | {"reference": False, "min_ratio": 0.8}])
    board = pd.DataFrame({"algorithm": [f"other {EVIL}", "```\n# b", EVIL], "score": [3, 2, 1]})
    given = counted(
        made(
            params={f"{EVIL}.yaml": {EVIL: pair}},
            old_lock={"a": {"params": {"params.yaml": {"x": 1}}}},
            new_lock={"a": {"params": {"params.yaml": {"x": 1, EVIL: 2}}}, EVIL: {}},
            stale={EVIL: [EVIL]},
            tables={"fairness": (fairness, fairness), "leaderboard": (board, board)},
        )
    )
    files = {
        PREPARE: given.metrics[PREPARE] | missing,
        f"metrics/train/{EVIL.replace('/', '')}.json": score,
        SELECT: given.metrics[SELECT] | {"algorithm": pair, EVIL: pair},
    }
    return replace(given, metrics=given.metrics | files)


def test_names_and_values_of_a_change_are_text_in_the_review():
    given, pictures = hostile(), {EVIL: Path("review/a b.png")}
    charts = comment_charts(given)
    for section in (
        pictures_inline(pictures),
        pictures_linked(pictures, "http://localhost/run", charts),
        pictures_linked(pictures, 'http://localhost/">)<h1>[x', charts),
    ):
        html = rendered(document(given, "heading", section))
        assert tags_of(html) <= TAGS
        assert html.count("<details>") == html.count("</details>") == 4
        assert additions_in(html) == []
        links = re.findall(r'(?:src|href)="([^"]*)"', html)
        assert len(links) == 1
        assert links[0] == "review/a%20b.png" or links[0].startswith("http://localhost/")
    shown = text_of(html)
    for words in (
        f"champion changed: {EVIL} to other {EVIL} ", f"missing: {EVIL}", f"rejected: {EVIL}",
        f"{EVIL}.yaml {EVIL} {EVIL} other {EVIL}", f"{EVIL} (new)", f"dvc repro. {EVIL}: {EVIL}.",
        f"{EVIL}: {EVIL}: ratio to the largest group 0.50 (approval)",
        f"lowest ratio of approval ({EVIL}: {EVIL})",
    ):  # fmt: skip
        assert words in shown
    assert "APPROVED" in text_of(rendered(verdict(given).look_at[0]))


def test_value_of_any_length_leaves_the_review_short():
    pair = {"old": "a", "new": "b" * 100_000}
    given = counted(made(params={"params.yaml": {"c" * 100_000: pair}}))
    fairness = hostile().tables["fairness"][1].assign(group="d" * 100_000)
    given = replace(given, tables={"fairness": (None, fairness)})
    assert len(document(given, "heading", PICTURES)) < 8_000


def test_results_that_lag_behind_are_told_in_two_lines():
    stale = {f"stage{number}": ["a", "b"] for number in range(18)}
    text = document(counted(made(stale=stale)), "heading", PICTURES)
    (line,) = (line for line in text.splitlines() if line.startswith(">"))
    assert line.endswith("`stage0`: `a`, `b`; `stage1`: `a`, `b`; and 16 more stages.")


def test_the_verdict_rests_on_nothing_that_is_folded():
    text = document(counted(made()), "heading", PICTURES)
    folded = re.findall(r"<summary>(.*)</summary>", text)
    assert folded == ["Stages", "Models", "All metrics of the champion", "All numbers that differ"]


def charted(old: pd.DataFrame | None, new: pd.DataFrame | None, name: str = "roc") -> str:
    return comment_charts(made(tables={name: (old, new)}))


def test_a_comment_draws_the_curves_of_both_revisions():
    old = pd.DataFrame({"fpr": [0, 0, 0.5, 1], "tpr": [0, 0.4, 0.8, 1.0]})
    new = pd.DataFrame({"fpr": [0, 1], "tpr": [0, 1]})
    text = charted(old, new)
    assert text.startswith("ROC curve on the test rows (blue: this change, orange: the base).")
    base, here = (
        [float(value) for value in line.split(",")] for line in re.findall(r"line \[(.*)\]", text)
    )
    assert (len(base), base[0], base[12], base[-1]) == (25, 0.4, 0.8, 1.0)
    assert here == pytest.approx([number / 24 for number in range(25)], abs=1e-4)
    assert 'y-axis "bad refused" 0 --> 1.0' in text
    # The curve that is drawn last has the last colour.
    assert 'plotColorPalette: "#D55E00, #0072B2"' in text
    alone = charted(None, new)
    assert "(blue: this change)" in alone
    assert 'plotColorPalette: "#0072B2"' in alone
    assert charted(old, None) == ""
    assert charted(old, pd.DataFrame({"other": [1]})) == ""


def test_the_cost_by_cut_off_is_that_of_the_training_rows():
    frame = pd.DataFrame(
        {"rows": ["oof", "oof", "test"], "threshold": [0, 1, 0.5], "expected_cost": [0.7, 1.5, 9]}
    )
    text = charted(frame, frame, "cost")
    assert "line [0.7, " in text
    assert 'y-axis "cost a head" 0 --> 1.5' in text


def test_the_champions_are_marked_in_the_bars():
    board = pd.DataFrame({"algorithm": ["rf", "vote", "lr"], "score": [0.8, 0.79, 0.7]})
    lines = charted(board.assign(score=[0.7, 0.6, 0.5]), board, "leaderboard").splitlines()
    # made() has lr in the base, rf here.
    (best, vote, worst) = lines[4:7]
    assert best.startswith("rf    0.8000    0.7000  " + "\u2588" * 30)
    assert best.endswith("<- champion here")
    assert "champion" not in vote
    assert worst.endswith("<- champion base")
    assert vote.count("\u2588") > 10 * worst.count("\u2588") / 3 > 0


def test_the_champions_are_marked_in_the_picture():
    rows = [{"algorithm": name, "rev": rev} for rev in ("here", "base") for name in ("lr", "rf")]
    plot = {"data": {"values": rows}, "layer": [], "encoding": {"y": {"field": "algorithm"}}}
    mark_champions(plot, {"here": "rf", "base": "lr"})
    assert [row["champion"] for row in rows] == [False, True, True, False]
    assert plot["layer"][0]["mark"]["text"] == "champion"
    other = {"data": {"values": [{}]}, "layer": [], "encoding": {"y": {"field": "tpr"}}}
    mark_champions(other, {"here": "rf"})
    assert other["layer"] == []

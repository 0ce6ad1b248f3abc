"""`make review`: a whole review played, and each fact of the report held against its source."""

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import t

from creditrisk.workflow.review.decisions import DECISIONS
from creditrisk.workflow.review.plots import specifications
from creditrisk.workflow.review.revision import find_base
from tests.support.dvc_project import link_environments
from tests.support.project import SMALL, Project
from tests.support.rendered import additions_in, rendered, tags_of, text_of
from tests.support.review import EVIL, TAGS, auc, rows, sections

EVALUATE, SELECT = "metrics/evaluate.json", "metrics/select.json"
WORDS = {
    "AUC": "roc_auc", "Gini": "gini", "KS": "ks", "average precision": "average_precision",
    "accuracy": "accuracy", "precision": "precision", "recall": "recall", "F1": "f1",
    "G-mean": "gmean", "Brier score": "brier", "log loss": "log_loss",
    "cost a head": "expected_cost",
}  # fmt: skip
BLUE, VERMILION = (0, 114, 178), (213, 94, 0)


def at(project: Project, revision: str, path: str):
    return json.loads(project.run("git", "show", f"{revision}:{path}").out)


def report(project: Project, *args: str) -> str:
    done = project.command("review", *args)
    assert done.code == 0, done.err
    return (project.folder / "review.md").read_text()


def colours(path: Path) -> set[tuple[int, int, int]]:
    image = Image.open(path)
    assert image.format == "PNG"
    assert min(image.size) >= 600
    assert max(image.size) <= 1600
    found = image.convert("RGB").getcolors(1 << 24)
    return {colour for count, colour in found if count > 50}


def test_whole_review(fresh: Project):
    """Branch, one parameter, `dvc exp run`, `dvc exp apply`, commit, `make review`."""
    fresh.run("git", "checkout", "-qb", "change")
    change = "algorithms.rf.n_estimators=40"
    fresh.dvc("exp", "run", "--temp", "--name", "forty", "-S", change, LOKY_MAX_CPU_COUNT="1")
    fresh.dvc("exp", "apply", "forty")
    fresh.commit("forty trees")
    link_environments(fresh.folder)
    done = fresh.run("make", "review")
    assert done.code == 0, done.err
    assert not fresh.run("git", "status", "--porcelain").out
    text = (fresh.folder / "review.md").read_text()
    assert len(text) < 65_536
    found = sections(text)
    old, new = (
        {path: at(fresh, revision, path) for path in (EVALUATE, SELECT)}
        for revision in ("main", "HEAD")
    )
    the_verdict_is_that_of_the_folds(fresh, text, old, new)
    the_numbers_are_those_of_the_files(found["Metrics of the champion"], old, new, 9)
    the_numbers_are_those_of_the_files(found["All metrics of the champion"], old, new, 36)
    the_models_are_those_that_moved(fresh, found["Models"])
    (param,) = rows(found["Parameters"])
    assert list(param.values()) == ["`params.yaml`", "`algorithms.rf.n_estimators`", "10", "40"]
    stages = {row["stage"]: row for row in rows(found["Stages"])}
    assert list(stages) == ["`train@rf`", "`train@vote`", "`select`", "`evaluate`"]
    assert stages["`train@rf`"]["changed inputs"] == "`algorithms.rf`"
    assert "1,000 rows read, 1,000 clean, 0 rejected" in found["Data"]
    differ = found["All numbers that differ"]
    assert all(line in differ for line in ("cv_se.roc_auc", "`cv.roc_auc`", "| change |"))
    assert "summary" not in differ
    the_decisions_are_those_of_the_files(fresh, text)
    the_pictures_show_both(fresh.folder, found["Pictures"])
    comment = (fresh.folder / "review/comment.md").read_text()
    assert comment.startswith("<!-- creditrisk-review -->\n")
    pictures = sections(comment)["Pictures"]
    assert pictures.strip().endswith("written by `make review`.")
    assert pictures.count("```mermaid") == 2
    for side, place in ((old, "base"), (new, "here")):
        (line,) = (line for line in pictures.splitlines() if f"champion {place}" in line
                   or line.endswith("<- champion"))  # fmt: skip
        assert line.split()[0] == side[SELECT]["algorithm"]
    # What a person must have read is above everything else.
    head = comment.partition("### ")[0]
    assert "<details>" not in head
    assert len([line for line in head.splitlines() if line.strip()]) <= 20


def the_verdict_is_that_of_the_folds(project: Project, text: str, old: dict, new: dict) -> None:
    """Recompute change and margin from the out-of-fold PDs, without the code under test."""
    names = [side[SELECT]["algorithm"] for side in (old, new)]
    project.dvc("get", ".", f"data/oof/{names[0]}.parquet", "--rev", "main", "-o", "old.parquet")
    frames = [pd.read_parquet(project.folder / "old.parquet")]
    frames.append(pd.read_parquet(project.folder / f"data/oof/{names[1]}.parquet"))
    scores = [[auc(part) for _, part in f.groupby(["repeat", "fold"])] for f in frames]
    gaps = np.subtract(scores[1], scores[0])
    change = new[SELECT]["cv"]["roc_auc"] - old[SELECT]["cv"]["roc_auc"]
    assert gaps.mean() == pytest.approx(change, abs=1e-9)
    k = len(gaps)
    margin = t.ppf(0.975, k - 1) * np.std(gaps, ddof=1) * np.sqrt(1 / k + 1 / (k - 1))
    nested = [side[SELECT]["nested"]["mean"]["roc_auc"] for side in (old, new)]
    agree = (nested[1] > nested[0]) == (change > 0)
    sure = abs(change) > margin and agree
    words = ("Better" if change > 0 else "Worse") if sure else "No difference that the data can"
    assert f"**{words}" in text
    moved = f"{change:+.4f} \N{PLUS-MINUS SIGN} {margin:.4f}"
    assert f"CV AUC moved by {moved} (95%, over the same folds)" in text
    (row,) = (row for row in rows(text) if row["what"] == "CV AUC")
    assert row["change, 95% margin"] == moved
    words = ("**better**" if change > 0 else "**worse**") if abs(change) > margin else "within"
    assert row[""].startswith(words if change else "no change")
    assert (f"champion changed: {names[0]} to {names[1]}" in text) == (names[0] != names[1])
    assert "Data unchanged." in text


def the_numbers_are_those_of_the_files(text: str, old: dict, new: dict, count: int) -> None:
    found = rows(text)
    assert len(found) == count
    for row in found:
        name = WORDS[row["metric"].split(" (")[0]]
        a, b = (
            {"CV": side[SELECT]["cv"], "nested CV": side[SELECT]["nested"]["mean"],
             "test": side[EVALUATE]["test"]}[row["rows"]][name]
            for side in (old, new)
        )  # fmt: skip
        assert row["base"] == f"{a:.4f}"
        assert row["here"] == f"{b:.4f}"
        assert row["change, 95% margin"].startswith(f"{b - a:+.4f}")
        if row["rows"] != "test":
            continue
        # Zou and Donner 2008, from the two intervals.
        (l1, u1), (l2, u2) = (side[EVALUATE]["test"]["ci"][name] for side in (old, new))
        low, high = b - a - math.hypot(b - l2, u1 - a), b - a + math.hypot(u2 - b, a - l1)
        word = "no change" if a == b else "within the margin" if low <= 0 <= high else "**"
        assert row[""].startswith(word)


def the_decisions_are_those_of_the_files(project: Project, text: str) -> None:
    """Count the swapped decisions without the code under test."""
    project.dvc("get", ".", DECISIONS, "--rev", "main", "-o", "old_decisions.parquet")
    old, new = (
        pd.read_parquet(project.folder / path).set_index("row_id")
        for path in ("old_decisions.parquet", DECISIONS)
    )
    swapped = old["decision"] != new["decision"].loc[old.index]
    count = int(swapped.sum())
    words = f"{count} of {len(old)} test applicants" if count else "None of"
    (line,) = (line for line in text.splitlines() if line.startswith("**Decisions.** "))
    assert line.startswith(f"**Decisions.** {words}")
    approved = (old["decision"] == "reject") & (new["decision"].loc[old.index] == "accept")
    if approved.any():
        gone = int(old.loc[approved, "bad"].sum())
        assert f"{int(approved.sum())} refused before" in line
        assert f"accepted now ({gone} of them went bad)" in line


def the_models_are_those_that_moved(project: Project, text: str) -> None:
    found = {row["model"]: row for row in rows(text)}
    assert set(found) == {"`rf`", "`vote`"}
    for name in ("rf", "vote"):
        a, b = (
            at(project, revision, f"metrics/train/{name}.json")["cv"]["roc_auc"]
            for revision in ("main", "HEAD")
        )
        assert list(found[f"`{name}`"].values())[1:] == [f"{a:.4f}", f"{b:.4f}", f"{b - a:+.4f}"]
    assert text.count("`") == 2 * len(SMALL["algorithms"])


def the_pictures_show_both(folder: Path, text: str) -> None:
    names = re.findall(r"!\[.*\]\((review/.*\.png)\)", text)
    wanted = "calibration confusion expected-cost leaderboard precision-and-recall roc-curve"
    assert sorted(Path(n).stem for n in names) == [*wanted.split(), "score-distribution"]
    for name in names:
        seen = colours(folder / name)
        if "confusion" not in name:  # two panels, each with the revision's name above it
            assert seen >= {BLUE, VERMILION} or "leaderboard" in name
            assert near(seen, BLUE)
            assert near(seen, VERMILION)


def near(seen: set[tuple[int, int, int]], colour: tuple[int, int, int]) -> bool:
    """Look for a colour or its lighter shade: points are drawn with opacity."""
    light = tuple(round(0.7 * c + 0.3 * 255) for c in colour)
    return any(max(abs(a - b) for a, b in zip(s, c, strict=True)) <= 3
               for s in seen for c in (colour, light))  # fmt: skip


def test_other_data_are_counted_and_results_that_lag_behind_are_told(fresh: Project):
    source = fresh.folder / "data/raw/german_credit.csv"
    lines = source.read_text().splitlines(keepends=True)
    first = lines[1].split(",")
    first[1] = "?"
    source.write_text("".join([lines[0], ",".join(first), *lines[2:901], lines[5], lines[6]]))
    fresh.dvc("repro", "prepare")
    text = report(fresh)
    assert "data changed: 1,000 rows read, now 902" in text
    warning = text.index("**These are not the results of this code and data**")
    assert warning < text.index("**No difference in CV.**")
    assert "`eda`: `data/interim/clean.parquet`" in text[warning:].split("\n")[0]
    counts = {row["count"]: row for row in rows(sections(text)["Data"])}
    prepared = json.loads((fresh.folder / "metrics/prepare.json").read_text())
    before = at(fresh, "main", "metrics/prepare.json")
    assert list(counts["rows read"].values())[1:] == ["1,000", "902", "-98"]
    assert prepared["rejected"]["duplicate"] == 2
    assert list(counts["rejected: duplicate"].values())[1:] == ["0", "2", "+2"]
    (column,) = (c for c, n in prepared["missing"].items() if n != before["missing"][c])
    assert list(counts[f"missing: {column}"].values())[1:] == ["0", "1", "+1"]
    assert counts["bad rate"]["here"] == f"{prepared['bad_rate']:.4f}"


def test_no_change_no_results_and_no_base(fresh: Project, tmp_path):
    # A part of what a stage reads is not on this machine: the results are what they were.
    shutil.rmtree(fresh.folder / "data/candidates/single/rf")
    (fresh.folder / "data/oof/rf.parquet").unlink()
    text = report(fresh)
    assert "These are not the results" not in text
    assert "**Nothing changed.**" in text
    assert "Same champion" in text
    found = sections(text)
    assert "None changed." in found["Parameters"]
    assert "None changed." in found["Stages"]
    assert {row[""] for row in rows(found["Metrics of the champion"])} == {"no change"}
    assert "None of 200 test applicants is decided otherwise." in text

    first = fresh.run("git", "rev-list", "--max-parents=0", "HEAD").out.strip()
    text = report(fresh, "--base", first)
    assert "**Everything is new: the base has no results.**" in text
    assert rows(sections(text)["Metrics of the champion"])[0]["base"] == ""

    def fails(*args: str) -> str:
        done = fresh.command("review", *args)
        assert done.code == 2
        (line,) = done.err.splitlines()
        return line

    assert fails("--base", "mian") == (
        "error: Git: BASE=mian: no such revision. Did you mean main?"
    )
    assert "branch prod: found neither locally nor at origin" in fails("--into", "prod")
    for name in ("evaluate", "ingest"):  # the first of the pipeline is told
        (fresh.folder / f"metrics/{name}.json").unlink()
        assert fails() == (
            f"error: metrics/{name}.json: file: not found. Run `dvc repro` to make it."
        )
    (fresh.folder / ".git").rename(tmp_path / "git")
    line = fails()
    assert line.startswith("error: .: Git: not a git repository (or any")
    assert line.endswith(". Run this in a clone of the project.")


def test_hostile_change_is_text_in_the_comment_that_is_posted(fresh: Project, monkeypatch):
    fresh.params({"note": {EVIL: EVIL}})
    path = fresh.folder / "dvc.yaml"
    plot = "- '</summary> @octocat ](': {x: fpr, y: {plots/roc.csv: tpr}, template: roc}"
    path.write_text(path.read_text().replace("\nplots:\n", f"\nplots:\n{plot}\n"))
    board = fresh.folder / "plots/leaderboard.csv"
    board.write_text(re.sub("(?m)^1,[^,]*", "1,'=1+1", board.read_text()))
    text = report(fresh)
    comment = (fresh.folder / "review/comment.md").read_text()
    for page in (text, comment):
        html = rendered(page)
        assert tags_of(html) <= TAGS
        assert html.count("<details>") == html.count("</details>")
        assert additions_in(html) == []
        assert f"note.{EVIL} - {EVIL}" in text_of(html)
    for picture in re.findall(r'src="([^"]*)"', rendered(text)):
        assert (fresh.folder / picture).read_bytes().startswith(b"\x89PNG")
    monkeypatch.chdir(fresh.folder)
    drawn = specifications(find_base("HEAD", "main"), ("lr", "=1+1"))["Leaderboard"]
    marked = {(row["rev"][:4], row["algorithm"]) for row in drawn["data"]["values"]
              if row["champion"]}  # fmt: skip
    assert marked == {("this", "=1+1"), ("base", "lr")}
    names = {row["algorithm"] for row in drawn["data"]["values"] if row["rank"] == "1"}
    assert "=1+1" in names

"""`make review`: a whole review played, and each fact of the report held against its source."""

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import t

from creditrisk.select.summary import cv_fold_scores
from creditrisk.workflow.review.changes import (
    INGEST,
    PREPARE,
    Changes,
    changed_stages,
    stale_stages,
)
from creditrisk.workflow.review.markdown import (
    Section,
    document,
    pictures_inline,
    pictures_linked,
)
from creditrisk.workflow.review.plots import specifications
from creditrisk.workflow.review.revision import find_base
from creditrisk.workflow.review.tables import table
from creditrisk.workflow.review.verdict import paired_margin, verdict, within_interval
from tests.support.dvc_project import link_environments
from tests.support.project import SMALL, Project
from tests.support.rendered import additions_in, rendered, tags_of, text_of

EVALUATE, SELECT = "metrics/evaluate.json", "metrics/select.json"
WORDS = {
    "AUC": "roc_auc", "Gini": "gini", "KS": "ks", "average precision": "average_precision",
    "accuracy": "accuracy", "precision": "precision", "recall": "recall", "F1": "f1",
    "G-mean": "gmean", "Brier score": "brier", "log loss": "log_loss",
    "cost a head": "expected_cost",
}  # fmt: skip
EVIL = "</details><h1>APPROVED by risk</h1> @octocat ![x](http://127.0.0.1/a.png) | $x$"
# What a review consists of.
TAGS = {
    "h2", "h3", "p", "code", "strong", "details", "summary", "table", "thead", "tbody", "tr", "th",
    "td", "img", "a",
    "blockquote",
}  # fmt: skip
BLUE, VERMILION = (0, 114, 178), (213, 94, 0)


def sections(text: str) -> dict[str, str]:
    parts = re.split(r"^(?:### (.*)|<details><summary>(.*)</summary>)$", text, flags=re.M)
    return {a or b: body for a, b, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)}


def rows(text: str) -> list[dict[str, str]]:
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:1] == "|"]
    head, *body = [[cell.strip() for cell in line] for line in lines]
    return [dict(zip(head, line, strict=True)) for line in body[1:]]


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
    assert all(line in found["dvc metrics diff"] for line in ("cv_se.roc_auc", "| change |"))
    the_pictures_show_both(fresh.folder, found["Pictures"])
    comment = (fresh.folder / "review/comment.md").read_text()
    assert comment.startswith("<!-- creditrisk-review -->\n")
    assert sections(comment)["Pictures"].strip().endswith("written by `make review`.")


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
    assert f"CV AUC moved by {change:+.4f} \N{PLUS-MINUS SIGN} {margin:.4f} (95%, over the" in text
    assert ("inside the test interval" in text) == is_inside(old, "roc_auc", change)
    assert (f"champion changed: {names[0]} to {names[1]}" in text) == (names[0] != names[1])
    assert "data unchanged" in text


def auc(part: pd.DataFrame) -> float:
    """Count the pairs that the PD orders rightly."""
    good, bad = (part.loc[part["bad"] == b, "pd"].to_numpy() for b in (0, 1))
    gaps = bad[:, None] - good[None, :]
    return float(((gaps > 0) + 0.5 * (gaps == 0)).mean())


def is_inside(old: dict, metric: str, change: float) -> bool:
    low, high = old[EVALUATE]["test"]["ci"][metric]
    return low <= old[EVALUATE]["test"][metric] + change <= high


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
        assert row["change"] == f"{b - a:+.4f}"
        assert (row["change inside it"] == "yes") == is_inside(old, name, b - a)
        if row["rows"] == "test":
            low, high = old[EVALUATE]["test"]["ci"][name]
            assert row["95% test interval of the base"] == f"{low:.4f} to {high:.4f}"


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
    assert "same champion" in text
    found = sections(text)
    assert "None changed." in found["Parameters"]
    assert "None changed." in found["Stages"]
    assert {row["change"] for row in rows(found["Metrics of the champion"])} == {"+0.0000"}

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


# The judgement by itself, on numbers made for it.


def oof(shift: float, noise: float, seed: int = 1) -> pd.DataFrame:
    """PDs of 400 applicants in 5 folds, twice; `shift` parts the bad from the good."""
    rng, parts = np.random.default_rng(seed), []
    for repeat in range(2):
        bad = np.tile([0, 0, 1, 0], 100)
        score = shift * bad + np.random.default_rng(repeat).normal(size=400)
        score += noise * rng.normal(size=400)
        fold = np.repeat(np.arange(5), 80)
        frame = {"row_id": np.arange(400), "repeat": repeat, "fold": fold, "bad": bad}
        parts.append(pd.DataFrame(frame | {"pd": 1 / (1 + np.exp(-score))}))
    return pd.concat(parts, ignore_index=True)


def made(cv=(0.75, 0.76), nested=(0.74, 0.75), folds=(None, None), se=0.02, **more) -> Changes:
    pair = {"old": se, "new": se}
    select = {
        "algorithm": {"old": "lr", "new": "rf"},
        "scoring": {"old": "roc_auc", "new": "roc_auc"},
        "cv.roc_auc": {"old": cv[0], "new": cv[1]},
        "nested.mean.roc_auc": {"old": nested[0], "new": nested[1]},
        "cv_se.roc_auc": pair,
        "nested.se.roc_auc": pair,
    }
    evaluate = {"test.roc_auc": {"old": 0.78, "new": 0.70}}
    given = {
        "metrics": {SELECT: select, EVALUATE: evaluate},
        "params": {},
        "old_lock": {},
        "new_lock": {},
        "stale": {},
        "ci": {"roc_auc": [0.72, 0.90]},
        "folds": folds,
    }
    return Changes(**given | more)


def test_test_metrics_have_no_say_in_the_verdict():
    words, why = verdict(made(cv=(0.75, 0.95), nested=(0.74, 0.94)))
    assert words == "Better"
    assert "outside the test interval" in why


def test_verdict_needs_more_than_the_margin_and_no_objection_of_nested_cv():
    assert verdict(made())[0] == "No difference that the data can tell"
    # 2 * sqrt(2) * 0.02 = 0.0566
    assert verdict(made(cv=(0.75, 0.806)))[0] == "No difference that the data can tell"
    assert verdict(made(cv=(0.75, 0.807)))[0] == "Better"
    assert verdict(made(cv=(0.807, 0.75), nested=(0.75, 0.74)))[0] == "Worse"
    words, _ = verdict(made(cv=(0.75, 0.807), nested=(0.75, 0.74)))
    assert words.endswith("nested CV moved the other way")


def test_same_folds_tell_what_two_separate_estimates_cannot():
    old, new = oof(1.0, 0.0), oof(1.4, 0.05)
    cv = [np.mean([auc(p) for _, p in f.groupby(["repeat", "fold"])]) for f in (old, new)]
    folds = cv_fold_scores(old, "roc_auc"), cv_fold_scores(new, "roc_auc")
    given = made(cv=cv, folds=folds, se=0.03)
    assert verdict(given)[0] == "Better"
    assert verdict(replace(given, folds=(None, None)))[0] == "No difference that the data can tell"
    other = new.assign(fold=new["fold"].to_numpy()[::-1])
    assert paired_margin(folds[0], cv_fold_scores(other, "roc_auc")) is None


def test_change_is_inside_up_to_the_ends_of_the_base_interval():
    given = made()
    assert within_interval(given, "roc_auc", 0.12)
    assert within_interval(given, "roc_auc", -0.06)
    assert not within_interval(given, "roc_auc", 0.1201)
    assert not within_interval(given, "roc_auc", -0.0601)
    assert within_interval(given, "brier", 0.01) is None


def test_data_that_are_elsewhere_are_no_sign_of_stale_results():
    status = {
        "prepare": [{"changed deps": {"data/interim/raw.parquet": "deleted"}}],
        "train@rf": [
            {
                "changed deps": {
                    "data/train.parquet": "deleted",
                    "params.yaml": {"a.rf": "modified"},
                }
            },
            {"changed outs": {"models/rf.joblib": "not in cache", "metrics/rf.json": "modified"}},
        ],
        "select": ["changed command"],
    }
    assert stale_stages(status, {}, lambda md5: None) == {
        "train@rf": ["a.rf", "metrics/rf.json"],
        "select": ["command"],
    }


def test_folder_with_a_part_elsewhere_is_held_against_the_makers_of_its_parts():
    inner = [{"md5": "1" * 32, "relpath": "model"}]
    files = [
        {"md5": "2" * 32, "relpath": "lr.json"},
        {"md5": "1" * 32, "relpath": "rf/model"},
    ]
    whole = hashlib.md5(json.dumps(files).encode()).hexdigest() + ".dir"
    lock = {
        "train@lr": {"outs": [{"path": "oof/lr.json", "md5": "2" * 32}]},
        "train@rf": {"outs": [{"path": "oof/rf", "md5": "3.dir"}, {"path": "x", "md5": "4"}]},
        "select": {"deps": [{"path": "oof", "md5": whole}, {"path": "code", "md5": "5.dir"}]},
    }
    status = {"select": [{"changed deps": {"oof": "modified"}}]}
    assert stale_stages(status, lock, {"3.dir": inner}.get) == {}
    # Whose hashes are elsewhere too says nothing; code that no stage makes speaks for itself.
    assert stale_stages(status, lock, lambda md5: None) == {}
    changed = {"select": [{"changed deps": {"oof": "modified", "code": "modified"}}]}
    assert stale_stages(changed, lock, {"3.dir": inner}.get) == {"select": ["code"]}
    # One of its makers ran again, and it did not.
    lock["train@lr"]["outs"][0]["md5"] = "6" * 32
    assert stale_stages(status, lock, {"3.dir": inner}.get) == {"select": ["oof"]}
    outs = {"select": [{"changed outs": {"oof": "modified"}}]}
    assert stale_stages(outs, lock, lambda md5: None) == {"select": ["oof"]}


def test_what_the_base_does_not_tell_is_not_known():
    given = made(cv=(0.75, 0.807), nested=(0.74, 0.75))
    ingest = {name: {"old": 1000, "new": 1000} for name in ("source_sha256", "rows_read")}
    select = given.metrics[SELECT] | {"algorithm": {"old": "rf", "new": "rf"}}
    given = replace(given, metrics=given.metrics | {INGEST: ingest, SELECT: select})
    unknown = "not known (the base has no dvc.lock)"
    words, why = verdict(given)
    assert words == "Better"
    assert f"same champion (rf), whether it is the same model is {unknown}" in why
    assert f"same file, whether its rows changed is {unknown}" in why
    assert "unchanged" not in why
    lost = {name: {"old": None, "new": 1000} for name in ingest}
    prepared = {name: {"old": None, "new": 900} for name in ("rows_clean", "rows_rejected")}
    given = replace(given, metrics=given.metrics | {INGEST: lost, PREPARE: prepared})
    assert "not known (the base has no metrics/ingest.json)" in verdict(given)[1]
    text = document(given, "heading", Section("Pictures", "none"))
    assert "Not known: the base has no dvc.lock." in sections(text)["Stages"]
    counts = {row["count"]: row["base"] for row in rows(sections(text)["Data"])}
    assert counts == dict.fromkeys(("rows read", "rows clean", "rows rejected"), "not known")


def test_stages_that_come_go_and_change():
    def stage(code: str, value: int) -> dict:
        return {
            "cmd": "run",
            "deps": [{"path": "code.py", "md5": code}],
            "params": {"params.yaml": {"a": value, "b": 1}},
            "outs": [{"path": "out", "md5": f"{code}{value}"}],
        }

    old = {"same": stage("x", 1), "went": stage("x", 1), "moved": stage("x", 1)}
    new = {"same": stage("x", 1), "moved": stage("y", 2), "came": stage("x", 1)}
    found = {row["stage"]: row for row in changed_stages(old, new)}
    assert {name: row["why"] for name, row in found.items()} == {
        "moved": "changed", "came": "new", "went": "gone",
    }  # fmt: skip
    assert found["moved"]["reads"] == ["a", "code.py"]
    assert found["moved"]["writes"] == ["out"]


def test_long_report_gives_up_its_longest_folded_parts_and_fits_a_comment():
    counts = {"rows_read": 10, "rows_clean": 10, "rows_rejected": 0}
    counts = {name: {"old": n, "new": n} for name, n in counts.items()}
    files = {"metrics/ingest.json": counts, "metrics/prepare.json": counts}
    long = {f"m{i}": {"old": 0.1, "new": 0.2, "diff": 0.1} for i in range(3000)}
    given = made()
    given = replace(given, metrics=given.metrics | files | {"metrics/eda.json": long})
    text = document(given, "heading", Section("Pictures", "none"))
    assert len(text) < 65_536
    assert "Too long for this review" in text
    assert len(document(given, "heading", Section("Pictures", "none"), 10**6)) > 65_536


def test_cells_do_not_break_the_table():
    assert table([{"a": "x|y"}]).splitlines()[-1] == "| x\\|y |"


def test_names_and_values_of_a_change_are_text_in_the_review():
    pair = {"old": EVIL, "new": f"other {EVIL}"}
    counts = {"rows_read": 10, "rows_clean": 10, "rows_rejected": 0}
    counts = {name: {"old": n, "new": n} for name, n in counts.items()}
    missing = {f"missing.{EVIL}": {"old": 1, "new": 2}, f"rejected.{EVIL}": {"old": 1, "new": 2}}
    score = {"cv.roc_auc": {"old": 0.7, "new": 0.8}}
    given = made(
        params={f"{EVIL}.yaml": {EVIL: pair}},
        old_lock={"a": {"params": {"params.yaml": {"x": 1}}}},
        new_lock={"a": {"params": {"params.yaml": {"x": 1, EVIL: 2}}}, EVIL: {}},
        stale={EVIL: [EVIL]},
    )
    files = {
        INGEST: counts,
        PREPARE: counts | missing,
        f"metrics/train/{EVIL.replace('/', '')}.json": score,
    }
    champion = {"algorithm": pair, EVIL: pair}
    files |= {SELECT: given.metrics[SELECT] | champion}
    given = replace(given, metrics=given.metrics | files)
    pictures = {EVIL: Path("review/a b.png")}
    for section in (
        pictures_inline(pictures),
        pictures_linked(pictures, "http://localhost/run"),
        pictures_linked(pictures, 'http://localhost/">)<h1>[x'),
    ):
        html = rendered(document(given, "heading", section))
        assert tags_of(html) <= TAGS
        assert html.count("<details>") == html.count("</details>") == 3
        assert additions_in(html) == []
        links = re.findall(r'(?:src|href)="([^"]*)"', html)
        assert len(links) == 1
        assert links[0] == "review/a%20b.png" or links[0].startswith("http://localhost/")
    shown = text_of(html)
    for words in (
        f"champion changed: {EVIL} to other {EVIL};", f"missing: {EVIL}", f"rejected: {EVIL}",
        f"{EVIL}.yaml {EVIL} {EVIL} other {EVIL}", f"{EVIL} (new)", f"dvc repro. {EVIL}: {EVIL}.",
    ):  # fmt: skip
        assert words in shown
    assert "APPROVED" in text_of(rendered(verdict(given)[1]))


def test_value_of_any_length_leaves_the_review_short():
    pair = {"old": "a", "new": "b" * 100_000}
    counts = {name: {"old": 1, "new": 1} for name in ("rows_read", "rows_clean", "rows_rejected")}
    given = made(params={"params.yaml": {"c" * 100_000: pair}})
    given = replace(given, metrics=given.metrics | {INGEST: counts, PREPARE: counts})
    assert len(document(given, "heading", Section("Pictures", "none"))) < 5_000


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
    drawn = specifications(find_base("HEAD", "main"))["Leaderboard"]
    names = {row["algorithm"] for row in drawn["data"]["values"] if row["rank"] == "1"}
    assert "=1+1" in names

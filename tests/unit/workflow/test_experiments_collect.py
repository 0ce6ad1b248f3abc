"""The metrics of experiments come from the commits that DVC made for them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from creditrisk.workflow.experiments.collect import collect


def git(*args: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write(model: str, auc: float, own: float) -> None:
    Path("metrics/train").mkdir(parents=True, exist_ok=True)
    result = {"algorithm": model, "cv": {"roc_auc": auc}, "test": {"roc_auc": auc + 0.01}}
    Path("metrics/evaluate.json").write_text(json.dumps(result))
    Path("metrics/train/rf.json").write_text(json.dumps({"cv": {"roc_auc": own}}))


def shown(rev: str, trees: int, **more: Any) -> dict[str, Any]:
    """An entry of `dvc exp show --json`, without metrics."""
    params = {"algorithms": {"rf": {"n_estimators": trees}}, "seed": 1}
    data = {"params": {"params.yaml": {"data": params}}, "metrics": {}}
    return {"rev": rev, "name": "main", "data": data, "experiments": None} | more


def experiment(entry: dict[str, Any], name: str, state: str | None = None) -> dict[str, Any]:
    return {"revs": [entry], "executor": {"state": state} if state else None, "name": name}


@pytest.fixture
def commits(tmp_path: Path, monkeypatch) -> tuple[str, str]:
    """The commit of a baseline and one of an experiment; the work tree differs from both."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    found = []
    for numbers in (("lr", 0.7, 0.65), ("rf", 0.8, 0.8)):
        write(*numbers)
        git("add", "-A")
        git("commit", "-qm", "results")
        found.append(git("rev-parse", "HEAD"))
    write("lr", 0.75, 0.6)
    return found[0], found[1]


def test_each_row_has_the_numbers_of_its_own_revision(commits: tuple[str, str]):
    main, tried = commits
    done = experiment(shown(tried, 40), "forty")
    waiting = experiment(shown(tried, 50), "fifty", "queued")
    rows = collect(
        [shown("workspace", 10), shown(main, 10, experiments=[done, waiting])], "roc_auc"
    )
    assert [(r.name, r.mark, r.state, r.model, r.cv.get("roc_auc")) for r in rows] == [
        ("forty", "", "done", "rf", 0.8),
        ("workspace", "workspace", "done", "lr", 0.75),
        ("main", "baseline", "done", "lr", 0.7),
        ("fifty", "", "queued", "", None),
    ]
    assert [row.touched for row in rows] == [{"rf": 0.8}, {"rf": 0.6}, {"rf": 0.65}, {}]
    assert rows[0].changed == ("algorithms.rf.n_estimators=40",)
    assert rows[0].test["roc_auc"] == pytest.approx(0.81)


def test_a_commit_without_results_or_with_broken_ones_is_a_row_without_numbers(
    commits: tuple[str, str],
):
    Path("metrics/evaluate.json").write_text("<<<<<<<")
    empty = git("commit-tree", "-m", "nothing", git("hash-object", "-t", "tree", "/dev/null", "-w"))
    rows = collect([shown("workspace", 10), shown(empty, 10)], "roc_auc")
    assert [(row.name, row.model, row.cv) for row in rows] == [
        ("workspace", "", {}), ("main", "", {}),
    ]  # fmt: skip

"""A dropped algorithm leaves files: they are named, with the command that removes them."""

import subprocess
from pathlib import Path

import pytest
import yaml

from creditrisk.core.errors import InputError
from creditrisk.select.stale_outputs import find_stale_outputs, refuse_stale_outputs, train_outputs
from tests.support.project import ROOT, Project

GONE = [
    "data/candidates/single/old", "data/candidates/single/older", "data/oof/old.parquet",
    "models/old.joblib", "metrics/train/old.json", "data/candidates/single/old.json",
]  # fmt: skip
OURS = [
    "data/candidates/single/lr/model.joblib", "data/candidates/ensemble/vote/model.joblib",
    "data/oof/lr.parquet", "models/lr.joblib", "models/champion.joblib", "models/mine.joblib",
    "metrics/train/lr.json", "plots/train/lr.csv", "data/candidates/.gitignore",
    "data/candidates/single/lr.json",
]  # fmt: skip
ENTRIES = {"lr": {"family": "single"}, "vote": {"family": "ensemble"}}


def test_command_removes_what_a_dropped_algorithm_left_and_nothing_else(tmp_path, monkeypatch):
    for path in [*OURS, *(f"{p}/oof.parquet" if "." not in p else p for p in GONE)]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    monkeypatch.chdir(tmp_path)
    subprocess.run("git init -q && git add metrics", shell=True, check=True)
    patterns, others = train_outputs(yaml.safe_load((ROOT / "dvc.yaml").read_text()))
    found = find_stale_outputs(patterns, ENTRIES, others)
    assert sorted(found) == sorted(GONE)
    with pytest.raises(InputError) as error:
        refuse_stale_outputs("params.yaml", found)
    start = "params.yaml: data/candidates/single/old and 5 more: output of a removed algorithm"
    assert str(error.value).startswith(start)
    subprocess.run(str(error.value).partition("Run: ")[2], shell=True, check=True)
    assert find_stale_outputs(patterns, ENTRIES, others) == []
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert {path for path in left if not path.startswith(".git/")} == set(OURS)
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    assert listed.stdout == "metrics/train/lr.json\n"
    refuse_stale_outputs("params.yaml", [])


def test_command_is_never_cut_in_the_middle():
    found = [f"data/candidates/single/{letter * 60}" for letter in "abcdefghij"]
    with pytest.raises(InputError) as error:
        refuse_stale_outputs("params.yaml", found)
    command, again, rest = str(error.value).partition("Run: ")[2].partition(" # then run again")
    assert again
    assert not rest
    assert set(command.removeprefix("rm -rf ").split()) < set(found)


def test_whole_folders_are_those_that_a_stage_depends_on():
    hashed, others = train_outputs(yaml.safe_load((ROOT / "dvc.yaml").read_text()))
    assert hashed == [
        "data/candidates/${item.family}/${key}",
        "data/candidates/${item.family}/${key}.json",
        "data/oof/${key}.parquet",
        "metrics/train/${key}.json",
    ]
    assert "models/${key}.joblib" in others


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("commands.check", "data/candidates/ensemble/old"),
        ("stages.select", "data/candidates/single/old"),
        ("stages.evaluate", "data/oof/old.parquet"),
    ],
)
def test_no_stage_takes_a_leftover_into_its_hash(fresh: Project, script: str, path: str):
    Path(fresh.folder, path).mkdir()
    before = fresh.run("git", "status", "--porcelain").out
    done = fresh.run("python", "-m", script)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(f": {path}: output of a removed algorithm; its hash would get into "
                         f"dvc.lock. Run: rm -rf {path}")  # fmt: skip
    assert fresh.run("git", "status", "--porcelain").out == before

"""The project in a subfolder of a repository, as after `dvc init --subdir`."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from creditrisk.tracking.fingerprint import run_tags
from tests.support.project import ROOT, Project


@pytest.fixture
def credit(built: Project, tmp_path: Path) -> Project:
    """The built project as a folder of a repository with the branch `master`."""
    project = built.copy(tmp_path / "mono" / "credit")
    shutil.rmtree(project.folder / ".git")
    (tmp_path / "mono/README.md").write_text("many projects\n")
    for command in (
        ["init", "-q", "-b", "master", ".."],
        ["config", "user.name", "test"],
        ["config", "user.email", "test@example.org"],
        ["add", "-A", ".."],
        ["commit", "-qm", "as built"],
    ):
        assert project.run("git", *command).code == 0
    return project


def test_review_finds_the_base_in_the_subfolder(credit: Project):
    done = credit.command("review")
    assert done.code == 2
    assert "make review INTO=master" in done.err
    credit.run("git", "checkout", "-qb", "change")
    costs = {"decision": {"cost_bad_accepted": 40}}
    credit.params(costs)
    credit.dvc("repro", "evaluate", CREDITRISK_TRACKING="off")
    (credit.folder.parent / "README.md").write_text("changed elsewhere\n")
    credit.commit("costs")
    done = credit.command("review", "--into", "master")
    assert done.code == 0, done.err
    text = (credit.folder / "review.md").read_text()
    base = credit.run("git", "rev-parse", "--short", "master").out.strip()
    assert f"Base: `{base}` (merge base with `master`)." in text
    assert "no dvc.lock" not in text
    assert "These are not the results" not in text
    assert "| `params.yaml` | `decision.cost_bad_accepted` | 5 | 40 |" in text
    assert "| `select` | `decision` |" in text
    assert "| `metrics/evaluate.json` |" in text
    assert "Same champion" in text
    assert "the same model. Data unchanged." in text
    assert len(list((credit.folder / "review").glob("*.png"))) == 7


def test_the_gate_and_the_fingerprint_look_at_this_project_alone(credit: Project):
    compare = ("python", str(ROOT / ".ci/same_results.py"))
    done = credit.run(*compare)
    assert done.code == 0, done.out
    assert "files of results as committed" in done.out
    (credit.folder.parent / "README.md").write_text("changed elsewhere\n")
    assert run_tags(credit.folder)["git.dirty"] == "false"
    card = credit.folder / "plots/model_card.md"
    card.write_text(card.read_text().replace("800 applicants", "900 applicants"))
    assert run_tags(credit.folder)["git.dirty"] == "false"  # a result
    assert "plots/model_card.md: line" in credit.run(*compare).out
    params = credit.folder / "params.yaml"
    params.write_text(params.read_text() + "# changed\n")
    assert run_tags(credit.folder)["git.dirty"] == "true"


def test_the_gate_is_not_blinded_by_a_forged_result_with_its_hash_in_dvc_lock(credit: Project):
    """DVC skips a stage if dvc.lock has the hashes of its files. The gate deletes both first."""
    table = credit.folder / "plots/fairness.csv"
    lock = credit.folder / "dvc.lock"
    before = subprocess.run(["md5sum", table], capture_output=True, text=True).stdout.split()[0]
    table.write_text(table.read_text().replace("True", "False"))
    after = subprocess.run(["md5sum", table], capture_output=True, text=True).stdout.split()[0]
    lock.write_text(lock.read_text().replace(before, after))
    credit.commit("forged")
    assert json.loads(credit.dvc("status", "--json", "dvc.yaml").out) == {}
    commands = (ROOT / ".ci/run").read_text().splitlines()
    (delete,) = [line for line in commands if line.startswith("git ls-files")]
    assert credit.run("bash", "-euc", delete).code == 0
    assert not lock.exists()
    assert not (credit.folder / "metrics/evaluate.json").exists()
    assert (credit.folder / "plots/report.html").exists()  # Git does not have it
    assert "make repro" in commands[commands.index(delete) :]
    credit.run("git", "checkout", "-q", "dvc.lock", "metrics", "data/candidates", "plots")
    table.unlink()
    credit.dvc("repro", "evaluate", CREDITRISK_TRACKING="off")
    done = credit.run("python", str(ROOT / ".ci/same_results.py"))
    assert done.code == 1
    assert "plots/fairness.csv: line" in done.out

"""A model file is code: whoever replaces outputs of DVC, but nothing in Git, runs nothing."""

import hashlib
import io
import json
import os
import shutil
from pathlib import Path

import joblib
import pytest
from dvc.repo import Repo
from dvc.stage.cache import _can_hash

from tests.support.project import Project


class Payload:
    """What an attacker puts in the place of a model: loading it makes a folder."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def poison(tmp_path: Path) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(Payload(tmp_path / "ran"), buffer)
    return buffer.getvalue()


def replace_everywhere(project: Project, folder: str, poison: bytes) -> None:
    """Replace the models of a DVC output, and their hash in every file that Git does not have."""
    tracked = set(project.run("git", "ls-files").out.splitlines())
    replaced = hashlib.sha256(poison).hexdigest()
    for model in sorted((project.folder / folder).rglob("*.joblib")):
        real = hashlib.sha256(model.read_bytes()).hexdigest()
        rewrite(model, poison)
        for top in ("data", "models"):
            for file in (project.folder / top).rglob("*.json"):
                text = file.read_text()
                if real in text and file.relative_to(project.folder).as_posix() not in tracked:
                    rewrite(file, text.replace(real, replaced).encode())


def rewrite(file: Path, content: bytes) -> None:
    file.unlink()  # it may be a link into DVC's cache
    file.write_bytes(content)


@pytest.mark.parametrize("stage", ["select", "train@vote"])
def test_a_poisoned_model_and_its_summary_run_nothing(fresh, tmp_path, poison, stage):
    replace_everywhere(fresh, "data/candidates/single", poison)
    done = fresh.run("dvc", "repro", "-s", "-f", stage)
    assert done.code != 0
    assert "its hash is not the recorded one, so it is not loaded" in done.err
    assert not (tmp_path / "ran").exists()


def test_a_poisoned_champion_and_its_description_run_nothing(fresh, tmp_path, poison):
    replace_everywhere(fresh, "models", poison)
    described = json.loads((fresh.folder / "models/champion.json").read_text())
    assert described["model_sha256"] == hashlib.sha256(poison).hexdigest()
    done = fresh.run("dvc", "repro", "-s", "-f", "evaluate")
    assert done.code != 0
    assert "models/champion.json: file: its hash is not the recorded one" in done.err
    assert not (tmp_path / "ran").exists()


def test_a_cut_off_that_somebody_changed_in_the_description_is_refused(fresh):
    file = fresh.folder / "models/champion.json"
    described = json.loads(file.read_text())
    rewrite(file, json.dumps(described | {"threshold": 0.9}, indent=2).encode())
    done = fresh.stage("evaluate")
    assert done.code == 2
    assert "models/champion.json: file: its hash is not the recorded one" in done.err


@pytest.mark.parametrize("stage", ["train@rf", "train@vote", "select"])
def test_dvc_never_takes_the_hash_of_a_model_from_its_run_cache(built, stage, monkeypatch):
    monkeypatch.chdir(built.folder)  # DVC takes the paths of a stage from here
    with Repo() as repo:
        (found,) = repo.stage.collect(stage)
        (other,) = repo.stage.collect("featurize")
        with repo.lock:
            found.save_deps()
            other.save_deps()
        assert not _can_hash(found)  # then DVC neither saves nor restores a run of it
        assert _can_hash(other)


def test_poisoned_objects_of_the_cache_run_nothing_and_verify_names_them(fresh, tmp_path, poison):
    folder = fresh.folder / "data/candidates/single/lr"
    cache = fresh.folder / ".dvc/cache/files/md5"
    names = ("model.joblib", "summary.json")
    for name in names:
        found = hashlib.md5((folder / name).read_bytes()).hexdigest()
        stored = cache / found[:2] / found[2:]
        content = poison if name == "model.joblib" else b"{}"
        stored.chmod(0o644)
        rewrite(stored, content)
        stored.chmod(0o444)  # DVC trusts it without a look at its bytes
    shutil.rmtree(folder)
    fresh.dvc("checkout", "data/candidates/single/lr")
    assert (folder / "model.joblib").read_bytes() == poison

    done = fresh.command("verify")
    assert done.code == 1
    found = [line for line in done.err.splitlines() if "lr" in line]
    assert any("model.joblib, summary.json" in line for line in found), done.err
    assert sum("it belongs to data/candidates/single/lr/" in line for line in found) == 2

    done = fresh.run("dvc", "repro", "-s", "-f", "select")
    assert done.code != 0
    assert not (tmp_path / "ran").exists()


def test_verify_finds_nothing_in_an_untouched_project(built: Project):
    done = built.command("verify")
    assert (done.code, done.err) == (0, "")
    assert "files of" in done.out


def test_git_has_the_hash_of_every_model(built: Project):
    for algo in ("lr", "vote"):
        metrics = json.loads((built.folder / f"metrics/train/{algo}.json").read_text())
        model = (built.folder / f"models/{algo}.joblib").read_bytes()
        assert metrics["model_sha256"] == hashlib.sha256(model).hexdigest()
    selected = json.loads((built.folder / "metrics/select.json").read_text())
    champion = (built.folder / "models/champion.joblib").read_bytes()
    assert selected["champion_sha256"] == hashlib.sha256(champion).hexdigest()
    listed = built.run("git", "ls-files", "data/candidates").out.split()
    assert "data/candidates/single/lr.json" in listed
    assert not any(name.endswith((".joblib", ".parquet")) for name in listed)

"""Killed at any moment: what was finished stays, and going on gives the same dvc.lock."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from creditrisk.core.errors import InputError
from creditrisk.workflow.interrupted import refuse_broken_state
from tests.support.project import SMALL, Project, new_project

# Cheap ones, of both families: every kind of stage, in little time.
ALGORITHMS = {"dt": {"max_depth": 3}, "vote": {"members": ["dt"]}}
STAGES = (
    "ingest", "prepare", "eda", "featurize", "train@dt", "train@vote", "select", "evaluate",
)  # fmt: skip
KILLS = 4  # of each stage


@pytest.mark.pipeline
@pytest.mark.slow
def test_kills_at_random_moments_of_all_stages_give_the_same_dvc_lock(tmp_path: Path):
    undisturbed, killed = (small_project(tmp_path / name) for name in ("undisturbed", "killed"))
    draw = random.Random(7)
    kills = 0
    for stage in STAGES:
        started = time.monotonic()
        undisturbed.dvc("repro", "-s", stage)
        # Longer than the stage itself: DVC is hit too, while it writes its cache and dvc.lock.
        length = time.monotonic() - started
        hit = 0
        while hit < KILLS:  # a kill that comes after the end is none
            hit += kill_at(killed, stage, draw.uniform(0, length))
            mend(killed)
        kills += hit
        killed.dvc("repro", "-s", stage)
        killed.commit(stage)  # a kill may empty dvc.lock: Git then has what was finished
    assert kills >= 30
    assert killed.lock() == undisturbed.lock()
    assert killed.command("verify").code == 0
    killed.dvc("repro")
    if parts(killed):  # a stage that DVC took from its cache did not run, so it tidied nothing
        killed.dvc("repro", "-f")
    assert parts(killed) == []


def parts(project: Project) -> list[Path]:
    """Files that a killed stage was writing."""
    return list(project.folder.rglob(".*.part"))


def small_project(folder: Path) -> Project:
    project = new_project(folder, {"train": SMALL["train"]})
    registry = folder / "creditrisk/algorithms.yaml"
    entries = yaml.safe_load(registry.read_text())["algorithms"]
    registry.write_text(
        yaml.safe_dump({"algorithms": {name: entries[name] for name in ALGORITHMS}})
    )
    tree = yaml.safe_load((folder / "params.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump(tree | {"algorithms": ALGORITHMS}))
    project.commit("small")
    return project


def kill_at(project: Project, stage: str, moment: float) -> bool:
    """Start a stage and kill DVC with all that it started; return whether it was still running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "-f", "-s", stage],
        cwd=project.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def mend(project: Project) -> None:
    """Run what `make check` says, until it says nothing."""
    for _ in range(3):
        try:
            with contextlib.chdir(project.folder):
                return refuse_broken_state()
        except InputError as error:
            commands = re.findall(r"`((?:git checkout|rm) [^`]+)`", str(error))
            # The second of two is for a dvc.lock that is not in Git yet.
            in_git = project.run("git", "ls-files", "dvc.lock").out
            command = commands[0] if in_git else commands[-1]
            assert project.run(*command.split()).code == 0
    raise AssertionError("the commands mend nothing")


@pytest.mark.parametrize("content", [b"", b"\0\0", b"schema: '2.0'\nstages:\n  ingest:\n    cm"])
def test_an_emptied_dvc_lock_is_told_with_the_command_that_mends_it(fresh: Project, content: bytes):
    lock = fresh.folder / "dvc.lock"
    before = lock.read_bytes()
    lock.write_bytes(content)
    for command in (
        ("check",),
        ("score", "--input", "data/raw/german_credit.csv", "--output", "x.csv"),
    ):
        done = fresh.command(*command)
        assert done.code == 2
        assert done.err.startswith("error: dvc.lock: file: ")
        assert "Run `git checkout dvc.lock`" in done.err
    fresh.run("git", "checkout", "dvc.lock")
    assert lock.read_bytes() == before
    assert fresh.dvc("repro").ran == []


def test_dvc_s_list_of_processes_that_was_cut_off_is_told_and_mended(fresh: Project):
    listed = fresh.folder / ".dvc/tmp/rwlock"
    listed.parent.mkdir(exist_ok=True)
    listed.write_text('{"write": {"/a/b": {"pid": 1')
    assert fresh.run("dvc", "repro").code != 0
    done = fresh.command("check")
    assert done.code == 2
    assert done.err.startswith("error: .dvc/tmp/rwlock: file: is cut off: a run was killed")
    assert "Run `rm .dvc/tmp/rwlock`." in done.err
    fresh.run("rm", ".dvc/tmp/rwlock")
    assert fresh.command("check").code == 0
    assert fresh.dvc("repro").ran == []

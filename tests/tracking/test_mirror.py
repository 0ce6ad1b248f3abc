"""Runs reach a real server exactly once, and a server in any state never reaches the pipeline."""

import os
import random
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
import yaml

from creditrisk.tracking.local_runs import KEY, PARENT
from creditrisk.tracking.process import Recorder
from creditrisk.tracking.registry import CHAMPION, NAME
from creditrisk.tracking.server import environment as server_environment
from creditrisk.tracking.store import StoreLocation
from tests.support.mlflow_server import (
    ACCOUNT,
    PATIENT,
    Server,
    answering,
    asking_for_a_password,
    clean_environment,
    free_port,
    mute,
    serving,
)
from tests.support.project import SMALL, Done, Project
from tests.support.tracking_records import all_runs, client_of, local_client, records

STAGES = len(SMALL["algorithms"]) + 2  # select and evaluate
RUNS = STAGES + len(SMALL["algorithms"]) - 1  # one child a search, and vote has none
# A whole pipeline, without the algorithms that would only repeat the same.
LEAN = ("lr",)
LEAN_STAGES = len(LEAN) + 2
LEAN_RUNS = LEAN_STAGES + len(LEAN)
BOUND = 8.0


@pytest.fixture(autouse=True)
def _no_pytest_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "server") as server:
        yield server


@pytest.fixture(scope="module")
def _lean(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The built pipeline with one of its algorithms, and no run recorded."""
    project = built.copy(tmp_path_factory.mktemp("lean") / "project")
    for name in ("params.yaml", "creditrisk/algorithms.yaml"):
        path = project.folder / name
        tree = yaml.safe_load(path.read_text())
        tree["algorithms"] = {a: tree["algorithms"][a] for a in LEAN}
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
    for pattern in ("data/candidates/*/*", "data/oof/*", "metrics/train/*"):
        for path in project.folder.glob(pattern):
            if path.stem not in LEAN:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    # As DVC wrote it: its paths are relative to each stage's folder.
    lock = yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]
    for name in [
        n for n in lock if n.startswith("train@") and n.removeprefix("train@") not in LEAN
    ]:
        del lock[name]
    (project.folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": lock}))
    shutil.rmtree(project.folder / ".dvc/mlflow")
    done = project.dvc("repro", CREDITRISK_TRACKING="off")
    assert done.ran == ["select", "evaluate"]
    project.commit("one algorithm")
    return project


@pytest.fixture
def lean(_lean: Project, tmp_path: Path) -> Project:
    return _lean.copy(tmp_path / "project")


def mirror(project: Project, uri: str, **env: str) -> Done:
    return project.command("mirror", MLFLOW_TRACKING_URI=uri, **env)


def assert_same(project: Project, uri: str, scratch: Path) -> int:
    """Local store and server hold the same runs, once, field by field; tell how many."""
    here = records(local_client(project.folder), scratch / "here")
    there = records(client_of(uri), scratch / "there")
    assert there == here
    return len(there)


def test_whole_pipeline_with_a_server(fresh: Project, built: Project, tmp_path: Path):
    """`built` was made with a server: all runs are there, once, and nothing else."""
    told = (built.folder.parent / "repro.txt").read_text()
    assert "tracking:" not in told
    _assert_quiet(told)
    shutil.copytree(built.folder.parent / "server", tmp_path / "server")
    with serving(tmp_path / "server") as server:
        assert assert_same(fresh, server.uri, tmp_path) == RUNS
        # Under this address the server is a new one to the store, which finds all runs there.
        assert mirror(fresh, server.uri).out == f"mirror: sent 0, skipped {STAGES}, failed 0\n"
        assert assert_same(fresh, server.uri, tmp_path / "again") == RUNS
        assert mirror(fresh, server.uri).out == "mirror: sent 0, skipped 0, failed 0\n"
    names = {r["name"] for r in records(local_client(fresh.folder), tmp_path / "x").values()}
    assert {"select", "evaluate", *(f"train@{a}" for a in SMALL["algorithms"])} <= names


def test_a_server_that_asks_for_a_password(fresh: Project, tmp_path: Path):
    shutil.rmtree(fresh.folder / ".dvc/mlflow")
    with asking_for_a_password(tmp_path / "server") as server:
        refused = fresh.stage("train", "dt", MLFLOW_TRACKING_URI=server.uri)
        assert refused.code == 0
        assert "answers 401: set MLFLOW_TRACKING_USERNAME" in refused.err
        assert "(1 run pending)" in refused.err
        told = fresh.stage(
            "train", "lr", MLFLOW_TRACKING_URI=server.uri,
            CREDITRISK_MIRROR_TIMEOUT=PATIENT, **ACCOUNT,
        )  # fmt: skip
        assert told.code == 0
        assert "tracking:" not in told.err
    # Each call with a password takes long; who reads the same files needs none.
    with serving(tmp_path / "server") as server:
        assert assert_same(fresh, server.uri, tmp_path) == 4
    password = ACCOUNT["MLFLOW_TRACKING_PASSWORD"]
    for path in [p for p in fresh.folder.rglob("*") if p.is_file() and ".git/" not in str(p)]:
        assert password.encode() not in path.read_bytes(), path
    assert password not in told.out + told.err + refused.out + refused.err


def _assert_quiet(told: str) -> None:
    text = told.lower()
    assert "mlflow" not in text
    assert "warning" not in text
    assert "alembic" not in text
    assert all(ord(c) < 0x1F000 for c in text)


@contextmanager
def refusing() -> Iterator[str]:
    yield f"http://u:secret@127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (refusing, "can't be reached"),
        (mute, "does not answer"),
        (lambda: answering(503), "answers 503"),
    ],
    ids=["refused", "mute", "503"],
)
def test_whole_pipeline_with_a_bad_server(
    lean: Project, bad: Callable[[], AbstractContextManager[str]], what: str
):
    before = lean.lock()
    with bad() as uri:
        done = lean.dvc(
            "repro", "-f",
            MLFLOW_TRACKING_URI=uri, MLFLOW_TRACKING_TOKEN="secret", CREDITRISK_MIRROR_TIMEOUT="3",
        )  # fmt: skip
    assert sorted(done.ran) == sorted(before)
    assert lean.lock() == before
    told = done.out + done.err
    assert "secret" not in told
    # A line for each stage that records, and no run lost.
    lines = [x for x in told.splitlines() if x.startswith("tracking:")]
    assert all(what in line for line in lines), told
    pending = [int(re.search(r"\((\d+) runs? pending\)", line)[1]) for line in lines]
    assert pending == list(range(1, LEAN_STAGES + 1))


def test_a_stage_waits_no_longer_than_the_bound(fresh: Project):
    def seconds(**env: str) -> float:
        start = time.monotonic()
        fresh.dvc("repro", "-s", "-f", "train@dt", **env)
        return time.monotonic() - start

    alone = seconds()
    with mute() as uri:
        took = seconds(MLFLOW_TRACKING_URI=uri, CREDITRISK_MIRROR_TIMEOUT=f"{BOUND:g}")
    # Twice the time alone: other programs run on this machine.
    assert took < 2 * alone + BOUND + 5


@pytest.mark.parametrize(
    ("code", "version", "body", "what"),
    [
        (401, "3.0.0", b"", "answers 401: set MLFLOW_TRACKING_USERNAME"),
        (403, "3.0.0", b"", "answers 403: this account may not write"),
        (404, "3.0.0", b"", "answers 404: no MLflow server at this address"),
        (500, "3.0.0", b"", "answers 500: runs stay pending"),
        (200, "1.30.0", b"{}", "runs MLflow 1.30.0, ours is 3."),
        (200, "3.0.0", b"<html>", "is not an MLflow server"),
    ],
)
def test_each_refusal_says_what_to_do(
    built: Project, code: int, version: str, body: bytes, what: str
):
    with answering(code, version, body) as uri:
        (line,) = Recorder(StoreLocation(built.folder / ".dvc/mlflow"), ahead=False).finish(
            None, uri, 30
        )
    assert line.count("\n") == 0
    assert what in line
    assert f"({STAGES} runs pending)" in line


def test_server_killed_in_the_middle_of_the_pipeline(lean: Project, server: Server, tmp_path: Path):
    """It dies while a stage sends, the stages after it are refused; all runs arrive later."""
    before = lean.lock()
    pipeline = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "-f"],
        cwd=lean.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=clean_environment() | {"MLFLOW_TRACKING_URI": server.uri, "DVC_NO_ANALYTICS": "true",
                                   "CREDITRISK_MIRROR_TIMEOUT": PATIENT,
                                   "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
    )  # fmt: skip
    # The search of the train stage is there, and its candidate is not.
    _wait_for_runs(server, 1, pipeline)
    server.kill()
    out, _ = pipeline.communicate(timeout=600)
    assert pipeline.returncode == 0, out
    assert out.count("tracking: ") >= LEAN_STAGES - 1, out
    assert lean.lock() == before
    server.start()
    done = mirror(lean, server.uri)
    assert done.code == 0, done.err
    assert done.out.endswith("failed 0\n")
    assert assert_same(lean, server.uri, tmp_path) == LEAN_RUNS


def _wait_for_runs(server: Server, count: int, process: subprocess.Popen) -> None:
    end = time.monotonic() + 600  # ends what hangs; a busy machine took more than 200
    while time.monotonic() < end and process.poll() is None:
        if _runs(server) >= count:
            return
        time.sleep(0.02)
    raise AssertionError("nothing arrived")


def _runs(server: Server) -> int:
    with closing(sqlite3.connect(server.folder / "server.db", timeout=30)) as database:
        return database.execute("SELECT count(*) FROM runs").fetchone()[0]


def test_mirror_killed_at_ten_random_moments(fresh: Project, server: Server, tmp_path: Path):
    chance = random.Random(7)
    cut = 0
    # Its imports take seconds and are no moment to kill: a process that has them is forked.
    warm = subprocess.Popen(
        [sys.executable, "-c", WARM], cwd=fresh.folder, text=True,
        env=clean_environment() | server_environment() | {"MLFLOW_TRACKING_URI": server.uri},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with warm:
        for _ in range(10):
            warm.stdin.write("again\n")
            warm.stdin.flush()
            pid = int(warm.stdout.readline())
            watched, before, end = os.pidfd_open(pid), _runs(server), time.monotonic() + 60
            ended = lambda wait: bool(select.select([watched], [], [], wait)[0])  # noqa: B023, E731
            # From the first sign of its work on, some way into it.
            while _runs(server) == before and not ended(0.01):
                assert time.monotonic() < end
            if not ended(chance.uniform(0.0, 0.4)):
                signal.pidfd_send_signal(watched, signal.SIGKILL)
                cut += 1
                assert ended(60)
            os.close(watched)
        warm.stdin.close()
    assert cut >= 5
    done = mirror(fresh, server.uri)
    assert done.code == 0, done.err
    assert assert_same(fresh, server.uri, tmp_path) == RUNS
    assert mirror(fresh, server.uri).out == "mirror: sent 0, skipped 0, failed 0\n"


# Runs `python -m commands.mirror` for each line it reads, and tells the process's number.
WARM = """
import os, runpy, signal, sys
import mlflow, mlflow.sklearn, creditrisk.tracking.mirror
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
sys.argv = ["mirror"]
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        os.dup2(2, 1)
        runpy.run_module("commands.mirror", run_name="__main__")
        os._exit(0)
    print(pid, flush=True)
"""


def test_two_queue_workers_at_once(fresh: Project, server: Server, tmp_path: Path):
    here = local_client(fresh.folder)
    had, champion = len(all_runs(here)), here.get_model_version_by_alias(NAME, CHAMPION)
    winner = champion.tags["model.algorithm"]
    other = next(a for a in ("lr", "dt") if a != winner)
    fresh.dvc("exp", "run", "--queue", "-S", f"model={other}")
    for c in ("0.2", "0.3"):
        fresh.dvc("exp", "run", "--queue", "-S", f"algorithms.lr.C={c}", "train@lr")
    done = fresh.dvc("queue", "start", "-j", "2", MLFLOW_TRACKING_URI=server.uri)
    end = time.monotonic() + 400
    while time.monotonic() < end:
        status = fresh.dvc("queue", "status").out
        if status.count("Success") + status.count("Failed") == 3:
            break
        time.sleep(2)
    logs = [fresh.run("dvc", "queue", "logs", word).out for word in _tasks(status)]
    assert status.count("Success") == 3, status + done.out + "".join(logs)
    assert "locked" not in "".join(logs)
    runs = all_runs(here)
    assert len(runs) == had + 6  # a run and its one child for each lr, select and evaluate
    new = [
        r for r in runs if r.data.params.get("C") in ("0.2", "0.3") and PARENT not in r.data.tags
    ]
    assert len({r.data.tags[KEY] for r in new}) == 2
    assert all(r.data.tags["dvc.exp_name"] for r in new)
    assert mirror(fresh, server.uri).code == 0
    assert_same(fresh, server.uri, tmp_path)
    # What a temporary folder chose is on record, and the alias follows the work tree.
    for client in (here, client_of(server.uri)):
        versions = client.search_model_versions(f"name = '{NAME}'")
        assert {v.tags["model.algorithm"] for v in versions} == {winner, other}
        assert client.get_model_version_by_alias(NAME, CHAMPION).tags == champion.tags


def _tasks(status: str) -> list[str]:
    return [line.split()[0] for line in status.splitlines()[1:] if line.split()]

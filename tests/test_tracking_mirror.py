"""Runs reach a real server exactly once, and a server in any state never reaches the pipeline."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mlflow_server import Server, answering, clean_environment, free_port, mute, serving
from project import SMALL, Done, Project, new_project
from tracking_records import all_runs, client_of, local_client, records

from creditrisk.tracking.local import KEY, PARENT
from creditrisk.tracking.outbox import send_within
from creditrisk.tracking.place import Place

PASSWORD, TOKEN = "correct-horse-battery", "ey.not-a-real-token.x"
TRAIN = len(SMALL["algorithms"])
BOUND = 8.0
PATIENT = "120"  # seconds: a loaded machine takes half a minute to import MLflow


@pytest.fixture(autouse=True)
def _no_pytest_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "server") as server:
        yield server


def mirror(project: Project, uri: str, **env: str) -> Done:
    return project.stage("mirror", MLFLOW_TRACKING_URI=uri, **env)


def assert_same(project: Project, uri: str, scratch: Path) -> int:
    """Local store and server hold the same runs, once, field by field; tell how many."""
    here = records(local_client(project.folder), scratch / "here")
    there = records(client_of(uri), scratch / "there")
    assert there == here
    return len(there)


@pytest.mark.long
def test_whole_pipeline_with_a_server_that_asks_for_a_password(
    built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tmp_path / "auth.ini"
    config.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{tmp_path}/auth.db\n"
        f"admin_username = admin\nadmin_password = {PASSWORD}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    project = new_project(tmp_path / "project", SMALL)
    with serving(
        tmp_path / "server", "--app-name", "basic-auth",
        MLFLOW_AUTH_CONFIG_PATH=str(config), MLFLOW_FLASK_SERVER_SECRET_KEY="x",
    ) as server:  # fmt: skip
        account = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
        account["CREDITRISK_MIRROR_TIMEOUT"] = PATIENT
        done = project.dvc("repro", MLFLOW_TRACKING_URI=server.uri, **account)
        assert "tracking:" not in done.out + done.err
        assert project.lock() == built.lock()
        _assert_quiet(done)
        refused = mirror(project, server.uri)
        assert refused.code == 1
        assert "answers 401: set MLFLOW_TRACKING_USERNAME" in refused.err
        assert refused.err.count("\n") == 1
        for name, value in account.items():
            monkeypatch.setenv(name, value)
        assert mirror(project, server.uri).out == "mirror: sent 0, skipped 0, failed 0\n"
        assert assert_same(project, server.uri, tmp_path) == 2 * TRAIN  # vote has no children
    stages = {r["name"] for r in records(local_client(project.folder), tmp_path / "x").values()}
    assert {"select", *(f"train@{a}" for a in SMALL["algorithms"])} <= stages
    for path in [p for p in project.folder.rglob("*") if p.is_file() and ".git/" not in str(p)]:
        assert PASSWORD.encode() not in path.read_bytes(), path
    assert PASSWORD not in done.out + done.err + refused.err


def _assert_quiet(done: Done) -> None:
    text = (done.out + done.err).lower()
    assert "mlflow" not in text
    assert "warning" not in text
    assert "alembic" not in text
    assert all(ord(c) < 0x1F000 for c in text)


def test_refused_mute_and_broken_servers_change_nothing_but_one_line(fresh: Project):
    before = fresh.lock()
    start = time.monotonic()
    fresh.dvc("repro", "-s", "-f", "train@dt")
    alone = time.monotonic() - start

    def check(uri: str, what: str, **env: str) -> None:
        start = time.monotonic()
        done = fresh.dvc(
            "repro", "-s", "-f", "train@dt",
            MLFLOW_TRACKING_URI=uri, CREDITRISK_MIRROR_TIMEOUT=f"{BOUND:g}", **env,
        )  # fmt: skip
        took = time.monotonic() - start
        lines = [x for x in (done.out + done.err).splitlines() if x.startswith("tracking:")]
        assert len(lines) == 1, done.out + done.err
        assert what in lines[0]
        assert f"({TRAIN + 1} runs pending)" in lines[0]
        assert "secret" not in done.out + done.err
        # Twice the time alone: other programs run on this machine.
        assert took < 2 * alone + BOUND + 5
        assert fresh.lock() == before

    check(f"http://u:secret@127.0.0.1:{free_port()}", "can't be reached")
    with mute() as uri:
        check(uri, "does not answer")
    with answering(503) as uri:
        check(uri, "answers 503", MLFLOW_TRACKING_TOKEN="secret")


@pytest.mark.parametrize(
    ("code", "version", "body", "what"),
    [
        (401, "3.0.0", b"", "answers 401: set MLFLOW_TRACKING_USERNAME"),
        (403, "3.0.0", b"", "answers 403: this account may not write"),
        (404, "3.0.0", b"", "answers 404: no MLflow server under this address"),
        (500, "3.0.0", b"", "answers 500: runs stay pending"),
        (200, "1.30.0", b"{}", "is MLflow 1.30.0, ours is 3."),
        (200, "3.0.0", b"<html>", "is no MLflow server"),
    ],
)
def test_each_refusal_says_what_to_do(
    built: Project, code: int, version: str, body: bytes, what: str
):
    with answering(code, version, body) as uri:
        line = send_within(Place(built.folder / ".dvc/mlflow"), uri, 30)
    assert line is not None
    assert line.count("\n") == 0
    assert what in line
    assert f"({TRAIN + 1} runs pending)" in line


def test_server_killed_in_the_middle_of_a_stage(fresh: Project, server: Server, tmp_path: Path):
    before = fresh.lock()
    command = [sys.executable, "-m", "dvc", "repro", "-s", "-f", "train@dt"]
    stage = subprocess.Popen(
        command, cwd=fresh.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=clean_environment() | {"MLFLOW_TRACKING_URI": server.uri, "DVC_NO_ANALYTICS": "true",
                                   "CREDITRISK_MIRROR_TIMEOUT": PATIENT,
                                   "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
    )  # fmt: skip
    _wait_for_runs(server, 2, stage)
    server.kill()
    out, _ = stage.communicate(timeout=300)
    assert stage.returncode == 0, out
    assert out.count("tracking: ") == 1, out
    assert fresh.lock() == before
    server.start()
    done = mirror(fresh, server.uri)
    assert done.code == 0, done.err
    assert done.out.endswith("failed 0\n")
    assert_same(fresh, server.uri, tmp_path)


def _wait_for_runs(server: Server, count: int, process: subprocess.Popen) -> None:
    end = time.monotonic() + 200
    while time.monotonic() < end and process.poll() is None:
        if _runs(server) >= count:
            return
        time.sleep(0.02)
    raise AssertionError("nothing arrived")


def _runs(server: Server) -> int:
    with closing(sqlite3.connect(server.folder / "server.db", timeout=30)) as database:
        return database.execute("SELECT count(*) FROM runs").fetchone()[0]


@pytest.mark.long
def test_mirror_killed_at_ten_random_moments(fresh: Project, server: Server, tmp_path: Path):
    chance = random.Random(7)
    cut = 0
    for _ in range(10):
        before = _runs(server)
        process = subprocess.Popen(
            [sys.executable, "-m", "stages.mirror"],
            cwd=fresh.folder,
            env=clean_environment() | {"MLFLOW_TRACKING_URI": server.uri},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # From the first sign of its work on: its imports take seconds and are no moment to kill.
        end = time.monotonic() + 60
        while process.poll() is None and _runs(server) == before and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.4))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            cut += 1
        process.wait()
    assert cut >= 5
    done = mirror(fresh, server.uri)
    assert done.code == 0, done.err
    assert assert_same(fresh, server.uri, tmp_path) == 2 * TRAIN
    assert mirror(fresh, server.uri).out == "mirror: sent 0, skipped 0, failed 0\n"


@pytest.mark.long
def test_two_queue_workers_at_once(fresh: Project, server: Server, tmp_path: Path):
    had = len(all_runs(local_client(fresh.folder)))
    for c in ("0.2", "0.3"):
        fresh.dvc("exp", "run", "--queue", "-S", f"algorithms.lr.C={c}", "train@lr")
    done = fresh.dvc("queue", "start", "-j", "2", MLFLOW_TRACKING_URI=server.uri)
    end = time.monotonic() + 400
    while time.monotonic() < end:
        status = fresh.dvc("queue", "status").out
        if status.count("Success") + status.count("Failed") == 2:
            break
        time.sleep(2)
    logs = [fresh.run("dvc", "queue", "logs", word).out for word in _tasks(status)]
    assert status.count("Success") == 2, status + done.out + "".join(logs)
    assert "locked" not in "".join(logs)
    runs = all_runs(local_client(fresh.folder))
    assert len(runs) == had + 4  # a run and its one child for each
    new = [
        r for r in runs if r.data.params.get("C") in ("0.2", "0.3") and PARENT not in r.data.tags
    ]
    assert len({r.data.tags[KEY] for r in new}) == 2
    assert all(r.data.tags["dvc.exp_name"] for r in new)
    assert mirror(fresh, server.uri).code == 0
    assert_same(fresh, server.uri, tmp_path)


def _tasks(status: str) -> list[str]:
    return [line.split()[0] for line in status.splitlines()[1:] if line.split()]

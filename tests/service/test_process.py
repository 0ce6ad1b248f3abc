"""The service as a process: how it starts, what it loads, what it takes, how it ends."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from creditrisk.tracking.imports import imported_modules
from tests.support.asgi import applicants
from tests.support.champions import project
from tests.support.project import ROOT
from tests.support.running_service import PATIENT, Running, command, running

HEADERS = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("serve") / "p", "vote")


def start(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess:
    """Start a service that is expected to end by itself."""
    return subprocess.run(
        command(folder, *args), cwd=folder, capture_output=True, text=True, timeout=PATIENT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip


def one_line(done: subprocess.CompletedProcess, words: str) -> None:
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
    assert words in done.stderr


def test_a_missing_or_foreign_model_a_port_in_use_and_bad_keys_are_one_line(tmp_path, folder):
    one_line(start(tmp_path, "--port", "0"), "params.yaml")
    foreign = project(tmp_path / "p")
    (foreign / "models/champion.joblib").write_bytes(b"x")
    one_line(start(foreign, "--port", "0"), "champion.joblib")
    (foreign / "models/champion.joblib").unlink()
    one_line(start(foreign, "--port", "0"), "not found")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        one_line(start(folder, "--port", str(taken.getsockname()[1])), "can't be opened")
    one_line(start(folder, "--port", "0", CREDITRISK_API_KEYS=""), "CREDITRISK_API_KEYS")
    one_line(start(folder, "--port", "0", SCORE_EVENTS="/dev/null/x"), "/dev/null/x")


def test_it_loads_no_trainer_no_mlflow_no_dvc_no_plotly_no_pyarrow():
    # It imports most of them in main, after the arguments.
    names = imported_modules((ROOT / "commands/serve.py").read_text(encoding="utf-8"))
    imported = [name for name in names if (ROOT / f"{name.replace('.', '/')}.py").is_file()]
    assert "creditrisk.serve.app" in imported
    code = (
        "import sys\n"
        "for name in ('pyarrow', 'mlflow', 'dvc', 'plotly', 'pandera', 'optuna'):\n"
        "    sys.modules[name] = None\n"  # an import of it fails
        f"for name in {imported}:\n"
        "    __import__(name)\n"
        "ours = {m.split('.')[1] for m in sys.modules if m.startswith('creditrisk.')}\n"
        "print(sorted(ours & {'train', 'select', 'evaluate', 'report', 'tracking', 'workflow'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_requests_over_a_real_socket_and_what_they_cost(folder):
    rows = applicants(200)
    with running(folder) as service:
        assert "can score without a key" in "".join(service.lines)
        assert service.get("/health/ready")[0] == 200
        whole = service.post("/v1/score", {"applicants": rows})[1]["results"]
        connection = service.connect()
        for row, wanted in zip(rows, whole, strict=True):
            connection.request("POST", "/v1/score", json.dumps({"applicants": [row]}), HEADERS)
            answer = connection.getresponse()
            assert json.loads(answer.read())["results"] == [wanted]
        before = service.resident
        for chunked in (False, True):
            assert _send_large(service, chunked) == 413
        assert service.get("/health/live")[0] == 200
        # Nothing of 60 MB was kept.
        assert service.resident < before + 20
    assert "stopped" in service.lines[-1]


def _send_large(service: Running, chunked: bool) -> int:
    """Send 60 MB and return the status; the service may close before it has got all of it."""
    connection = service.connect()
    connection.putrequest("POST", "/v1/score")
    connection.putheader("Content-Type", "application/json")
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", str(60_000_000))
    connection.endheaders()
    block = b"x" * 60_000
    try:
        for _ in range(1000):
            connection.send(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)
    except OSError:
        pass  # it has answered and closed
    return connection.getresponse().status


# Each round starts a service, which takes seconds: ROUNDS=50 in the environment for more of them.
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("ROUNDS", "1"))))
def test_sigterm_under_load_loses_no_accepted_answer(folder, seed):
    body = json.dumps({"applicants": applicants(3), "reasons": 1})
    rng, seen, closed = random.Random(seed), [], []
    with running(folder) as service:
        wanted = service.post("/v1/score", json.loads(body))[1]
        stop = threading.Event()

        def load() -> None:
            while not stop.is_set():
                connection = service.connect()
                try:
                    connection.connect()
                except OSError:
                    return  # it accepts no more
                while not stop.is_set():
                    try:
                        connection.request("POST", "/v1/score", body, HEADERS)
                        answer = connection.getresponse()
                    except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError) as e:
                        closed.append(type(e).__name__)
                        break
                    # It has begun to answer: then all of it comes.
                    seen.append(json.loads(answer.read()) == wanted)
                    if answer.getheader("connection") == "close":
                        return

        threads = [threading.Thread(target=load) for _ in range(6)]
        for thread in threads:
            thread.start()
        while len(seen) < 20 + rng.randrange(50):
            threads[0].join(0.01)
        start_of_end = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(PATIENT) == 0
        assert time.monotonic() - start_of_end < 8
        stop.set()
        for thread in threads:
            thread.join(PATIENT)
    assert len(seen) > 20
    assert all(seen)
    assert closed == []  # each client was told by its last answer

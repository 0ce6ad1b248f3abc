"""Compare the service with two others that serve the same champion, side by side in one run.

    python -m benchmarks.serving
    python -m benchmarks.serving --python serve/bin/python     # ours in its own environment

- ours: `python -m commands.serve`;
- plain: FastAPI with a pydantic body, joblib and `predict_proba` on a frame of one row, as the
  tutorials have it; it takes features: parsing, caps and derived columns are no part of its work;
- mlflow: `mlflow models serve --env-manager local` of the scikit-learn model, likewise.

One client with one connection asks each of them for one applicant after the other. It prints the
CPU seconds of the start, the requests per second, the 50th and 99th percentile of the time to an
answer, the server's CPU per request, and its resident memory after all of that; ours gets a body of
60 MB before the memory is read, which it refuses.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import joblib
import pandas as pd

ROOT = Path(__file__).parent.parent
HEADERS = {"Content-Type": "application/json"}
PLAIN = """
import joblib, pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel
model = joblib.load("models/champion.joblib")
app = FastAPI()
class Applicant(BaseModel):
    features: dict[str, float | str | None]
@app.post("/score")
def score(applicant: Applicant):
    return {"pd": float(model.predict_proba(pd.DataFrame([applicant.features]))[0, 1])}
"""


def main() -> None:
    """Start each service, ask it, print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="to ours")
    parser.add_argument("--others", type=int, default=300, help="requests to the other two")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs ours")
    args = parser.parse_args()
    test = pd.read_parquet(ROOT / "data/processed/test.parquet")
    features = test[joblib.load(ROOT / "models/champion.joblib").feature_names_in_]
    header, *lines = (ROOT / "data/raw/german_credit.csv").read_text().splitlines()
    names = header.split(",")
    raw = [dict(zip(names, line.split(","), strict=True)) for line in lines]
    for row in raw:
        del row["kredit"]
    typed = json.loads(features.to_json(orient="records"))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plain.py").write_text(PLAIN)
        _save_mlflow(Path(folder), features)
        services: dict[str, tuple[Callable[[int], list[str]], str, list[bytes]]] = {
            "ours": (
                lambda port: ["-m", "commands.serve", "--port", str(port)], "/v1/score",
                [json.dumps({"applicants": [row]}).encode() for row in raw],
            ),
            "plain": (
                lambda port: ["-m", "uvicorn", "plain:app", "--app-dir", folder,
                              "--port", str(port), "--no-access-log"], "/score",
                [json.dumps({"features": row}).encode() for row in typed],
            ),
            "mlflow": (
                lambda port: ["-m", "mlflow", "models", "serve", "-m", f"{folder}/model", "--port",
                              str(port), "--env-manager", "local"], "/invocations",
                [json.dumps({"dataframe_records": [row]}).encode() for row in typed],
            ),
        }  # fmt: skip
        for name, (command, path, bodies) in services.items():
            ours = name == "ours"
            with _running(args.python if ours else sys.executable, command) as (port, pid):
                started, count = _cpu(pid), args.requests if ours else args.others
                _measure(name, port, pid, path, bodies, count)
                if ours:
                    _send_too_much(port, path)
                print(f"{'':<8}start {started:.1f} s of CPU, {_memory(pid):.0f} MB", flush=True)


def _save_mlflow(folder: Path, features: pd.DataFrame) -> None:
    import mlflow.sklearn

    model = joblib.load(ROOT / "models/champion.joblib")
    mlflow.sklearn.save_model(
        model, str(folder / "model"), serialization_format="cloudpickle",
        pyfunc_predict_fn="predict_proba",
    )  # fmt: skip


@contextmanager
def _running(python: str, command: Callable[[int], list[str]]) -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [python, *command(port)], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield port, process.pid
        finally:
            process.terminate()


def _fields(pid: int) -> Iterator[list[str]]:
    """Give the fields of /proc/PID/stat, from the state on, of a process and its children."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            yield fields


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process and its children."""
    return sum(int(f[11]) + int(f[12]) for f in _fields(pid)) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Return the resident memory of a process and its children, in MB."""
    return sum(int(f[21]) for f in _fields(pid)) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _send_too_much(port: int, path: str) -> None:
    """Send 60 MB; the service may answer, and close, before all is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", path, b" " * 60_000_000, HEADERS)
    if connection.getresponse().status != 413:
        raise SystemExit("60 MB were not refused")


def _measure(name: str, port: int, pid: int, path: str, bodies: list[bytes], count: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times: list[float] = []
    for i in range(count + 50):
        if i == 50:  # warm
            start, cpu = time.perf_counter(), _cpu(pid)
        before = time.perf_counter()
        connection.request("POST", path, bodies[i % len(bodies)], HEADERS)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{name}: {answer.status} {content[:300]!r}")
        times.append(time.perf_counter() - before)
    seconds, used = time.perf_counter() - start, _cpu(pid) - cpu
    ranked = sorted(times[50:])
    print(
        f"{name:<8}{count / seconds:7.0f} requests/s, p50 {1000 * ranked[count // 2]:6.1f} ms, "
        f"p99 {1000 * ranked[int(count * 0.99)]:6.1f} ms, CPU {1000 * used / count:6.1f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()

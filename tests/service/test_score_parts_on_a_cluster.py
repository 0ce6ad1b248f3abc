"""A folder of parts on a real Dask cluster: two worker processes on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.support.champions import project
from tests.support.dask_cluster import running_cluster
from tests.support.killing import kill_while_writing
from tests.support.parts import alone, make_parts, outputs
from tests.support.project import ROOT

pytestmark = pytest.mark.server

OPTIONS = ("--reasons", "2", "--what-if", "2", "--batch", "7")
ROWS = {"a": 150, "b": 140, "c": 130, "d": 30, "e": 25, "f": 25}
WRITTEN = ".?.parquet.????????.part"  # an output in the making


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = project(tmp_path_factory.mktemp("parts") / "p", "vote")
    make_parts(made / "in", **ROWS)
    return made


@pytest.fixture(scope="module")
def expected(folder):
    return alone(folder, "in", "alone", *OPTIONS)


def start(folder: Path, address: str, target: str, source: str = "in") -> subprocess.Popen:
    command = [sys.executable, "-m", "commands.score", "--input", source, "--output", target]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DASK_SCHEDULER_ADDRESS": address}
    return subprocess.Popen(
        [*command, *OPTIONS], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_parts_are_those_of_this_machine_also_if_a_worker_is_killed(folder, expected):
    with running_cluster(workers=2) as cluster:
        workers = [psutil.Process(pid) for pid in cluster.pids]
        with start(folder, cluster.address, "out") as process:
            left = kill_while_writing(WRITTEN, lambda: workers)
            out, err = process.communicate()
        assert process.returncode == 0, err
        assert "score: 6 of 6 parts are scored" in out
        assert left.parent == folder / "out"
        assert not left.exists()
        assert [worker.status() for worker in workers].count(psutil.STATUS_ZOMBIE) == 1
        found = outputs(folder / "out")
        assert found == expected
        rows = sum(len(pd.read_parquet(folder / "out" / name)) for name in found)
        assert rows == sum(ROWS.values())

        # The command again, on the worker that is left.
        before = {path: path.stat() for path in (folder / "out").rglob("*")}
        with start(folder, cluster.address, "out") as process:
            out, err = process.communicate()
        assert process.returncode == 0, err
        assert "score: 6 of 6 parts are scored, 6 of them before" in out
        after = {path: path.stat() for path in (folder / "out").rglob("*")}
        assert {p: (s.st_ino, s.st_mtime_ns) for p, s in after.items()} == {
            p: (s.st_ino, s.st_mtime_ns) for p, s in before.items()
        }


def test_a_command_that_is_killed_is_finished_by_a_repeat(folder, expected):
    with running_cluster(workers=2) as cluster:
        workers = [psutil.Process(pid) for pid in cluster.pids]
        with start(folder, cluster.address, "again") as process:
            # A worker, then the command, which then can't give its part to the other one.
            kill_while_writing(WRITTEN, lambda: workers)
            process.kill()
        with start(folder, cluster.address, "again") as process:
            _, err = process.communicate()
        assert process.returncode == 0, err
        assert outputs(folder / "again") == expected


def test_workers_that_cannot_see_the_parts_are_one_line(folder):
    # Each process has another folder under this path.
    source = "/proc/self/cwd/in"
    with (
        running_cluster(workers=1) as cluster,
        start(folder, cluster.address, "unseen", source) as process,
    ):
        _, err = process.communicate()
    assert process.returncode == 2
    assert len(err.splitlines()) == 1, err
    assert err.startswith(f"error: {source}/a.parquet: file: the worker on ")
    assert "A cluster needs the folders of --input and --output under the same paths" in err
    assert outputs(folder / "unseen") == {}

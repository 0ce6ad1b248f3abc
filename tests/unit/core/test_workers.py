"""Jobs in processes: results as in one process, and no process is left over."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from creditrisk.core.errors import InputError
from creditrisk.core.workers import workers


def add(shared: list[int], more: int) -> int:
    return sum(shared) + more


def who(shared: object) -> tuple[int, int]:
    from threadpoolctl import threadpool_info

    return os.getpid(), max((pool["num_threads"] for pool in threadpool_info()), default=1)


def fail(shared: object) -> None:
    raise KeyError("of a job")


def die(shared: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(shared: object) -> None:
    time.sleep(600)


@pytest.fixture(params=["1", "2"])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", request.param)
    return int(request.param)


def test_each_job_gets_the_shared_data_and_its_own_arguments(cores: int):
    with workers([1, 2]) as pool:
        assert pool.count == cores
        assert [job.result() for job in [pool.submit(add, n) for n in range(5)]] == [3, 4, 5, 6, 7]


def test_one_core_is_this_process_and_more_are_others_with_one_thread_each(cores: int):
    with workers(None) as pool:
        found = {job.result() for job in [pool.submit(who) for _ in range(20)]}
    assert {threads for _, threads in found} == {1} or cores == 1
    assert (os.getpid() in {pid for pid, _ in found}) == (cores == 1)
    assert len(found) <= cores


def test_an_error_of_a_job_is_raised_where_its_result_is_asked_for(cores: int):
    with workers(None) as pool:
        job = pool.submit(fail)
        with pytest.raises(KeyError, match="of a job"):
            job.result()


def test_a_process_that_is_killed_is_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    with (
        pytest.raises(InputError, match="killed, most likely for want of memory"),
        workers(0) as pool,
    ):
        pool.submit(die).result()


def test_after_an_error_no_process_goes_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with pytest.raises(ZeroDivisionError), workers(0) as pool:  # noqa: PT012 - it is the block
        pool.submit(sleep)
        raise ZeroDivisionError
    left = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert left == set()


ORPHANS = """
import os, signal, sys
from creditrisk.core.workers import workers
from tests.unit.core.test_workers import sleep, who
with workers(0) as pool:
    print(*{pool.submit(who).result()[0] for _ in range(30)}, flush=True)
    pool.submit(sleep)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_when_the_one_that_started_them_is_killed():
    environment = os.environ | {"LOKY_MAX_CPU_COUNT": "2"}
    # To the end of its output, which the workers hold open: it comes when they have ended.
    done = subprocess.run(
        [sys.executable, "-c", ORPHANS], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout.split()

"""A real Dask cluster on the loopback interface: a scheduler and worker processes."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

HOST = "127.0.0.1"
PATIENT = "300"  # seconds that a worker of a busy machine looks for its scheduler


class Cluster(NamedTuple):
    """A cluster that answers.

    Attributes:
        address: of the scheduler, for `DASK_SCHEDULER_ADDRESS`.
        pids: the worker processes; one that is killed stays away.
    """

    address: str
    pids: list[int]


@contextmanager
def running_cluster(workers: int = 2) -> Iterator[Cluster]:
    """Start a scheduler and workers of one thread each, on free ports; kill them at the end.

    Args:
        workers: how many; 0 for a scheduler alone.
    """
    with ExitStack() as stack:
        # Their folder, so that none of them finds our package in the current one.
        folder = Path(stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True)))
        scheduler = _started(stack, folder, "scheduler", "--host", HOST, "--port", "0")
        [address] = _waited(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        # Without a nanny, which would start a worker again that a test has killed.
        options = ("--no-nanny", "--nthreads", "1", "--host", HOST, "--memory-limit", "0")
        options += ("--death-timeout", PATIENT, "--local-directory", str(folder))
        started = [_started(stack, folder, "worker", address, *options) for _ in range(workers)]
        for worker in started:
            _waited(worker, r"Registered to:\s+(tcp://\S+)")
        yield Cluster(address, [worker.pid for worker in started])


def _started(stack: ExitStack, folder: Path, *command: str) -> "subprocess.Popen[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DASK_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *command, "--no-dashboard"], cwd=folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        # What they leave in the temporary folder when they are killed goes with this one.
        env=kept | {"TMPDIR": str(folder)},
    )  # fmt: skip
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def _waited(process: "subprocess.Popen[str]", line: str) -> tuple[str, ...]:
    """Wait until a process has written a line; then read on, so that it never waits for us."""
    lines = []
    assert process.stdout is not None
    for one in process.stdout:
        lines.append(one)
        if found := re.search(line, one):
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return found.groups()
    raise AssertionError("".join(lines))

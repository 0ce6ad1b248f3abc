"""Wait for DVC's queue. DVC queues, runs and records; this module only reads the state."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from dvc.exceptions import DvcException
from dvc.repo import Repo

DONE = ("Success", "Failed")
# Seconds without a change of status, after which we check whether the workers have ended. A worker
# needs some seconds before it starts its first experiment.
PATIENCE = 20.0
READ_ATTEMPTS = 5
WORKER = "queue-worker"  # DVC's internal command, in a worker's command line


@dataclass(frozen=True)
class Task:
    """An experiment of the queue.

    Attributes:
        rev: the commit that DVC made for it when it was queued.
        name: name of the experiment.
        status: `Queued`, `Running`, `Success`, `Failed`.
    """

    rev: str
    name: str
    status: str


def tasks(root: Path) -> dict[str, Task]:
    """Read DVC's queue as `dvc queue status` does, and return its tasks by `rev`."""
    for attempt in range(READ_ATTEMPTS):
        try:
            # A new Repo each time: DVC's queue remembers which messages it has seen.
            with Repo(str(root)) as repo:
                found = repo.experiments.celery_queue.status()
            break
        except (DvcException, OSError, ValueError):
            # A worker was just writing this file (treeverse/dvc issue 9358).
            if attempt == READ_ATTEMPTS - 1:
                raise
            time.sleep(0.5)
    return {t["rev"]: Task(t["rev"], t["name"] or t["rev"][:7], t["status"]) for t in found}


def has_workers(root: Path) -> bool:
    """Whether a worker of the queue responds or, on a busy machine, at least lives."""
    with Repo(str(root)) as repo:
        if repo.experiments.celery_queue.worker_status():
            return True
        folder = Path(repo.experiments.celery_queue.wdir)
    return any(_lives(file) for file in folder.glob("dvc-exp-worker-*.pid"))


def _lives(pid_file: Path) -> bool:
    try:
        return WORKER in psutil.Process(int(pid_file.read_text())).cmdline()
    except (OSError, ValueError, psutil.Error):  # it has just ended
        return False


def log_of(root: Path, rev: str) -> str:
    """Read the output of an experiment; empty if DVC has not started it."""
    with Repo(str(root)) as repo:
        process = repo.experiments.celery_queue.proc.get(rev)
    if process is None or not Path(process.stdout or "").is_file():
        return ""
    return Path(process.stdout).read_text(encoding="utf-8", errors="replace")


def follow(
    root: Path, revs: set[str], restart: Callable[[], None], pause: float = 2.0
) -> Iterator[Task]:
    """Wait until the experiments are done, and yield each whenever its status changes.

    Args:
        root: the project's folder.
        revs: the experiments to wait for.
        restart: starts the workers. It is called if experiments are queued and no worker is left,
            because DVC's workers sometimes end too early (treeverse/dvc issue 10562).
        pause: seconds between two reads of the queue.

    Yields:
        A task that is running or done. If its worker was killed, DVC reports it as running forever;
        it is then yielded as failed.
    """
    known = dict.fromkeys(revs, "Queued")
    last_change, silent = time.monotonic(), 0
    while True:
        # An experiment that was removed from the queue is not waited for.
        left = {
            rev: task for rev, task in tasks(root).items() if known.get(rev, "Failed") not in DONE
        }
        for rev, task in left.items():
            if known[rev] != task.status:
                known[rev], last_change, silent = task.status, time.monotonic(), 0
                yield task
        left = {rev: task for rev, task in left.items() if task.status not in DONE}
        if not left:
            return
        if time.monotonic() - last_change > PATIENCE:
            last_change = time.monotonic()
            # A worker that is just starting has no file yet, so only repeated silence counts.
            silent = 0 if has_workers(root) else silent + 1
            if silent and any(task.status == "Queued" for task in left.values()):
                restart()
            for rev, task in left.items():
                if silent > 2 and task.status == "Running":
                    known[rev] = "Failed"
                    yield replace(task, status="Failed")
        time.sleep(pause)

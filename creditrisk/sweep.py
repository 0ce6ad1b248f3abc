"""Waiting for DVC's queue: DVC queues, runs and records; here it is only asked how far it is."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dvc.repo import Repo

DONE = ("Success", "Failed")
# A worker takes some seconds to its first experiment; after these without one, workers have ended.
PATIENCE = 20.0


@dataclass(frozen=True)
class Task:
    """An experiment of the queue.

    Attributes
    ----------
    rev : the commit under which DVC queued it.
    name : of the experiment.
    status : `Queued`, `Running`, `Success`, `Failed`.
    """

    rev: str
    name: str
    status: str


def tasks(root: Path) -> dict[str, Task]:
    """Read DVC's queue, as `dvc queue status` does: `rev` to task."""
    # A new Repo each time: DVC's queue remembers which messages it has seen.
    with Repo(str(root)) as repo:
        found = repo.experiments.celery_queue.status()
    return {t["rev"]: Task(t["rev"], t["name"] or t["rev"][:7], t["status"]) for t in found}


def workers(root: Path) -> int:
    """Count the queue's workers that answer."""
    with Repo(str(root)) as repo:
        return len(repo.experiments.celery_queue.worker_status())


def log_of(root: Path, rev: str) -> str:
    """Read what an experiment printed; empty where DVC has started nothing."""
    with Repo(str(root)) as repo:
        process = repo.experiments.celery_queue.proc.get(rev)
    if process is None or not Path(process.stdout or "").is_file():
        return ""
    return Path(process.stdout).read_text(encoding="utf-8", errors="replace")


def follow(
    root: Path, revs: set[str], restart: Callable[[], None], pause: float = 2.0
) -> Iterator[Task]:
    """Wait until the experiments are done, and give each as its status changes.

    Parameters
    ----------
    root : of the project.
    revs : what to wait for.
    restart : starts the workers. It is called when experiments are queued and no worker is left,
        which DVC's own workers have been seen to do (treeverse/dvc issue 10562).
    pause : seconds between two looks.
    """
    known: dict[str, str] = {}
    moved = time.monotonic()
    while True:
        seen = {rev: task for rev, task in tasks(root).items() if rev in revs}
        for rev, task in seen.items():
            if known.get(rev, "Queued") != task.status:
                known[rev], moved = task.status, time.monotonic()
                yield task
        # One that was taken out of the queue meanwhile is not waited for.
        if all(task.status in DONE for task in seen.values()):
            return
        running = any(task.status == "Running" for task in seen.values())
        if not running and time.monotonic() - moved > PATIENCE:
            if not workers(root):
                restart()
            moved = time.monotonic()
        time.sleep(pause)

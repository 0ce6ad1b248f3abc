"""Waiting for DVC's queue: DVC queues, runs and records; here it is only asked how far it is."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.repo import Repo

DONE = ("Success", "Failed")
# A worker takes some seconds to its first experiment; after these without one, workers have ended.
PATIENCE = 20.0
LOOKS = 5


@dataclass(frozen=True)
class Task:
    """An experiment of the queue.

    Attributes:
        rev: the commit under which DVC queued it.
        name: of the experiment.
        status: `Queued`, `Running`, `Success`, `Failed`.
    """

    rev: str
    name: str
    status: str


def tasks(root: Path) -> dict[str, Task]:
    """Read DVC's queue, as `dvc queue status` does: `rev` to task."""
    for attempt in range(LOOKS):
        try:
            # A new Repo each time: DVC's queue remembers which messages it has seen.
            with Repo(str(root)) as repo:
                found = repo.experiments.celery_queue.status()
            break
        except (DvcException, OSError, ValueError):
            # A worker was writing the very file (treeverse/dvc issue 9358).
            if attempt == LOOKS - 1:
                raise
            time.sleep(0.5)
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

    Args:
        root: of the project.
        revs: what to wait for.
        restart: starts the workers. It is called when experiments are queued and no worker is left,
            which DVC's own workers have been seen to do (treeverse/dvc issue 10562).
        pause: seconds between two looks.

    Yields:
        A task that runs or is done. One that DVC calls running for ever, because its worker was
        killed, is given as failed.
    """
    known = dict.fromkeys(revs, "Queued")
    moved, silent = time.monotonic(), 0
    while True:
        # One that was taken out of the queue meanwhile is not waited for.
        left = {
            rev: task for rev, task in tasks(root).items() if known.get(rev, "Failed") not in DONE
        }
        for rev, task in left.items():
            if known[rev] != task.status:
                known[rev], moved, silent = task.status, time.monotonic(), 0
                yield task
        left = {rev: task for rev, task in left.items() if task.status not in DONE}
        if not left:
            return
        if time.monotonic() - moved > PATIENCE:
            moved = time.monotonic()
            # A busy machine answers late: silence counts when it lasts.
            silent = 0 if workers(root) else silent + 1
            if silent and any(task.status == "Queued" for task in left.values()):
                restart()
            for rev, task in left.items():
                if silent > 2 and task.status == "Running":
                    known[rev] = "Failed"
                    yield replace(task, status="Failed")
        time.sleep(pause)

"""Several stages at a time: DVC runs one after the other (treeverse/dvc issue 755).

Each is a `dvc repro` of its own. They wait for DVC's lock, which it gives free while a stage's
command runs, so `dvc.lock` is written by one at a time. It has the same entries as after a plain
`dvc repro`, in which order they were made.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import joblib

from creditrisk.core.errors import InputError


def reproduce(stages: list[str], jobs: int, log: Callable[[str], None]) -> None:
    """Reproduce stages that do not depend on each other.

    The cores are shared: each stage has as many worker processes as keep all cores busy together.
    After a stage that failed no other one is begun; those that run are waited for.

    Args:
        stages: their names; what they read is there.
        jobs: how many at a time.
        log: called with each line.

    Raises:
        InputError: a stage failed.
    """
    cores = max(1, joblib.cpu_count() // jobs)
    environment = os.environ | {"LOKY_MAX_CPU_COUNT": str(cores)}

    def one(stage: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--quiet", "-s", stage]
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )

    failed = None
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(one, stage): stage for stage in stages}
        for number, done in enumerate(as_completed(running), 1):
            if done.cancelled():
                continue
            stage, result = running[done], done.result()
            if result.returncode == 0:
                log(f"{stage} done ({number} of {len(stages)})")
            elif failed is None:
                failed = stage, result.stderr.strip()
                for waiting in running:
                    waiting.cancel()
    if failed:
        stage, errors = failed
        lines = [line for line in errors.splitlines() if line.startswith("error: ")]
        problem = lines[0].removeprefix("error: ") if lines else (errors.splitlines() or [""])[-1]
        hint = f"Correct it, then run this again; `dvc repro -s {stage}` shows all that it says."
        raise InputError("dvc", stage, f"failed: {problem.rstrip('.')}", hint)

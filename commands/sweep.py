"""sweep: queue experiments, run them, wait for all of them, show the table.

No stage of dvc.yaml. DVC does all of it: `dvc exp run --queue`, `dvc queue start`, `dvc exp show`.
Exit code 0 only when every experiment succeeded.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from creditrisk.core.cli import run
from creditrisk.workflow.check import check
from creditrisk.workflow.dvc import run_dvc
from creditrisk.workflow.experiments.collect import problem_of
from creditrisk.workflow.experiments.overrides import apply_overrides, expand_sweeps
from creditrisk.workflow.experiments.queue import DONE, Task, follow, log_of, tasks
from creditrisk.workflow.tracked_files import check_tracked

PARAMS = "params.yaml"


def main() -> None:
    """Check first, then queue, start, wait, and say of each how it ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-S", "--set-param", action="append", required=True, help="as for exp run")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="experiments at a time (2)")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error("argument --jobs: at least 1")
    for overrides in expand_sweeps(args.set_param, PARAMS):
        tree = apply_overrides(PARAMS, overrides)
        check(tree, PARAMS)
        check_tracked(tree, PARAMS)
    root = Path.cwd()
    before = set(tasks(root))
    run_dvc("exp", "run", "--quiet", "--queue", *(f"-S{one}" for one in args.set_param))
    mine = {rev: task.name for rev, task in tasks(root).items() if rev not in before}
    print(f"sweep: queued {len(mine)}: {', '.join(mine.values())}", flush=True)
    failed = wait(root, set(mine), args.jobs)
    print(flush=True)
    subprocess.run([sys.executable, "-m", "commands.experiments"], check=False)
    sys.exit(bool(failed))


def wait(root: Path, revs: set[str], jobs: int) -> int:
    """Start the workers and report each experiment's end; count the failed ones."""
    # The workers share the cores: a search must not start a process for each of them.
    cores = max(1, (os.cpu_count() or 1) // jobs)
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", str(cores))
    # DVC's worker looks for `dvc` on the path.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

    def start() -> None:
        run_dvc("queue", "start", "--quiet", "--jobs", str(jobs))

    ended = failed = 0
    try:
        start()
        for task in follow(root, revs, start):
            ended += task.status in DONE
            failed += task.status == "Failed"
            report(root, task, f"{ended} of {len(revs)}")
    except KeyboardInterrupt:
        print("\nsweep: goes on in the background. `make experiments` shows how far it is;", end="")
        print(" `dvc queue stop --kill` ends it.")
        sys.exit(130)
    return failed


def report(root: Path, task: Task, count: str) -> None:
    """Print an experiment's line."""
    if task.status == "Failed":
        why = problem_of(log_of(root, task.rev), {})
        print(f"sweep: {task.name} failed ({count}): {why}", flush=True)
    elif task.status == "Success":
        print(f"sweep: {task.name} done ({count})", flush=True)


if __name__ == "__main__":
    run(main)

"""sweep: queue experiments, run them, wait for all of them, and print the table.

This is not a stage of dvc.yaml. It uses `dvc exp run --queue`, `dvc queue start` and
`dvc exp show`. The exit code is 0 only if every experiment succeeded.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.core.cli import make_parser, run
from creditrisk.core.logs import say

if TYPE_CHECKING:
    from creditrisk.workflow.experiments.queue import Task

PARAMS = "params.yaml"


def main() -> None:
    """Check all experiments, then queue and run them, and print how each ended."""
    parser = make_parser(__doc__)
    parser.add_argument("-S", "--set-param", action="append", required=True, help="as for exp run")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="number of workers")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error("argument --jobs: at least 1")

    from creditrisk.workflow.experiments.overrides import apply_overrides, expand_sweeps
    from creditrisk.workflow.interrupted import refuse_broken_state

    refuse_broken_state()
    experiments = expand_sweeps(args.set_param, PARAMS)
    say(f"sweep: checks {_count(len(experiments))}, then queues and runs them")

    from creditrisk.workflow.check import check
    from creditrisk.workflow.dvc import run_dvc
    from creditrisk.workflow.experiments.queue import tasks
    from creditrisk.workflow.tracked_files import check_tracked

    for overrides in experiments:
        tree = apply_overrides(PARAMS, overrides)
        check(tree, PARAMS)
        check_tracked(tree, PARAMS)
    root = Path.cwd()
    before = set(tasks(root))
    run_dvc("exp", "run", "--quiet", "--queue", *(f"-S{override}" for override in args.set_param))
    queued = {rev: task.name for rev, task in tasks(root).items() if rev not in before}
    say(f"sweep: queued {_count(len(queued))}: {', '.join(queued.values())}")
    failed = wait(root, set(queued), args.jobs)
    say("")
    subprocess.run([sys.executable, "-m", "commands.experiments"], check=False)
    sys.exit(bool(failed))


def wait(root: Path, revs: set[str], jobs: int) -> int:
    """Start the workers and report the end of each experiment; return how many failed."""
    from creditrisk.workflow.dvc import run_dvc
    from creditrisk.workflow.experiments.queue import DONE, follow

    # The workers share the cores, so a search must not start a process on every core.
    cores = max(1, (os.cpu_count() or 1) // jobs)
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", str(cores))
    # DVC's worker looks for `dvc` on PATH.
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
        say(
            "\nsweep: continues in the background. `make experiments` shows the progress, "
            "`dvc queue stop --kill` stops it."
        )
        sys.exit(130)
    return failed


def report(root: Path, task: "Task", count: str) -> None:
    """Print the line of an experiment."""
    from creditrisk.workflow.experiments.collect import problem_of
    from creditrisk.workflow.experiments.queue import log_of

    if task.status == "Failed":
        why = problem_of(log_of(root, task.rev), {})
        say(f"sweep: {task.name} failed ({count}): {why}")
    elif task.status == "Success":
        say(f"sweep: {task.name} done ({count})")
    elif task.status == "Running":
        say(f"sweep: {task.name} runs")


def _count(number: int) -> str:
    return f"{number} experiment{'' if number == 1 else 's'}"


if __name__ == "__main__":
    run(main)

"""Compare a sweep of eight experiments with one worker and with two.

    python -m benchmarks.sweeps --output sweeps.md

Each experiment changes the block of one algorithm, so that DVC runs its stage and those after it.
The workers share the cores (`commands.sweep`): workers times processes times threads are never more
than there are.
"""

import sys
from pathlib import Path

from benchmarks.rebuild import in_turn
from benchmarks.scratch import scratch
from creditrisk.core.cli import make_parser, run
from creditrisk.core.files import write_text

EXPERIMENTS, GOAL = 8, 1.7


def table(times: int) -> str:
    """Measure sweeps, and write a table as Markdown."""
    with scratch() as project:
        used = iter(range(1, 1000))

        def sweep(jobs: int) -> float:
            # Other values each time: DVC knows the results of earlier ones.
            values = ",".join(f"{0.5 + next(used) / 1000:.3f}" for _ in range(EXPERIMENTS))
            took = project.python(
                "commands.sweep", "--jobs", str(jobs), "-S", f"algorithms.svc.C={values}"
            )
            project.wait()  # one that ends would take time from the next one
            return took.seconds

        found = in_turn(times, one=lambda: sweep(1), two=lambda: sweep(2))
    one, two = (60 * EXPERIMENTS / found[name] for name in ("one", "two"))
    return "\n".join([
        f"| workers | s for {EXPERIMENTS} experiments | a minute | ratio | goal |",
        "|---|---|---|---|---|",
        f"| 1 | {found['one']:.0f} | {one:.2f} | 1.00 | |",
        f"| 2 | {found['two']:.0f} | {two:.2f} | {two / one:.2f} | at least {GOAL} |", "",
    ])  # fmt: skip


def main() -> None:
    """Run the benchmark, print the table and write it to `--output`."""
    parser = make_parser(__doc__)
    parser.add_argument("--output", type=Path, help="a Markdown file")
    parser.add_argument("--times", type=int, default=2, help="runs of each side")
    args = parser.parse_args()
    text = table(args.times)
    print(text)
    if args.output:
        write_text(text, args.output)
    sys.stdout.flush()


if __name__ == "__main__":
    run(main)

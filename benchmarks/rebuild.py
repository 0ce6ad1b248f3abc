"""Compare a rebuild with its floor and with the predecessor; nothing to do; and one change.

    python -m benchmarks.rebuild --output rebuild.md

In a scratch clone, recording on. Each side runs `--times` times, in turn (A B A B); the tables have
medians and ratios.

- Rebuild: `dvc repro --force` of everything, against the floor (`benchmarks.floor`: the fits alone)
  and against the predecessor's three searches (22 candidates x 15 folds). For the latter the
  algorithms run that the product had when the goal was set: those of `THEN`.
- Nothing to do: `dvc repro` against `dvc status`.
- One change in `algorithms.xgb`: `dvc repro` against the floor of `train@xgb` and of `evaluate`,
  since the other stages after it fit nothing.
"""

import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks.scratch import Scratch, Took, scratch
from creditrisk.core.cli import make_parser, run
from creditrisk.core.files import write_text

THEN = ("lr", "scorecard", "dt", "rf", "xgb", "knn", "mlp", "svc", "vote")
REBUILD, NOTHING, ONE = 1.5, 1.2, 2.0  # goals: ratios at most


def in_turn(times: int, **sides: Callable[[], float]) -> dict[str, float]:
    """Run the sides in turn, and return the median of what each returns."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(times):
        for name, side in sides.items():
            found[name].append(side())
            print(f"{name}, turn {turn + 1}: {found[name][-1]:.1f} s", file=sys.stderr)
    return {name: statistics.median(values) for name, values in found.items()}


def rebuild(project: Scratch, times: int) -> list[str]:
    """Measure a rebuild of all algorithms, and where its time goes."""
    runs: list[tuple[Took, dict[str, float]]] = []
    floors: list[dict[str, float]] = []

    def ours() -> float:
        took = project.python("dvc", "repro", "--force")
        runs.append((took, project.stage_seconds()))
        return took.seconds

    def floor() -> float:
        floors.append(floor_seconds(project))
        return floors[-1]["all"]

    found = in_turn(times, rebuild=ours, floor=floor)
    parts = {name: statistics.median(stages[name] for _, stages in runs) for name in runs[0][1]}
    fits = {name: statistics.median(one[name] for one in floors) for name in floors[0]}
    cpu = statistics.median(took.cpu for took, _ in runs)
    lines = [
        _row("`dvc repro --force`, all algorithms", found["rebuild"], "the fits alone",
             found["floor"], REBUILD),
        "", f"CPU seconds of the rebuild: {cpu:.0f}. Where its time goes, in seconds:", "",
        "| stage | takes | its fits alone | the rest |", "|---|---|---|---|",
    ]  # fmt: skip
    for name, seconds in parts.items():
        alone = fits.get(name.removeprefix("train@"), 0.0)
        lines.append(f"| {name} | {seconds:.1f} | {alone:.1f} | {seconds - alone:.1f} |")
    other = found["rebuild"] - sum(parts.values())
    return [*lines, f"| DVC, Python's start | {other:.1f} | 0.0 | {other:.1f} |"]


def floor_seconds(project: Scratch, *algorithms: str) -> dict[str, float]:
    """Measure the floor in a process of its own."""
    chosen = ["--algos", *algorithms] if algorithms else []
    out = project.python("benchmarks.floor", *chosen).out
    return {name: float(value) for name, value in map(str.split, out.splitlines())}


def against_predecessor(project: Scratch, times: int) -> str:
    """Measure the algorithms of then against the predecessor's searches."""
    params = yaml.safe_load((project.folder / "params.yaml").read_text(encoding="utf-8"))
    later = [name for name in params["algorithms"] if name not in THEN]
    project.params({f"algorithms.{name}": None for name in later})

    def predecessor() -> float:
        return float(project.python("benchmarks.predecessor", "--time").out.split()[-1])

    found = in_turn(
        times,
        ours=lambda: project.python("dvc", "repro", "--force").seconds,
        predecessor=predecessor,
    )
    project.run("git", "checkout", "--quiet", ".")
    return _row(f"the same without {', '.join(later)}", found["ours"],
                "the predecessor's three searches", found["predecessor"], 1.0)  # fmt: skip


def nothing(project: Scratch, times: int) -> str:
    """Measure what it takes to find that nothing has changed."""
    project.python("dvc", "repro")
    found = in_turn(
        times,
        repro=lambda: project.python("dvc", "repro").seconds,
        status=lambda: project.python("dvc", "status").seconds,
    )
    return _row("`dvc repro`, nothing to do", found["repro"], "`dvc status`", found["status"],
                NOTHING)  # fmt: skip


def one_change(project: Scratch, times: int) -> str:
    """Measure a change in the block of one algorithm."""
    rates = iter(0.02 + step / 10_000 for step in range(1, times + 1))  # DVC would know an old one

    def change() -> float:
        project.params({"algorithms.xgb.learning_rate": next(rates)})
        return project.python("dvc", "repro").seconds

    def floor() -> float:
        return floor_seconds(project, "xgb", "evaluate")["all"]

    found = in_turn(times, change=change, floor=floor)
    project.run("git", "checkout", "--quiet", ".")
    return _row("`dvc repro` after a change in `algorithms.xgb`", found["change"],
                "the fits of train@xgb and evaluate alone", found["floor"], ONE)  # fmt: skip


def _row(what: str, seconds: float, yardstick: str, against: float, goal: float) -> str:
    ratio = seconds / against
    return f"| {what} | {seconds:.1f} | {yardstick} | {against:.1f} | {ratio:.2f} | {goal:.1f} |"


def tables(times: int) -> str:
    """Measure all, and write the tables as Markdown."""
    head = ["| what | s | against | s | ratio | goal |", "|---|---|---|---|---|---|"]
    with scratch() as project:
        first, *parts = rebuild(project, times)
        rows = [first, nothing(project, max(5, times)), one_change(project, times)]
        rows.insert(1, against_predecessor(project, times))
    return "\n".join([*head, *rows, *parts, ""])


def main() -> None:
    """Run the benchmark, print the tables and write them to `--output`."""
    parser = make_parser(__doc__)
    parser.add_argument("--output", type=Path, help="a Markdown file")
    parser.add_argument("--times", type=int, default=3, help="runs of each side")
    args = parser.parse_args()
    text = tables(args.times)
    print(text)
    if args.output:
        write_text(text, args.output)


if __name__ == "__main__":
    run(main)

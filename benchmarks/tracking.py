"""Measure how much time recording adds to a train stage, with the grids of params.yaml.

    python -m benchmarks.tracking --output tracking.md

Each stage runs with recording off and on, in turn, in a copy of a project that has run before. The
table has seconds, processor seconds (with the workers and the recording process) and their ratios.
Seconds are what a user waits. They depend on other programs on the machine, and the recording
process uses processor time that the stage leaves free. The store is made once, before the first
measurement.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ALGOS = ("lr", "dt", "rf", "xgb", "knn", "mlp", "svc", "vote")


def timed(folder: Path, algo: str, tracking: str) -> tuple[float, float]:
    """Run a stage and return its seconds and its processor seconds."""
    env = {n: v for n, v in os.environ.items() if not n.startswith("MLFLOW_")}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "stages.train", algo],
        cwd=folder,
        env=env | {"CREDITRISK_TRACKING": tracking},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    took, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure the stages and write a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="a Markdown file")
    parser.add_argument("--algos", nargs="+", default=ALGOS, help="stages to run")
    parser.add_argument("--times", type=int, default=1, help="runs per stage; the fastest counts")
    args = parser.parse_args()
    header = "| stage | s off | s on | ratio | CPU s off | CPU s on | CPU ratio |"
    rows = [header, "|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as scratch:
        folder = Path(scratch, "project")
        shutil.copytree(".", folder, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv*"))
        shutil.rmtree(folder / ".dvc/mlflow", ignore_errors=True)
        make_store = (
            "from pathlib import Path; from creditrisk.tracking.local_runs import open_store as o;"
        )
        make_store += "from creditrisk.tracking.store import find_store as f; o(f(Path.cwd()))"
        subprocess.run([sys.executable, "-c", make_store], cwd=folder, check=True)
        total = [0.0, 0.0, 0.0, 0.0]
        for algo in args.algos:
            best: dict[str, tuple[float, float]] = {}
            for turn in range(args.times):
                for tracking in ("off", "on"):
                    if tracking == "on" and turn:
                        _change_code(folder)
                    found = timed(folder, algo, tracking)
                    best[tracking] = min(best.get(tracking, found), found)
            (off, cpu_off), (on, cpu_on) = best["off"], best["on"]
            total = [a + b for a, b in zip(total, (off, on, cpu_off, cpu_on), strict=True)]
            rows.append(_row(f"train@{algo}", off, on, cpu_off, cpu_on))
            print(rows[-1], flush=True)
    rows.append(_row("all", *total))
    args.output.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(rows[-1])


def _row(name: str, off: float, on: float, cpu_off: float, cpu_on: float) -> str:
    cells = [f"{off:.1f}", f"{on:.1f}", f"{on / off:.2f}"]
    cells += [f"{cpu_off:.1f}", f"{cpu_on:.1f}", f"{cpu_on / cpu_off:.2f}"]
    return f"| {name} | {' | '.join(cells)} |"


def _change_code(folder: Path) -> None:
    """Change the key of the next run, since a run that is in the store is not recorded again."""
    with open(folder / "creditrisk/metrics/costs.py", "a", encoding="utf-8") as code:
        code.write("# Again.\n")


if __name__ == "__main__":
    main()

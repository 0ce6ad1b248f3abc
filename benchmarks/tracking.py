"""What recording costs a train stage at the grids of params.yaml.

    python -m benchmarks.tracking --output tracking.md

Each stage is run with recording off and on, in turns, in a copy of the project that has run before.
Told are seconds, processor seconds (workers and the recording process included) and their ratios.
The first is what a person waits and other programs on the machine disturb it; the recording process
takes what the stage leaves free. The store is there before: it is made once.
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
    """Run a stage; return its seconds and its processor seconds."""
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
    """Measure, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="a Markdown file")
    parser.add_argument("--algos", nargs="+", default=ALGOS, help="stages to run")
    parser.add_argument("--times", type=int, default=1, help="of each, the least is taken")
    args = parser.parse_args()
    head = "| stage | s off | s on | ratio | CPU s off | CPU s on | CPU ratio |"
    rows = [head, "|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as scratch:
        folder = Path(scratch, "project")
        shutil.copytree(".", folder, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv*"))
        shutil.rmtree(folder / ".dvc/mlflow", ignore_errors=True)
        warm = (
            "from pathlib import Path; from creditrisk.tracking.local_runs import open_store as o;"
        )
        warm += "from creditrisk.tracking.store import find_place as f; o(f(Path.cwd()))"
        subprocess.run([sys.executable, "-c", warm], cwd=folder, check=True)
        total = [0.0, 0.0, 0.0, 0.0]
        for algo in args.algos:
            best: dict[str, tuple[float, float]] = {}
            for turn in range(args.times):
                for tracking in ("off", "on"):
                    if tracking == "on" and turn:
                        _forget(folder)
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


def _forget(folder: Path) -> None:
    """A run that is there is not recorded again: make its key another one."""
    with open(folder / "creditrisk/metrics/costs.py", "a", encoding="utf-8") as code:
        code.write("# Again.\n")


if __name__ == "__main__":
    main()

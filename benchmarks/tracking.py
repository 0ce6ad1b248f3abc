"""What recording costs a train stage at the grids of params.yaml.

    python -m benchmarks.tracking --output tracking.md

Each stage is run with recording off and on, in turns, in a copy of the project that has run before.
Told are seconds and processor seconds (workers included) and the ratio of the latter, which other
programs on the machine disturb less. The store is there before: it is made once.
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
    head = "| stage | s off | s on | CPU s off | CPU s on | CPU ratio |"
    rows = [head, "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as scratch:
        folder = Path(scratch, "project")
        shutil.copytree(".", folder, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv*"))
        shutil.rmtree(folder / ".dvc/mlflow", ignore_errors=True)
        warm = "from pathlib import Path; from creditrisk.tracking.local import open_store as o;"
        warm += "from creditrisk.tracking.place import find_place as f; o(f(Path.cwd()))"
        subprocess.run([sys.executable, "-c", warm], cwd=folder, check=True)
        total = {"off": 0.0, "on": 0.0}
        for algo in args.algos:
            best: dict[str, tuple[float, float]] = {}
            for turn in range(args.times):
                for tracking in ("off", "on"):
                    if tracking == "on" and turn:
                        _forget(folder)
                    found = timed(folder, algo, tracking)
                    best[tracking] = min(best.get(tracking, found), found, key=lambda x: x[1])
            (off, cpu_off), (on, cpu_on) = best["off"], best["on"]
            total["off"], total["on"] = total["off"] + cpu_off, total["on"] + cpu_on
            rows.append(
                f"| train@{algo} | {off:.1f} | {on:.1f} | {cpu_off:.1f} | {cpu_on:.1f}"
                f" | {cpu_on / cpu_off:.2f} |"
            )
            print(rows[-1], flush=True)
    ratio = total["on"] / total["off"]
    rows.append(f"| all | | | {total['off']:.1f} | {total['on']:.1f} | {ratio:.2f} |")
    args.output.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"all: {ratio:.2f}")


def _forget(folder: Path) -> None:
    """A run that is there is not recorded again: make its key another one."""
    with open(folder / "creditrisk/decision.py", "a", encoding="utf-8") as code:
        code.write("# Again.\n")


if __name__ == "__main__":
    main()

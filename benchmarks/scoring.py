"""Time `python -m commands.score` on a million rows of the default data, drawn with replacement.

    python -m benchmarks.scoring lr xgb

Run it in the project's folder after `dvc repro`. It makes a temporary project for each algorithm,
with that algorithm's model as champion. It prints rows per second of the whole command (start,
reading, checking, scoring, writing) and its peak memory.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Time each algorithm, in a separate process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="+", help="algorithms, as in models/")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=32768)
    parser.add_argument("--reasons", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        resample(ROOT / "data/raw/german_credit.csv", home / "new.csv", args.rows)
        for kind in args.kinds:
            champion(home, kind)
            options = ["--batch", str(args.batch), "--reasons", str(args.reasons)]
            seconds, peak = timed(home, options)
            print(f"{kind:<12}{args.rows / seconds:>12,.0f} rows/s{peak:>8,.0f} MB", flush=True)


def resample(source: Path, target: Path, rows: int) -> None:
    """Write a file whose lines are drawn with replacement from another file."""
    header, *lines = source.read_text().splitlines()
    rng = random.Random(1)
    with open(target, "w") as file:
        file.write(header + "\n")
        file.writelines(rng.choice(lines) + "\n" for _ in range(rows))


def champion(home: Path, kind: str) -> None:
    """Make a project in which the model of an algorithm is the champion."""
    (home / "models").mkdir(exist_ok=True)
    shutil.copy(ROOT / "params.yaml", home)
    model = (ROOT / f"models/{kind}.joblib").read_bytes()
    described = json.loads((ROOT / "models/champion.json").read_text())
    described["model_sha256"] = hashlib.sha256(model).hexdigest()
    text = json.dumps(described).encode()
    outs = []
    for name, content in (("models/champion.joblib", model), ("models/champion.json", text)):
        (home / name).write_bytes(content)
        outs.append({"path": name, "md5": hashlib.md5(content).hexdigest()})
    (home / "dvc.lock").write_text(yaml.safe_dump({"stages": {"select": {"outs": outs}}}))


def timed(home: Path, options: list[str]) -> tuple[float, float]:
    """Run the command and return its seconds and its peak memory in megabytes."""
    command = [
        sys.executable,
        "-m",
        "commands.score",
        "--input",
        "new.csv",
        "--output",
        "o.parquet",
    ]
    start = time.perf_counter()
    with subprocess.Popen(
        [*command, *options], cwd=home, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the command failed")
    assert isinstance(usage, resource.struct_rusage)
    return time.perf_counter() - start, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()

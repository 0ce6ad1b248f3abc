"""Time scoring: a million rows by `python -m commands.score`, and few rows in this process.

    python -m benchmarks.scoring lr xgb          # a million rows, drawn with replacement
    python -m benchmarks.scoring --few lr xgb    # one row and a hundred, before and after

`--few` compares two ways in one run: the model's own `predict_proba` on blocks of 8,192 rows, as it
was before there were tables, and the predictor. It prints CPU milliseconds and their ratio.

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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import yaml
from threadpoolctl import threadpool_limits

from creditrisk.champion.description import parse_description
from creditrisk.prepare.cells import Notation
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import Scorer

OLD_BLOCK = 8192  # rows that a single one was scored with
ROOT = Path(__file__).parent.parent


def main() -> None:
    """Time each algorithm, in a separate process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="+", help="algorithms, as in models/")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=32768)
    parser.add_argument("--reasons", type=int, default=0)
    parser.add_argument("--few", action="store_true", help="one row and a hundred")
    args = parser.parse_args()
    if args.few:
        for kind in args.kinds:
            few_rows(kind)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        resample(ROOT / "data/raw/german_credit.csv", home / "new.csv", args.rows)
        for kind in args.kinds:
            champion(home, kind)
            options = ["--batch", str(args.batch), "--reasons", str(args.reasons)]
            seconds, peak = timed(home, options)
            print(f"{kind:<12}{args.rows / seconds:>12,.0f} rows/s{peak:>8,.0f} MB", flush=True)


def few_rows(kind: str) -> None:
    """Time one row, with and without reasons, and a hundred rows."""
    model = joblib.load(ROOT / f"models/{kind}.joblib")
    described = parse_description((ROOT / "models/champion.json").read_bytes(), "champion.json")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    notation = Notation.of(".", ",", params["prepare"]["null_words"])
    scorer = Scorer(Champion(model, described), notation, 4)
    test = pd.read_parquet(ROOT / "data/processed/test.parquet")[described.columns]
    header, *lines = (ROOT / "data/raw/german_credit.csv").read_text().splitlines()
    cells, names = np.array([line.split(",") for line in lines], dtype=object), header.split(",")

    def applicants(start: int, count: int) -> dict[str, np.ndarray]:
        return dict(zip(names, cells[start : start + count].T, strict=True))

    # Each applicant comes once: of a second time, caches would know it.
    ones = [applicants(start, 1) for start in range(200)]
    block = test.iloc[np.zeros(OLD_BLOCK, dtype=int)]
    before = cpu(model.predict_proba, [block] * 2)
    after = cpu(scorer.judge, ones)
    reasons = cpu(scorer.explain, [scorer.judge(one) for one in ones[:40]])
    many = cpu(scorer.judge, [applicants(start, 100) for start in range(200, 1000, 100)])
    print(
        f"{kind:<12}one row: before {before:8.1f} ms, after {after:6.2f} ms, {before / after:5.0f} "
        f"times less; four reasons + {reasons:6.2f} ms; 100 rows {many:6.2f} ms",
        flush=True,
    )


def cpu(work: Callable[[Any], object], inputs: list[Any]) -> float:
    """Return the CPU milliseconds of a call, on one thread; the first quarter is not counted."""
    first = max(1, len(inputs) // 4)
    with threadpool_limits(1):
        for one in inputs[:first]:
            work(one)
        start = time.process_time()
        for one in inputs[first:]:
            work(one)
        return 1000 * (time.process_time() - start) / (len(inputs) - first)


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

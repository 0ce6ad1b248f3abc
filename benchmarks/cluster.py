"""What a cluster gives: measured on two real workers, and simulated for more.

    python -m benchmarks.cluster --output cluster.md

A scheduler and two worker processes run on this machine. Measured there: the overhead of a job
(jobs that do nothing), the time of each job of a search, and the whole search. The simulation gives
these jobs, with their measured times and the overhead, to so many workers, each job to the first
one that is free; for two workers it stands beside the real time, which says how far it can be
trusted. At last: what a million rows and a thousand candidates need. The candidates are searched on
a sample of `train.search_rows` rows, the best one is fitted on all rows, in each fold and once
more; that time is measured at two numbers of rows, and grows from there as it did between them.
"""

import heapq
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.cli import make_parser, run
from creditrisk.core.cluster import VARIABLE, cluster
from creditrisk.core.files import write_text
from creditrisk.core.params import read_yaml
from creditrisk.modeling.folds import Fold, make_folds
from creditrisk.modeling.params import PreprocessParams
from creditrisk.train.fold_fits import Rows, fit_fold, share_steps
from creditrisk.train.params import TrainParams
from creditrisk.train.single import jobs_per_fold
from creditrisk.train.spec import SearchSpec

PORT = 18_790
SIZES = (2, 16, 64)
ROWS, CANDIDATES, SAMPLE = 1_000_000, 1_000, 10_000
SMALL, LARGE = 25_000, 100_000  # rows of the fits from which the one on all rows is foretold
FOLDS, INNER = 5, 3  # with so many rows; see `train.when_rows_above`
FEATURES = {"numeric": [f"x{k}" for k in range(12)], "nominal": [f"c{k}" for k in range(8)]}


def applicants(rows: int) -> pd.DataFrame:
    """Make applicants of 20 columns whose outcome depends on some of them."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.normal(size=rows) for name in FEATURES["numeric"]})
    for name in FEATURES["nominal"]:
        frame[name] = pd.Series(rng.choice(list("abcdef"), rows), dtype="str")
    risk = frame["x0"] - 0.7 * frame["x1"] + (frame["c0"] == "a") - 1.5
    return frame.assign(bad=(rng.random(rows) < 1 / (1 + np.exp(-risk))).astype("int8"))


def spec_of(count: int) -> SearchSpec:
    """Make a search of boosted trees with so many candidates."""
    tree: dict[str, Any] = read_yaml("params.yaml")
    train = TrainParams.model_validate(tree["train"])
    values = np.linspace(0.02, 0.2, count)
    candidates = [
        {"encoder": "onehot", "resample": "none", "n_estimators": 150, "max_depth": 3 + k % 4,
         "learning_rate": float(values[k]), "subsample": 0.8, "colsample_bytree": 0.5}
        for k in range(count)
    ]  # fmt: skip
    features: dict[str, Any] = FEATURES | {"ordinal": {}}
    preprocess = PreprocessParams.model_validate(tree["preprocess"])
    return SearchSpec("xgb", candidates, features, preprocess, train, tree["seed"])


def timed_fold(rows: Rows, part: Any, fold: Fold) -> float:
    """A job: fit candidates in a fold; return its seconds."""
    started = time.perf_counter()
    fit_fold(rows, part, fold, "roc_auc", False)
    return time.perf_counter() - started


def nothing(shared: object) -> None:
    """A job that does nothing."""


def simulate(seconds: list[float], overhead: float, workers: int) -> float:
    """Give jobs to workers, the longest first, each to the first one that is free.

    Args:
        seconds: of each job.
        overhead: seconds that the scheduler needs for a job; it hands out one after the other.
        workers: how many.

    Returns:
        Seconds until the last one ends.
    """
    free = [0.0] * workers
    for number, job in enumerate(sorted(seconds, reverse=True)):
        start = max(heapq.heappop(free), overhead * number)
        heapq.heappush(free, start + job)
    return max(free)


@contextmanager
def real_cluster(workers: int) -> Iterator[str]:
    """Start a scheduler and workers on this machine."""
    address = f"tcp://127.0.0.1:{PORT}"
    with tempfile.TemporaryDirectory(prefix="creditrisk-") as folder:
        nowhere = subprocess.DEVNULL
        quiet: dict[str, Any] = {"cwd": folder, "stdout": nowhere, "stderr": nowhere}
        quiet["start_new_session"] = True
        dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        started = [
            subprocess.Popen(
                [*dask, "--host", "127.0.0.1", "--port", str(PORT), "--no-dashboard"], **quiet
            )
        ]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
        started += [
            subprocess.Popen([*worker, "--nworkers", "1", "--no-dashboard"], **quiet)
            for _ in range(workers)
        ]
        try:
            yield address
        finally:
            for process in started:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def measure(count: int) -> str:
    """Measure and simulate, and write the tables as Markdown."""
    spec = spec_of(count)
    frame = applicants(SAMPLE)
    columns = [*FEATURES["numeric"], *FEATURES["nominal"]]
    rows = frame[columns], frame["bad"].to_numpy()
    folds = make_folds(rows[1], np.arange(SAMPLE), FOLDS, 1, spec.seed)
    numbered = list(
        enumerate(
            share_steps([spec.candidate_pipeline(c, rows[1], folds) for c in spec.candidates])
        )
    )
    parts = [numbered[k : k + 4] for k in range(0, count, 4)]
    with real_cluster(2) as address, cluster(address, rows) as pool:
        pool.client.wait_for_workers(2, timeout=60)
        for _ in range(2):  # the first jobs import libraries, and fetch code and rows
            for job in [pool.submit(timed_fold, numbered[:1], folds[0]) for _ in range(4)]:
                job.result()
        started = time.perf_counter()
        for job in [pool.submit(nothing) for _ in range(500)]:
            job.result()
        overhead = (time.perf_counter() - started) / 500
        started = time.perf_counter()
        jobs = [pool.submit(timed_fold, part, fold) for fold in folds for part in parts]
        seconds = [job.result() for job in jobs]
        real = time.perf_counter() - started
    told = simulate(seconds, overhead, 2)
    a_fit = sum(seconds) / (count * FOLDS)
    lines = [
        f"Overhead of a job: {1000 * overhead:.1f} ms. A fit on {SAMPLE * (FOLDS - 1) // FOLDS:,} "
        f"rows: {a_fit:.2f} s (XGBoost, 150 trees, 20 columns).", "",
        f"A search of {count} candidates x {FOLDS} folds: {real:.1f} s on two real workers, "
        f"{told:.1f} s simulated (ratio {told / real:.2f}).", "",
        *_whole(spec, columns, a_fit, overhead),
    ]  # fmt: skip
    return "\n".join(lines)


def _whole(spec: SearchSpec, columns: list[str], a_fit: float, overhead: float) -> list[str]:
    """Foretell a million rows and a thousand candidates."""
    took = {}
    for size in (SMALL, LARGE):
        frame = applicants(size)
        rows = frame[columns], frame["bad"].to_numpy()
        fold = Fold(0, 0, np.arange(size), np.arange(1000))
        one = share_steps([spec.candidate_pipeline(spec.candidates[0], rows[1], [fold])])
        took[size] = timed_fold(rows, [(0, one[0])], fold)
    exponent = np.log(took[LARGE] / took[SMALL]) / np.log(LARGE / SMALL)
    final = took[LARGE] * (ROWS / LARGE) ** exponent
    # The folds and the fit on all rows begin when the search has ended.
    last = [final * ((FOLDS - 1) / FOLDS) ** exponent] * FOLDS + [final]
    smaller = a_fit * (INNER - 1) / INNER  # on the rows that the inner folds leave
    total = CANDIDATES * FOLDS * (a_fit + INNER * smaller) + sum(last)
    lines = [
        f"A fit on {LARGE:,} rows: {took[LARGE]:.1f} s, on {SMALL:,}: {took[SMALL]:.1f} s "
        f"(exponent {exponent:.2f}), so about {final:.0f} s on {ROWS:,}.", "",
        f"{ROWS:,} rows x {CANDIDATES:,} candidates: {total / 3600:.1f} hours of one core. "
        "Simulated:", "",
        "| cores | minutes | speed-up | of them busy |", "|---|---|---|---|",
    ]  # fmt: skip
    for workers in SIZES:
        search = _jobs(a_fit, FOLDS, workers)
        nested = _jobs(smaller, FOLDS * INNER, workers)
        seconds = simulate(search, overhead, workers) + simulate(last + nested, overhead, workers)
        speedup = total / seconds
        lines.append(
            f"| {workers} | {seconds / 60:.0f} | {speedup:.1f} | {speedup / workers:.0%} |"
        )
    return [*lines, ""]


def _jobs(a_fit: float, folds: int, workers: int) -> list[float]:
    """Return the seconds of each job, as a train stage divides the candidates of its folds."""
    parts = min(jobs_per_fold(workers, folds), CANDIDATES)
    cuts = np.linspace(0, CANDIDATES, parts + 1).astype(int)
    return [float(count) * a_fit for count in np.diff(cuts)] * folds


def main() -> None:
    """Run the benchmark, print the tables and write them to `--output`."""
    parser = make_parser(__doc__)
    parser.add_argument("--output", type=Path, help="a Markdown file")
    parser.add_argument("--candidates", type=int, default=64, help="of the real search")
    args = parser.parse_args()
    os.environ.pop(VARIABLE, None)
    text = measure(args.candidates)
    print(text)
    if args.output:
        write_text(text, args.output)


if __name__ == "__main__":
    run(main)

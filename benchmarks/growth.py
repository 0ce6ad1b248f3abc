"""Measure how time and memory of the steps before training, and of scoring, grow with the rows.

    python -m benchmarks.growth --output growth.md
    python -m benchmarks.growth --output growth.md --rows 10000000 \
        --steps ingest prepare eda featurize --folder FOLDER_WITH_SPACE

Run it in the project's folder after `dvc repro`. For each number of rows it makes a portfolio of 20
columns (`benchmarks/growth_data.py`) in a temporary project and runs the steps one after the other,
each as a process of its own. It writes:

- per step and number of rows, processor seconds (user and system), seconds, and peak memory; then
  the peak without what the same step needs for a hundred rows, divided by the size of the frame
  that it works on: raw.parquet as an Arrow table, for scoring the scored rows likewise;
- of a train stage (`ALGORITHM`), the seconds until its search has ended, and all: with more rows
  than `train.search_rows` the search takes a sample, and the fits on all rows come after it;
- per step and for the four before training, the exponent of growth: the slope of log processor
  seconds over log rows, between the two largest numbers of rows, and between the smallest and the
  largest. Fixed costs, such as imports, make the second one smaller.

An ensemble takes milliseconds for a row with reasons, and rows are scored in batches of one size,
so fewer are scored (`--score-rows`). Time depends on other programs on the machine, processor time
only a little.
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
BEFORE_TRAINING = ("ingest", "prepare", "eda", "featurize")
SCORE, TRAIN = "score", "train"
STEPS = (*BEFORE_TRAINING, TRAIN, SCORE)
ALGORITHM, SAMPLED = "lgbm", "a fit on all rows"  # the line that says that the search has ended
SEARCHED_FROM = 20_000  # rows from which a search takes a sample, test rows included
ROWS = (1_000, 10_000, 100_000, 1_000_000)
FIXED_ROWS = 100  # what a process takes for so few rows, it takes whatever the rows
RAW, SCORED = "data/interim/raw.parquet", "scored.parquet"
CHAMPION = ("models/champion.joblib", "models/champion.json", "dvc.lock")
COLUMNS = ("CPU s", "s", "peak MB", "frame MB", "peak above fixed / frame")


@dataclass(frozen=True)
class Measured:
    """What a step took for a number of rows: seconds, and bytes for `peak` and `frame`."""

    step: str
    rows: int
    cpu: float
    seconds: float
    peak: int
    frame: int = 0


@dataclass(frozen=True)
class Searched:
    """The seconds of a train stage: until the end of its search, and all."""

    rows: int
    search: float
    all: float


def main() -> None:
    """Measure the steps and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="a Markdown file")
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS, help="numbers of rows")
    parser.add_argument(
        "--score-rows", type=int, default=100_000, help="at most so many are scored, in batches"
    )
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS, help="steps to run")
    parser.add_argument("--without-id", action="store_true", help="leave the id out of the schema")
    parser.add_argument("--folder", type=Path, help="where the temporary project goes")
    args = parser.parse_args()
    found: list[Measured] = []
    searched: list[Searched] = []
    with tempfile.TemporaryDirectory(prefix="creditrisk-", dir=args.folder) as scratch:
        project(Path(scratch), args.without_id)
        fixed = {m.step: m.peak for m in measure(Path(scratch), FIXED_ROWS, args.steps)}
        for rows in sorted(args.rows):
            here = [step for step in args.steps if step != SCORE or rows <= args.score_rows]
            for measured in measure(Path(scratch), rows, here):
                found.append(measured)
                print(_row(measured, fixed), flush=True)
            if TRAIN in args.steps and rows >= SEARCHED_FROM:
                searched.append(search(Path(scratch), rows))
    text = report(found, fixed) + report_searches(searched)
    args.output.write_text(text, encoding="utf-8")
    print(text)


def project(folder: Path, without_id: bool) -> None:
    """Make a project for the portfolio, with the champion of this one."""
    schema = yaml.safe_load(_made("schema"))
    if without_id:
        del schema["columns"]["customer"]
    (folder / "schema.yaml").write_text(yaml.safe_dump(schema, sort_keys=False))
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["data"] |= {"source": "portfolio.csv", "schema": "schema.yaml"}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    # The applicants of the default data are written as its own params.yaml says.
    shutil.copy(ROOT / "params.yaml", folder / "default.yaml")
    for name in CHAMPION:
        (folder / name).parent.mkdir(exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder / name)


def measure(folder: Path, rows: int, steps: list[str]) -> Iterator[Measured]:
    """Make the data and run the steps; of those before training, also those that come before."""
    wanted = [step for step in BEFORE_TRAINING if step in steps or TRAIN in steps]
    if wanted:
        _made("portfolio", folder, rows)
        for step in BEFORE_TRAINING[: BEFORE_TRAINING.index(wanted[-1]) + 1]:
            took = run(folder, step, rows, ["-m", f"stages.{step}"], RAW)
            if step in wanted:
                yield took
        (folder / "portfolio.csv").unlink()
    if SCORE in steps:
        _made("applicants", folder, rows)
        options = ["--params", "default.yaml", "--input", "new.csv", "--output", SCORED]
        yield run(folder, SCORE, rows, ["-m", "commands.score", *options], SCORED)
        (folder / "new.csv").unlink()


def run(folder: Path, step: str, rows: int, command: list[str], frame: str) -> Measured:
    """Run a step in a folder with this project's code."""
    start = time.monotonic()
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"},
        stdout=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    if process.returncode:
        raise SystemExit(f"{step} failed")
    cpu, size = usage.ru_utime + usage.ru_stime, int(_made("bytes", folder / frame))
    return Measured(step, rows, cpu, seconds, usage.ru_maxrss * 1024, size)


def search(folder: Path, rows: int) -> Searched:
    """Run a train stage on what featurize has left, and see when its search ends."""
    start, ended = time.monotonic(), 0.0
    quiet = {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off", "CREDITRISK_TRACKING": "off"}
    with subprocess.Popen(
        [sys.executable, "-m", "stages.train", ALGORITHM],
        cwd=folder, env=os.environ | quiet, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if SAMPLED in line:
                ended = time.monotonic() - start
    if process.returncode or not ended:
        raise SystemExit(f"train@{ALGORITHM} failed, or searched all rows")
    return Searched(rows, ended, time.monotonic() - start)


def report_searches(searched: list[Searched]) -> str:
    """Return a table in Markdown; empty without any."""
    if not searched:
        return ""
    lines = ["", f"| rows | train@{ALGORITHM}: search, s | all, s |", "|---|---|---|"]
    lines += [f"| {one.rows:,} | {one.search:.1f} | {one.all:.1f} |" for one in searched]
    return "\n".join(lines) + "\n"


def _made(*words: object) -> str:
    command = [sys.executable, "-m", "benchmarks.growth_data", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def report(found: list[Measured], fixed: dict[str, int]) -> str:
    """Return the tables in Markdown."""
    lines = [f"| step | rows | {' | '.join(COLUMNS)} |", f"|---|---|{'---|' * len(COLUMNS)}"]
    lines += [_row(measured, fixed) for measured in found]
    steps: dict[str, dict[int, float]] = {}
    for one in found:
        steps.setdefault(one.step, {})[one.rows] = one.cpu
    parts = [steps[step] for step in BEFORE_TRAINING if step in steps]
    if len(parts) > 1:
        steps["before training"] = {rows: sum(part[rows] for part in parts) for rows in parts[0]}
    lines += ["", "| step | fixed MB | exponent, two largest | exponent, all | CPU s, largest |"]
    lines += ["|---|---|---|---|---|"]
    for step, cpu in steps.items():
        rows = sorted(cpu)
        ends = [_slope(cpu, rows[-2:]), _slope(cpu, [rows[0], rows[-1]])]
        megabytes = f"{fixed[step] / 1e6:,.0f}" if step in fixed else ""
        lines.append(f"| {step} | {megabytes} | {' | '.join(ends)} | {cpu[rows[-1]]:.1f} |")
    return "\n".join(lines) + "\n"


def _slope(cpu: dict[int, float], ends: list[int]) -> str:
    first, last = ends[0], ends[-1]
    return (
        f"{math.log(cpu[last] / cpu[first]) / math.log(last / first):.2f}" if last > first else ""
    )


def _row(measured: Measured, fixed: dict[str, int]) -> str:
    above = max(0, measured.peak - fixed[measured.step])
    cells = [f"{measured.cpu:.1f}", f"{measured.seconds:.1f}", f"{measured.peak / 1e6:,.0f}"]
    cells += [f"{measured.frame / 1e6:,.1f}", f"{above / measured.frame:.2f}"]
    return f"| {measured.step} | {measured.rows:,} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()

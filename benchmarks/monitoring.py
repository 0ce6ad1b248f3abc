"""Measure monitoring: false alarms and power by size of the window, and the time it takes.

    python -m benchmarks.monitoring alarms               # the table of docs/monitoring.md
    python -m benchmarks.monitoring alarms --rows 200 --windows 1000
    python -m benchmarks.monitoring time                 # batches of 10,000 rows, and nothing new

Run it in the project's folder after `dvc repro`. Windows are drawn with replacement from the
default data, so without a change there is no drift. Beside the rules of monitoring stand two more:
significance alone, without a least size (`no floor`); and the usual one, an alarm if the PSI of any
variable exceeds 0.1, or 0.25, with missing values as a bin.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from threadpoolctl import threadpool_limits

from benchmarks.scoring import ROOT
from creditrisk.champion.reference import Reference
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_source
from creditrisk.metrics.intervals import wilson
from creditrisk.metrics.stability import psi_of_counts
from creditrisk.monitor.batches import Facts
from creditrisk.monitor.counts import count_batch
from creditrisk.monitor.drift import bins_of
from creditrisk.monitor.judge import judge
from creditrisk.monitor.load import load_reference
from creditrisk.monitor.params import MonitorParams
from creditrisk.monitor.rows import ledger_rows
from creditrisk.monitor.simulate import Plan, write_batches
from creditrisk.monitor.simulated_cells import Drift
from creditrisk.monitor.simulated_drift import drifted, plan_drift
from creditrisk.prepare.cells import Notation
from creditrisk.schema import Schema, load_schema
from creditrisk.score.load_champion import load_champion
from creditrisk.score.scorer import Scorer

SIZES = (100, 200, 500, 1_000, 2_000, 10_000)
CUTS = (0.1, 0.25)  # of the usual tools
ENOUGH = 400_000  # rows for one line of the table; large windows are fewer
FACTS = Facts(number=1, name="window", sha256="", kind="applicants", form="csv", day=None,
              rows=0, rejected=0)  # fmt: skip


class Judged(NamedTuple):
    """What is said of a window.

    Attributes:
        alarms: kind and place of each alarm.
        no_floor: the same by significance alone.
        psi: the largest PSI of a variable, missing values as a bin.
    """

    alarms: set[tuple[str, str]]
    no_floor: set[tuple[str, str]]
    psi: float


@dataclass(frozen=True)
class Bench:
    """What windows are drawn from and judged by."""

    raw: pd.DataFrame
    schema: Schema
    data: DataParams
    notation: Notation
    scorer: Scorer
    reference: Reference
    params: MonitorParams

    def judged(self, raw: pd.DataFrame) -> Judged:
        """Judge a window as `python -m commands.monitor` does.

        Args:
            raw: text, under the column names of the source, shape (n, d).
        """
        cells = {name: raw[name] for name in self.schema.columns}
        rows = ledger_rows(cells, [None] * len(raw), self.schema, self.notation)
        counted, _ = count_batch(rows, FACTS, self.scorer, self.reference)
        alarms, no_floor = (
            {(one.kind, one.place) for one in judge(counted, self.reference, params).found}
            for params in (self.params, self.params.model_copy(update={"psi": 0.0, "share": 0.0}))
        )
        alarms |= {("format", name) for name in counted.formats}
        psis = []
        for name, like in self.reference.variables.items():
            now = counted.variables[name]
            counts = np.array([*now.counts, *now.special.values(), now.missing], dtype=float)
            psis.append(psi_of_counts(np.append(bins_of(like), like.missing), counts))
        return Judged(alarms, no_floor, float(np.nanmax(psis)))

    def some_level(self, kind: str, share: str, rng: np.random.Generator) -> Drift:
        """Choose a nominal column, and the level that a share of its rows gets."""
        names = [n for n, c in self.schema.columns.items() if c.kind == "nominal"]
        name = str(rng.choice(names))
        if kind == "new-level":
            return plan_drift(
                self.raw, self.schema, self.data, self.notation, kind, name, Decimal(share)
            )
        level = str(rng.choice(sorted(self.raw[name].unique())))
        return Drift(kind, (name,), Decimal(share), (level,))


Draw = Callable[[Bench, np.random.Generator], Drift]


def _of_column(kind: str, column: str, size: str) -> Draw:
    return lambda bench, rng: plan_drift(
        bench.raw, bench.schema, bench.data, bench.notation, kind, column, Decimal(size)
    )


def _missing(bench: Bench, rng: np.random.Generator) -> Drift:
    return Drift("missing", (str(rng.choice([*bench.schema.columns])),), Decimal("0.1"))


DRIFTS: dict[str, Draw] = {
    "none": lambda bench, rng: Drift(),
    "amount x 1.5": _of_column("scale", "amount", "1.5"),
    "age + 5": _of_column("shift", "age", "5"),
    "20% moved to one level": lambda bench, rng: bench.some_level("move", "0.2", rng),
    "10% of a column missing": _missing,
    "10% of a new level": lambda bench, rng: bench.some_level("new-level", "0.1", rng),
}


def main() -> None:
    """Measure the alarms, or the time."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("alarms", "time"))
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="of the windows")
    parser.add_argument("--windows", type=int, default=1000, help="per line, at most")
    parser.add_argument("--drift", choices=DRIFTS, nargs="+", default=[*DRIFTS])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batches", type=int, default=5, help="that are timed")
    args = parser.parse_args()
    os.chdir(ROOT)
    bench = load()
    with threadpool_limits(1):
        if args.what == "time":
            take_time(bench, args.batches)
        else:
            for line in table(bench, args.rows, args.drift, args.windows, args.seed):
                print(line, flush=True)


def load() -> Bench:
    """Load the default data, the champion and the reference."""
    tree = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    data = DataParams(**tree["data"])
    schema, lock = load_schema(data.schema_), Path("dvc.lock")
    notation = Notation.of(data.decimal, data.thousands, tree["prepare"]["null_words"])
    champion = load_champion(Path("models/champion.joblib"), Path("models/champion.json"), lock)
    reference, _ = load_reference(Path("models/reference.json"), lock)
    frame = read_source(data.source, data, schema).frame
    raw = frame.loc[frame["malformed"].isna(), [*schema.columns, schema.target.column]]
    params = MonitorParams(**tree["monitor"])
    return Bench(raw, schema, data, notation, Scorer(champion, notation), reference, params)


def windows(
    bench: Bench, drift: Draw, rows: int, count: int, seed: int
) -> Iterator[tuple[str, Judged]]:
    """Yield the column that drifts (by the schema's name) and what is said, window by window."""
    for number in range(count):
        rng = np.random.default_rng([seed, rows, number])
        drawn = bench.raw.iloc[rng.integers(len(bench.raw), size=rows)].reset_index(drop=True)
        planned = drift(bench, rng)
        place = bench.schema.columns[planned.columns[0]].name if planned.columns else ""
        changed = drifted(drawn, bench.schema, bench.notation, planned, rng)
        yield place, bench.judged(changed)


def table(bench: Bench, sizes: list[int], drifts: list[str], most: int, seed: int) -> Iterator[str]:
    """Yield the lines of the table, in Markdown: shares of windows with an alarm."""
    titles = ["drift", "rows", "windows", "an alarm", "95% interval", "at the column", "no floor"]
    titles += [f"any PSI > {cut}" for cut in CUTS]
    yield f"| {' | '.join(titles)} |"
    yield f"|---|{'---:|' * (len(titles) - 1)}"
    for name in drifts:
        for rows in sizes:
            count = max(1, min(most, ENOUGH // rows))
            found = list(windows(bench, DRIFTS[name], rows, count, seed))
            each = [one for _, one in found]
            alarms = sum(bool(one.alarms) for one in each)
            low, high = wilson(np.array(alarms), np.array(count))
            right = sum(place in {at for _, at in one.alarms} for place, one in found)
            shares = [right, sum(bool(one.no_floor) for one in each)]
            shares += [sum(one.psi > cut for one in each) for cut in CUTS]
            cells = [name, f"{rows:,}", f"{count:,}", _percent(alarms / count)]
            cells += [f"{_percent(float(low))} to {_percent(float(high))}"]
            cells += [_percent(share / count) for share in shares]
            if name == "none":
                cells[5] = ""
            yield f"| {' | '.join(cells)} |"


def _percent(share: float) -> str:
    return f"{share:.1%}"


def take_time(bench: Bench, batches: int) -> None:
    """Time batches of 10,000 rows, then runs in which nothing is new, in a copy of the project."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "project"
        ignored = shutil.ignore_patterns(".venv*", "logs", "__pycache__", ".git", ".mypy_cache")
        shutil.copytree(ROOT, home, ignore=ignored, symlinks=True)
        for old in ("data/incoming", "data/monitor"):
            shutil.rmtree(home / old, ignore_errors=True)
        run(home, "git", "init", "-q")
        incoming = home / "data/incoming"
        plan = Plan(rows=10_000, batches=batches)
        made = write_batches(
            bench.raw, bench.schema, bench.data, bench.notation, Drift(), plan, home / "later"
        )
        seconds, worked = [], []
        for batch in made:
            incoming.mkdir(parents=True, exist_ok=True)
            batch.path.rename(incoming / batch.path.name)
            start, before = time.perf_counter(), cpu_of_children()
            run(home, sys.executable, "-m", "commands.receive")
            middle = time.perf_counter()
            run(home, sys.executable, "-m", "commands.monitor", "--exit-zero")
            end = time.perf_counter()
            seconds.append(end - start)
            worked.append(cpu_of_children() - before)
            print(
                f"{batch.rows:,} rows: receive {middle - start:.2f} s, monitor "
                f"{end - middle:.2f} s; {worked[-1]:.2f} s of CPU",
                flush=True,
            )
        print(
            f"median: {statistics.median(seconds):.2f} s, {statistics.median(worked):.2f} s of CPU "
            "(much less than the time: something else was at work on this machine)"
            if 1.5 * statistics.median(worked) < statistics.median(seconds)
            else f"median: {statistics.median(seconds):.2f} s",
            flush=True,
        )
        nothing_new(home)


def cpu_of_children() -> float:
    """The CPU seconds of all programs that were run and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def nothing_new(home: Path, repeats: int = 7) -> None:
    """Compare `dvc repro monitor/dvc.yaml`, where nothing is new, with `dvc status`."""
    repro = [sys.executable, "-m", "dvc", "repro", "monitor/dvc.yaml"]
    said = [run(home, *repro) for _ in range(2)][-1]
    if "Running stage" in said:
        raise SystemExit(f"something was new:\n{said}")
    taken: dict[str, list[float]] = {"status": [], "repro": []}
    for _ in range(repeats):  # in turn, so that a busy moment befalls both
        for name, command in (
            ("status", [sys.executable, "-m", "dvc", "status"]),
            ("repro", repro),
        ):
            start = time.perf_counter()
            run(home, *command)
            taken[name].append(time.perf_counter() - start)
    status, again = (statistics.median(taken[name]) for name in ("status", "repro"))
    print(
        f"nothing new: dvc status {status:.2f} s, dvc repro monitor/dvc.yaml {again:.2f} s: "
        f"{again / status:.2f} times"
    )


def run(home: Path, *command: str) -> str:
    """Run a program in the copy of the project, which must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=home, env=os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "true"},
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()

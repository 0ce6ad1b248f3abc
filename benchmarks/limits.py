"""Measure the memory and the time that files made to exhaust them take.

    python -m benchmarks.limits

Run it in the project's folder after `dvc repro`. Each file is small, or has one huge cell, or very
many rows that are none. `score` and `ingest` read them in processes of their own; it prints their
exit code, peak memory and seconds, and what they say.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.scoring import ROOT

HEADER, *LINES = (ROOT / "data/raw/german_credit.csv").read_text().splitlines()
NAMES = HEADER.split(",")
COLUMN = "verw"  # of this column the cells are long


def row(cell: str) -> str:
    """Return the first applicant with another cell."""
    cells = LINES[0].split(",")
    cells[NAMES.index(COLUMN)] = cell
    return ",".join(cells)


def csv(text: Callable[[], str]) -> Callable[[Path], object]:
    """Return a function that writes a CSV file, the given lines between sound ones."""
    return lambda path: path.write_text("\n".join([HEADER, LINES[1], text(), *LINES[2:9]]) + "\n")


def repeated(length: int, columns: list[str]) -> Callable[[Path], object]:
    """Return a function that writes Parquet: 30,000 rows with one text, in the given columns."""

    def write(path: Path) -> None:
        rows = pa.array([0] * 30_000, pa.int32())
        texts = {name: "x" * length if name in columns else "1" for name in NAMES}
        cells = {n: pa.DictionaryArray.from_arrays(rows, [text]) for n, text in texts.items()}
        pq.write_table(pa.table(cells), path)

    return write


def expanding(path: Path) -> None:
    """Write Parquet with 3,000 different texts that compress very well."""
    cells = {name: ["1"] * 3_000 for name in NAMES}
    cells[COLUMN] = [f"{i:06}" + "z" * 200_000 for i in range(3_000)]
    pq.write_table(pa.table(cells), path, use_dictionary=False, compression="zstd")


FILES: dict[str, Callable[[Path], object]] = {
    "ordinary.csv": csv(lambda: "\n".join(LINES * 100)),
    "cell of 200 MB.csv": csv(lambda: row("q" * 200_000_000)),
    "quoted cell of 200 MB.csv": csv(lambda: row(f'"{"q" * 200_000_000}"')),
    "quoted cell of 2e7 lines.csv": csv(lambda: row('"' + "qqqqqqqqq\n" * 20_000_000 + '"')),
    "2e8 delimiters.csv": csv(lambda: "," * 200_000_000),
    "1e7 one-byte lines.csv": csv(lambda: "\n".join(["1"] * 10_000_000)),
    "one text of 200 kB.parquet": repeated(200_000, [COLUMN]),
    "texts of 9 kB.parquet": repeated(9_000, NAMES),
    "texts that compress.parquet": expanding,
}


def main() -> None:
    """Measure each file, for scoring and, if it is CSV, for training."""
    if sys.argv[1:]:
        FILES[Path(sys.argv[1]).name](Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES:
            path = Path(folder, name)
            # Elsewhere, because the peak of a process includes the memory of whoever started it.
            subprocess.run([sys.executable, "-m", "benchmarks.limits", path], check=True)
            output = str(Path(folder, "out.parquet"))
            measure("score", name, ["--input", str(path), "--output", output, "--reasons", "0"])
            if path.suffix == ".csv":
                params = Path(folder, "params.yaml")
                text = (ROOT / "params.yaml").read_text()
                params.write_text(text.replace("data/raw/german_credit.csv", str(path)))
                metrics = str(Path(folder, "metrics.json"))
                options = ["--params", str(params), "--raw", output, "--metrics", metrics]
                measure("ingest", name, options)
            path.unlink()


def measure(script: str, name: str, options: list[str]) -> None:
    """Run a script and print what it took."""
    room = "stages" if script == "ingest" else "commands"
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", f"{room}.{script}", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        said = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    peak, seconds = usage.ru_maxrss / 1024, time.perf_counter() - start
    print(
        f"{script:<7}{name:<30}{process.returncode:>3}{peak:>7,.0f} MB{seconds:>6.1f} s  ", end=""
    )
    print(" ".join(said.split())[-100:], flush=True)


if __name__ == "__main__":
    main()

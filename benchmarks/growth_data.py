"""Make the files that `benchmarks/growth.py` reads, a part of the rows at a time.

    python -m benchmarks.growth_data portfolio FOLDER ROWS
    python -m benchmarks.growth_data applicants FOLDER ROWS
    python -m benchmarks.growth_data schema        # of the portfolio
    python -m benchmarks.growth_data bytes FILE    # of a Parquet file, as an Arrow table

A process of its own makes them: the peak memory of a process includes that of whoever started it.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).parent.parent
PART = 50_000  # rows that are made at once
DAYS = np.arange("2012-01-01", "2022-01-01", dtype="datetime64[D]")
# Shares of the rows, and of the cells of a column.
MALFORMED, COPIES, NEAR_COPIES, INDETERMINATE = 0.001, 0.01, 0.01, 0.02
GARBAGE = 0.001
CUSTOMERS = 9  # times as many as there are rows: one in ten rows has a customer who comes again
NAMES = (
    "customer", "applied", "customer_since", "amount", "term", "income", "rate", "utilisation",
    "score", "months_employed", "late_payments", "debts", "age", "purpose", "region", "housing",
    "job", "education", "term_plan", "outcome",
)  # fmt: skip
PURPOSES = ("car", "home improvement", "debt consolidation", "education", "medical", "other")
HOUSING = ("rent", "own", "mortgage", "with parents")
EDUCATION = ("none", "school", "vocational", "bachelor", "master or more")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PLANS = ("monthly", "quarterly", "at the end")


def schema() -> dict[str, Any]:
    """Return the schema of the portfolio."""
    special = {"96": "refused to say", "98": "unknown"}
    numeric: dict[str, dict[str, Any]] = {
        "amount": {"unit": "$", "min": 0},
        "term": {"integer": True, "unit": "months", "min": 1},
        "income": {"unit": "$", "min": 0},
        "rate": {"unit": "%", "min": 0, "max": 100},
        "utilisation": {"min": 0},
        "score": {"integer": True, "min": 300, "max": 850},
        "months_employed": {"integer": True, "min": 0},
        "late_payments": {"integer": True, "min": 0, "max": 98, "special": special},
        "debts": {"min": 0},
        "age": {"integer": True, "min": 18, "max": 100},
    }
    columns: dict[str, dict[str, Any]] = {
        "customer": {"kind": "id"},
        "applied": {"kind": "date", "format": "%Y-%m-%d"},
        "customer_since": {"kind": "date", "format": "%b-%Y"},
    }
    columns |= {name: {"kind": "numeric", **facts} for name, facts in numeric.items()}
    columns |= {
        "purpose": {"kind": "nominal", "levels": {name: name for name in PURPOSES}},
        "region": {"kind": "nominal"},
        "housing": {"kind": "nominal", "levels": {name: name for name in HOUSING}},
        "job": {"kind": "nominal"},
        "education": {
            "kind": "ordinal",
            "levels": {str(i): name for i, name in enumerate(EDUCATION, start=1)},
        },
        "term_plan": {"kind": "nominal", "levels": {name: name for name in PLANS}},
    }
    return {
        "name": "growth",
        "description": "Made rows, to measure how time and memory grow",
        "target": {
            "column": "outcome",
            "good": ["Fully Paid"],
            "bad": ["Charged Off", "Default"],
            "exclude": ["Current"],
        },
        "application_date": "applied",
        "columns": {name: {"name": name, **facts} for name, facts in columns.items()},
    }


def portfolio(folder: Path, rows: int) -> None:
    """Write `portfolio.csv`."""
    random = np.random.default_rng(1)
    with open(folder / "portfolio.csv", "w", encoding="utf-8") as file:
        file.write(",".join(NAMES) + "\n")
        for count in _parts(rows):
            cells = _cells(random, count, rows)
            _spoil(random, cells)
            lines = list(map(",".join, zip(*(column.tolist() for column in cells), strict=True)))
            for place in np.flatnonzero(random.random(count) < MALFORMED):
                lines[place] += ",one more"
            file.write("\n".join(lines) + "\n")


def _cells(random: np.random.Generator, n: int, rows: int) -> list[np.ndarray]:
    """Return the cells of n rows, a column each."""
    applied = random.integers(0, len(DAYS), n)
    since = (DAYS[applied] - random.integers(1, 9000, n)).astype("datetime64[M]")
    score = random.normal(680, 60, n).clip(300, 850).round()
    term = random.choice([12, 24, 36, 48, 60, 72], n)
    income = random.lognormal(10.7, 0.6, n)
    late = random.poisson(0.4, n).clip(0, 40)
    late = np.where(random.random(n) < 0.03, random.choice([96, 98], n), late)
    rate = (22 - score / 45 + random.normal(0, 2, n)).clip(0.5, 40)
    age = random.normal(41, 12, n).clip(18, 95).round()
    jobs = (random.pareto(1.2, n) * 20).astype("int64").clip(0, 1999)
    regions = (random.pareto(1.5, n) * 8).astype("int64").clip(0, 49)
    education = random.integers(1, 6, n)
    risk = -2.2 - (score - 680) / 60 + 0.5 * (late % 96) - 0.2 * education + random.normal(0, 1, n)
    outcome = np.where(risk > 0, "Charged Off", "Fully Paid").astype(object)
    outcome[random.random(n) < INDETERMINATE] = "Current"
    months = np.char.add(np.array(MONTHS)[since.astype("int64") % 12], "-")
    columns: list[np.ndarray] = [
        np.char.mod("C%09d", random.integers(0, CUSTOMERS * rows, n)),
        DAYS[applied].astype(str),
        np.char.add(months, since.astype("datetime64[Y]").astype(str)),
        np.char.mod("%.0f", random.lognormal(9.3, 0.7, n).clip(500, 90_000)),
        np.char.mod("%d months", term),
        np.char.mod("%.2f", income),
        np.char.mod("%.2f%%", rate),
        np.char.mod("%.4f", random.beta(2, 3, n)),
        np.char.mod("%d", score),
        np.char.mod("%d", random.gamma(2, 40, n)),
        np.char.mod("%d", late),
        np.char.mod("%.2f", income * random.beta(2, 5, n)),
        np.char.mod("%d", age),
        random.choice(np.array(PURPOSES), n, p=[0.15, 0.1, 0.45, 0.1, 0.05, 0.15]),
        np.char.mod("region %d", regions),
        random.choice(np.array(HOUSING), n, p=[0.35, 0.12, 0.48, 0.05]),
        np.char.mod("job title %d", jobs),
        np.char.mod("%d", education),
        random.choice(np.array(PLANS), n, p=[0.9, 0.08, 0.02]),
        outcome,
    ]
    return [column.astype(object) for column in columns]


def _spoil(random: np.random.Generator, cells: list[np.ndarray]) -> None:
    """Leave cells out, write some in other ways, and copy rows; in place."""
    n = len(cells[0])
    gaps = {"customer": 0.01, "customer_since": 0.02, "income": 0.06, "utilisation": 0.02,
            "score": 0.1, "months_employed": 0.04, "debts": 0.05, "job": 0.05, "education": 0.03,
            "housing": 0.01}  # fmt: skip
    for name, column in zip(NAMES, cells, strict=True):
        if name not in ("applied", "outcome"):
            column[random.random(n) < GARBAGE] = "#VALUE!"
        column[random.random(n) < gaps.get(name, 0)] = random.choice(["", "n/a", " "])
    upper = random.random(n) < 0.05
    cells[NAMES.index("housing")][upper] = [
        text.upper() for text in cells[NAMES.index("housing")][upper]
    ]
    # Copies come from the same part, so that no row has to be kept.
    for share, gap in ((COPIES, 0.0), (NEAR_COPIES, 0.15)):
        targets = np.flatnonzero(random.random(n) < share)
        sources = random.integers(0, n, len(targets))
        for name, column in zip(NAMES, cells, strict=True):
            column[targets] = column[sources]
            if name not in ("applied", "outcome"):
                column[targets[random.random(len(targets)) < gap]] = ""


def applicants(folder: Path, rows: int) -> None:
    """Write `new.csv`: rows of the default data, their amounts and ages with noise."""
    random = np.random.default_rng(1)
    text = (ROOT / "data/raw/german_credit.csv").read_text(encoding="utf-8")
    header, *lines = csv.reader(io.StringIO(text))
    table = np.array(lines, dtype=object)
    with open(folder / "new.csv", "w", encoding="utf-8") as file:
        file.write(",".join(header) + "\n")
        for count in _parts(rows):
            part = table[random.integers(0, len(table), count)]
            for name, spread, low, high in (("hoehe", 0.2, 250, 18424), ("alter", 0.1, 19, 75)):
                place = header.index(name)
                numbers = part[:, place].astype(float) * random.normal(1, spread, count)
                part[:, place] = np.char.mod("%d", numbers.clip(low, high).round())
            file.write("\n".join(map(",".join, part.tolist())) + "\n")


def _parts(rows: int) -> Iterator[int]:
    for start in range(0, rows, PART):
        yield min(PART, rows - start)


def arrow_bytes(path: Path) -> int:
    """Return the size of a Parquet file as an Arrow table."""
    return int(sum(batch.nbytes for batch in pq.ParquetFile(path).iter_batches()))


def main() -> None:
    """Make one file, or print the schema or the size of one."""
    match sys.argv[1:]:
        case ["portfolio", folder, rows]:
            portfolio(Path(folder), int(rows))
        case ["applicants", folder, rows]:
            applicants(Path(folder), int(rows))
        case ["schema"]:
            print(json.dumps(schema()))
        case ["bytes", path]:
            print(arrow_bytes(Path(path)))


if __name__ == "__main__":
    main()

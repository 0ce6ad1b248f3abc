"""score: PDs, points, decisions and reasons for new applicants, from the champion."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.core.cli import arguments, run
from creditrisk.core.errors import InputError
from creditrisk.core.files import atomic_write
from creditrisk.core.params import Strict, read_params
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.prepare.parse import Notation
from creditrisk.score.load_champion import load_champion
from creditrisk.score.scorer import COLUMNS, Scorer


class Params(Strict):
    """The parameters that score reads from params.yaml."""

    data: DataParams
    null_words: list[str]


def main() -> None:
    """Score the rows of a file, batch by batch."""
    parser = arguments(
        __doc__,
        champion="models/champion.joblib",
        description="models/champion.json",
        lock="dvc.lock",
    )
    parser.add_argument("--input", type=Path, required=True, help="CSV or Parquet")
    parser.add_argument("--output", type=Path, required=True, help="Parquet")
    parser.add_argument("--batch", type=_count, default=32768, help="rows per batch")
    parser.add_argument(
        "--reasons", type=_count, default=4, help="maximum number of reasons per row; 0 for none"
    )
    args = parser.parse_args()
    if not args.batch:
        parser.error("argument --batch: must be at least 1")
    keep([args.input, args.params, args.champion, args.description, args.lock], args.output)
    params = read_params(args.params, Params, null_words="prepare.null_words")
    champion = load_champion(args.champion, args.description, args.lock)
    notation = Notation.of(params.data.decimal, params.data.thousands, params.null_words)
    scorer = Scorer(champion, notation, args.reasons)
    batches = read_batches(args.input, params.data, champion.schema, args.batch)
    rows, scored, refused = write(map(scorer.score, batches), args.output)
    logging.getLogger("creditrisk.score").info("scored %s", args.input, extra={"rows": rows})
    print(f"score: {rows} rows, {scored} scored, {refused} of them refused", end="")
    print(f"; {rows - scored} could not be read: see `problem`" if rows > scored else "")


def keep(inputs: list[Path], output: Path) -> None:
    """Refuse to overwrite an input, also if its path is written in another way."""
    for path in inputs:
        if os.path.exists(path) and os.path.exists(output) and os.path.samefile(path, output):
            problem = f"the output would overwrite an input, {path}"
            raise InputError(output, "file", problem, "Give another path with --output.")


def write(batches: Iterator[pd.DataFrame], path: Path) -> tuple[int, int, int]:
    """Write scored batches one by one.

    Returns:
        Number of rows, of scored rows and of refused applicants.
    """
    empty = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in COLUMNS.items()})
    schema = pa.Schema.from_pandas(empty, preserve_index=False)
    rows = scored = refused = 0
    try:
        with atomic_write(path) as file, pq.ParquetWriter(file, schema) as writer:
            for batch in batches:
                writer.write_table(pa.Table.from_pandas(batch, schema, preserve_index=False))
                rows += len(batch)
                scored += int(batch["pd"].notna().sum())
                refused += int((batch["decision"] == "reject").sum())
    except OSError as error:
        problem = f"can't be written: {error.strerror}"
        raise InputError(path, "file", problem, "Give another path with --output.") from None
    return rows, scored, refused


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(text)


if __name__ == "__main__":
    try:
        run(main)
    except BrokenPipeError:
        sys.exit(1)

"""score: PDs, points, decisions and reasons for new applicants, from the champion."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, redirect_stdout
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from creditrisk.core.cli import arguments, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say, say_aside
from creditrisk.ingest.source import STDIN, source_name
from creditrisk.score.output import FORMS, STDOUT, open_output, open_writer, output_form

if TYPE_CHECKING:
    import pandas as pd

    from creditrisk.score.counts import Counts
    from creditrisk.score.scorer import Scored, Scorer
    from creditrisk.score.what_if import WhatIf

PROGRESS_SECONDS = 10.0


def main() -> None:
    """Score the rows of a file, batch by batch."""
    args = _arguments()
    form = output_form(args.output, args.format)
    stdout, to_stdout = sys.stdout, str(args.output) == STDOUT
    if to_stdout and stdout is None:
        raise InputError("standard output", "file", "closed", "Give a path with --output.")
    keep([args.input, args.params, args.champion, args.description, args.lock], args.output)
    announce = say_aside if to_stdout else say
    announce(f"score: loads {args.champion}")

    from creditrisk.core.params import Strict, read_params
    from creditrisk.ingest.batches import read_batches
    from creditrisk.ingest.params import DataParams
    from creditrisk.prepare.cells import Notation
    from creditrisk.score.load_champion import load_champion
    from creditrisk.score.scorer import Scorer
    from creditrisk.score.what_if import WhatIf

    class Params(Strict):
        """The parameters that score reads from params.yaml."""

        data: DataParams
        null_words: list[str]
        max_missing_share: float

    # What is written to a pipe is the rows and nothing else.
    with redirect_stdout(sys.stderr) if to_stdout else nullcontext():
        params = read_params(
            args.params,
            Params,
            null_words="prepare.null_words",
            max_missing_share="prepare.max_missing_share",
        )
        champion = load_champion(args.champion, args.description, args.lock)
        notation = Notation.of(params.data.decimal, params.data.thousands, params.null_words)
        scorer = Scorer(champion, notation, args.reasons)
        what_if = WhatIf(scorer) if args.what_if else None
        if what_if is not None and not what_if.variables:
            hint = "Write mutable: true at what applicants can change, and run `dvc repro`."
            raise InputError(args.description, "schema", "no column is mutable", hint)
        batches = read_batches(args.input, params.data, champion.schema, args.batch)
        with open_output(args.output, stdout) as file:
            to_terminal = to_stdout and stdout.isatty()
            counts = write(batches, scorer, file, form, to_terminal, what_if, args.what_if)
            counts.check(source_name(args.input), args.max_missing_share)
        _say(args.input, counts, params.max_missing_share)


def write(
    batches: "Iterator[pd.DataFrame]", scorer: "Scorer", file: IO[bytes], form: str,
    to_terminal: bool, what_if: "WhatIf | None" = None, most: int = 0,
) -> "Counts":  # fmt: skip
    """Write scored batches one by one and count what is in them.

    Args:
        batches: raw rows.
        scorer: scores them.
        file: where to write.
        form: CSV, Parquet or JSON lines.
        to_terminal: whether a person sees the output.
        what_if: finds what would change a decision; None to leave it out.
        most: number of alternatives per row at most.
    """
    from creditrisk.score.counts import Counts

    counts = Counts(scorer.champion.schema)
    first = next(batches, None)
    columns = scorer.columns(first)
    if what_if is not None:
        columns = what_if.columns(columns)
    with open_writer(file, form, columns, to_terminal) as writer:
        for raw in batches if first is None else chain([first], batches):
            scored = scorer.score(raw)
            rows = scored.rows
            if what_if is not None:
                rows = what_if.rows(scored, raw, most, _progress(counts.rows, scored, what_if))
            writer.write(rows)
            counts.add(scored)
    return counts


def _progress(before: int, scored: "Scored", what_if: "WhatIf") -> Callable[[int], None]:
    """Say from time to time how far the search for what would change a decision has come."""
    wanted = int(what_if.asked(scored.judged).sum())
    last = time.monotonic()

    def progress(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            say(
                f"score: from row {before + 1:,}: looked at what would change the decision of "
                f"{done:,} of {wanted:,} applicants"
            )

    return progress


def _say(path: Path, counts: "Counts", limit: float) -> None:
    logging.getLogger("creditrisk.score").info("scored %s", path, extra={"rows": counts.rows})
    for line in counts.warnings(limit):
        say(f"score: {line}", warning=True)
    if counts.own_row_id:
        say("score: the input has a column row_id: it comes out as it is, instead of row numbers")
    unread = counts.rows - counts.scored
    rest = f"; {unread} could not be read: see `problem`" if unread else ""
    referred = f" and {counts.referred} referred to a person" if counts.referred else ""
    say(
        f"score: {counts.rows} rows, {counts.scored} scored, {counts.refused} of them refused"
        f"{referred}{rest}"
    )


def keep(inputs: list[Path], output: Path) -> None:
    """Refuse to overwrite an input, also if its path is written in another way."""
    for path in inputs:
        if os.path.exists(path) and os.path.exists(output) and os.path.samefile(path, output):
            problem = f"the output would overwrite an input, {path}"
            raise InputError(output, "file", problem, "Give another path with --output.")


def _arguments() -> argparse.Namespace:
    parser = arguments(
        __doc__,
        champion="models/champion.joblib",
        description="models/champion.json",
        lock="dvc.lock",
    )
    parser.add_argument(
        "--input",
        type=Path,
        required=True,
        help="CSV or JSON lines (also .gz, .zst, .zip), Parquet or a workbook (.xlsx, .xlsm, .xls, "
        f".xlsb, .ods), by its suffix; {STDIN} for standard input",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help=f"CSV, Parquet or JSON lines, by its suffix; {STDOUT} for standard output",
    )
    parser.add_argument(
        "--format", choices=FORMS, help="form of standard output; csv if it is not given"
    )
    parser.add_argument("--batch", type=_positive, default=32768, help="maximum of rows per batch")
    parser.add_argument(
        "--reasons", type=_count, default=4, help="maximum number of reasons per row; 0 for none"
    )
    parser.add_argument(
        "--what-if", type=_count, default=0, metavar="N",
        help="say for each applicant who is not accepted which changes of what can be changed "
        "(mutable in the schema) would lead to acceptance, by this model and all else equal: the N "
        "smallest, in the column what_if; 0 for none. Not a promise of credit",
    )  # fmt: skip
    parser.add_argument(
        "--max-missing-share",
        type=_share,
        default=argparse.SUPPRESS,
        help="stop without output if a larger share of a column's cells is missing, whatever the "
        "cause; 1 never stops. If it is not given: stop if at least nine in ten of a column's "
        "cells that are not empty, and at least two, are unreadable, since no such column was "
        "trained on; cells that are empty, which training may have had, do not stop",
    )
    args = parser.parse_args()
    args.max_missing_share = getattr(args, "max_missing_share", None)
    return args


def _count(text: str, least: int = 0) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from {least} on")
    return int(text)


def _positive(text: str) -> int:
    return _count(text, least=1)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 1")
    return share


if __name__ == "__main__":
    run(main)

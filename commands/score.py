"""score: PDs, points, decisions and reasons for new applicants, from the champion."""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.core.cli import arguments, run
from creditrisk.core.errors import InputError
from creditrisk.core.logs import say, say_aside
from creditrisk.ingest.source import STDIN, source_name
from creditrisk.score.output import FORMS, STDOUT, open_output, output_form

if TYPE_CHECKING:
    from creditrisk.score.counts import Counts
    from creditrisk.score.scorer import Scored
    from creditrisk.score.what_if import WhatIf

PROGRESS_SECONDS = 10.0


def main() -> None:
    """Score the rows of a file, batch by batch, or of a folder of files, on all cores."""
    args = _arguments()
    if args.input.is_dir():
        _score_folder(args)
        return
    form = output_form(args.output, args.format)
    stdout, to_stdout = sys.stdout, str(args.output) == STDOUT
    if to_stdout and stdout is None:
        raise InputError("standard output", "file", "closed", "Give a path with --output.")
    keep([args.input, args.params, args.champion, args.description, args.lock], args.output)
    announce = say_aside if to_stdout else say
    announce(f"score: loads {args.champion}")

    from creditrisk.ingest.batches import read_batches
    from creditrisk.prepare.cells import Notation
    from creditrisk.score.load_champion import load_champion
    from creditrisk.score.scorer import Scorer
    from creditrisk.score.what_if import WhatIf
    from creditrisk.score.write import write

    # What is written to a pipe is the rows and nothing else.
    with redirect_stdout(sys.stderr) if to_stdout else nullcontext():
        params = _params(args)
        champion = load_champion(args.champion, args.description, args.lock)
        notation = Notation.of(params.data.decimal, params.data.thousands, params.null_words)
        scorer = Scorer(champion, notation, args.reasons)
        what_if = WhatIf(scorer) if args.what_if else None
        _refuse_immutable(what_if, args)
        batches = read_batches(args.input, params.data, champion.schema, args.batch)
        with open_output(args.output, stdout) as file:
            to_terminal = to_stdout and stdout.isatty()
            counts = write(
                batches, scorer, file, form, to_terminal, what_if, args.what_if, _progress
            )
            counts.check(source_name(args.input), args.max_missing_share)
        _say(args.input, counts, params.max_missing_share)


def _params(args: argparse.Namespace) -> Any:
    from creditrisk.core.params import Strict, read_params
    from creditrisk.ingest.params import DataParams

    class Params(Strict):
        """The parameters that score reads from params.yaml."""

        data: DataParams
        null_words: list[str]
        max_missing_share: float

    return read_params(
        args.params,
        Params,
        null_words="prepare.null_words",
        max_missing_share="prepare.max_missing_share",
    )


def _refuse_immutable(what_if: "WhatIf | None", args: argparse.Namespace) -> None:
    if what_if is not None and not what_if.variables:
        hint = "Write mutable: true at what applicants can change, and run `dvc repro`."
        raise InputError(args.description, "schema", "no column is mutable", hint)


def _score_folder(args: argparse.Namespace) -> None:
    """Score each file of a folder into a file of the same name in another folder."""
    if str(args.output) == STDOUT or args.format is not None:
        hint = "Give a folder with --output and leave out --format."
        raise InputError(args.input, "folder", "each part becomes a file of its own", hint)
    say(f"score: loads {args.champion}")

    from creditrisk.core.files import read_verified
    from creditrisk.score.load_champion import load_champion
    from creditrisk.score.parts.job import Options, Setup
    from creditrisk.score.parts.run import score_folder

    params = _params(args)
    champion = load_champion(args.champion, args.description, args.lock)
    # The workers get the bytes; that they are the recorded ones was checked for the description.
    model = read_verified(args.champion, champion.description.model_sha256)
    options = Options(params.data, params.null_words, args.reasons, args.what_if, args.batch)
    setup = Setup(options.scorer(champion), model, options)
    _refuse_immutable(setup.what_if, args)
    done = score_folder(args.input, args.output, setup, _parts_progress())
    if not done.failed:
        try:
            done.counts.check(source_name(args.input), args.max_missing_share)
        except InputError:
            # Not known before the last part; a repeat with another limit need not score them again.
            say(f"score: do not use {args.output} before this is settled:", warning=True)
            raise
    kept = f", {done.kept} of them before" if done.kept else ""
    scored = done.parts - len(done.failed)
    say(f"score: {scored} of {done.parts} parts are scored{kept}")
    _say(args.input, done.counts, params.max_missing_share)
    if done.failed:
        if len(done.failed) > 1:
            say(f"score: can't be scored: {', '.join(done.failed)}; the first:", warning=True)
        raise next(iter(done.failed.values()))


def _parts_progress() -> Callable[[int, int, int], None]:
    """Say from time to time how many parts have been scored."""
    last = time.monotonic()

    def progress(done: int, parts: int, rows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_SECONDS and done < parts:
            last = time.monotonic()
            say(f"score: {done} of {parts} parts, {rows:,} rows")

    return progress


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
        f".xlsb, .ods), by its suffix; {STDIN} for standard input. Or a folder of parts: CSV, JSON "
        "lines and Parquet files, which are scored on all cores or, with "
        "DASK_SCHEDULER_ADDRESS=tcp://host:8786 in the environment, on that Dask cluster, whose "
        "workers must see both folders under the same paths",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help=f"CSV, Parquet or JSON lines, by its suffix; {STDOUT} for standard output. For a "
        "folder of parts, another folder: each part gets a file of its name there, the same as if "
        "it had been scored alone. After a stop, run the same command again: parts that are there "
        "already, from the same bytes by the same champion and options, are not scored again",
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
        "trained on; cells that are empty, which training may have had, do not stop. Of a folder, "
        "all parts count together, so it stops at the end, with the parts written",
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

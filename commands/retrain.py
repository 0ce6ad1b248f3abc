"""retrain: train on the applicants whose outcomes are known by now, too; it proposes a champion.

The rows of data.source and the matured ones of the ledger become a new file, and `dvc exp run`
trains on it beside what is in use. Nothing is deployed: a person reviews and applies it.
"""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.core.cli import arguments, run
from creditrisk.core.files import write_bytes
from creditrisk.core.logs import say

if TYPE_CHECKING:
    from creditrisk.monitor.retrain import Matured, Training


def main() -> None:
    """Write the new file, and train on it as an experiment."""
    args = _arguments()

    from creditrisk.core.params import Strict, read_params
    from creditrisk.ingest.params import DataParams
    from creditrisk.monitor.batches import known_batches
    from creditrisk.monitor.retrain import file_for, matured, training_file
    from creditrisk.prepare.cells import Notation
    from creditrisk.schema import load_schema
    from creditrisk.workflow.interrupted import refuse_broken_state
    from creditrisk.workflow.retrain import experiment_name, train_on

    class Params(Strict):
        """What retrain reads of params.yaml."""

        data: DataParams
        null_words: list[str]

    params = read_params(args.params, Params, null_words="prepare.null_words")
    data, schema = params.data, load_schema(params.data.schema_)
    notation = Notation.of(data.decimal, data.thousands, params.null_words)
    found = matured(known_batches(args.batches), schema)
    training = training_file(found, schema, data, notation, args.least)
    path = file_for(args.output, data.source, training)
    write_bytes(training.content, path)
    _report(data.source, path, found, training)
    if args.dry_run:
        say(f"retrain: a dry run: nothing is trained on {path}")
        return
    refuse_broken_state()
    # As DVC writes it, from the folder of the project.
    name = experiment_name(training.matured, training.content)
    say(f"retrain: dvc exp run --temp --name {name} -S data.source={path}")
    train_on(Path(os.path.relpath(path)), name)
    say(f"retrain: {name} proposes a champion, the one in use stays. What next:")
    say("  dvc exp show           compare it with what is in use (or make experiments)")
    say(f"  dvc exp apply {name}   take it into the work tree; then commit it on a branch")
    say("  make review            what the change does, for the person who approves it")


def _report(source: str, path: Path, found: "Matured", training: "Training") -> None:
    (before, new), (old_rate, new_rate) = training.rows, training.bad_rates
    days = f", of {' to '.join(dict.fromkeys(training.days))}" if training.days else ""
    rates = f"bad rate {_percent(new_rate)}, {_percent(old_rate)} before"
    say(f"retrain: {path}: {before:,} rows of {source}, and {new:,} matured ones{days}; {rates}")
    for count, what in (
        (training.known, f"matured rows are in {source} already"),
        (found.waiting, "applicants have no outcome yet"),
        (found.repeated, "rows have a later one of the same id"),
        (training.left_out, f"rows of {source} do not fit its header, and are left out"),
    ):
        if count:
            say(f"  {count:,} {what}")
    for column, count in found.absent.items():
        say(f"  {count:,} matured rows have no column {column}: it is empty", warning=True)


def _percent(rate: float | None) -> str:
    return "unknown" if rate is None else f"{rate:.1%}"


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__, batches="data/monitor/batches", output="data/retrain")
    parser.add_argument(
        "--least", type=_count, default=100, help="number of new rows below which it refuses"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="write the file and its numbers, train nothing"
    )
    args = parser.parse_args()
    args.batches, args.output = Path(args.batches), Path(args.output)
    return args


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text)):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return int(text)


if __name__ == "__main__":
    run(main)

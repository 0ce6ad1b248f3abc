"""simulate-drift: batches drawn from the data, changed on purpose, to try the alarms with.

They go to `data/incoming`, where `make monitor` takes them in. Shifts, new levels and the like are
in the cells; renamed columns, delimiters, encodings and the like break the format of the file.
"""

import argparse
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from creditrisk.core.cli import arguments, run
from creditrisk.core.logs import say
from creditrisk.monitor.drift_kinds import KINDS, NONE


def main() -> None:
    """Draw the batches, change them, write them."""
    args = _arguments()

    from creditrisk.core.params import Strict, read_params
    from creditrisk.ingest.header import NONE as NO_HEADER
    from creditrisk.ingest.params import DataParams
    from creditrisk.ingest.rows import ROW_ID
    from creditrisk.ingest.table import read_source
    from creditrisk.monitor.simulate import SEPARATE, WITHIN, Plan, write_batches
    from creditrisk.monitor.simulated_drift import plan_drift
    from creditrisk.prepare.cells import Notation
    from creditrisk.schema import load_schema

    class Params(Strict):
        """What simulate_drift reads of params.yaml."""

        data: DataParams
        null_words: list[str]

    params = read_params(args.params, Params, null_words="prepare.null_words")
    data = params.data
    schema = load_schema(data.schema_)
    notation = Notation.of(data.decimal, data.thousands, params.null_words)
    frame = read_source(data.source, data, schema).frame
    raw = frame.loc[frame["malformed"].isna(), [*schema.columns, schema.target.column]]
    drift = plan_drift(raw, schema, data, notation, args.kind, args.column, args.size)
    outcomes = SEPARATE if args.outcomes else WITHIN if args.with_outcomes else None
    plan = Plan(args.rows, args.batches, args.start, args.from_batch, args.seed, outcomes)
    for made in write_batches(raw, schema, data, notation, drift, plan, args.output):
        say(f"simulate-drift: {made.path}: {made.rows} rows, {made.words}")
    if data.header == NO_HEADER and not any(c.kind == "id" for c in schema.columns.values()):
        say(f"simulate-drift: no {ROW_ID} in files without a header", warning=True)


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__, output="data/incoming")
    parser.add_argument("--kind", choices=KINDS, default=NONE, help="what changes")
    parser.add_argument(
        "--column", help="which column changes; the first that fits if it is not given"
    )
    parser.add_argument(
        "--size",
        type=_number,
        help="what a shift adds (days, for a date; a standard deviation if it is not given); the "
        "factor of scale (1.5) and unit (100); the share of the rows for swap (1), move (0.2), "
        "missing (0.2) and new-level (0.1)",
    )
    parser.add_argument("--rows", type=_count, default=200, help="per batch")
    parser.add_argument("--batches", type=_count, default=1, help="one a day")
    parser.add_argument("--start", type=_day, default=date(2026, 1, 1), help="the first day")
    parser.add_argument("--from-batch", type=_count, default=1, help="the first that drifts")
    parser.add_argument("--seed", type=_seed, default=42, help="of all that is drawn")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--outcomes", action="store_true", help="a second file per batch: ids and their outcomes"
    )
    group.add_argument(
        "--with-outcomes", action="store_true", help="the outcomes as a column of the batches"
    )
    args = parser.parse_args()
    args.output = Path(args.output)
    return args


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text)):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return int(text)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 on")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day such as 2026-01-31") from None


if __name__ == "__main__":
    run(main)

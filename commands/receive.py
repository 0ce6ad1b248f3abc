"""receive: files that arrived, and messages of a stream, into the ledger, each row once."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.core.cli import arguments, run
from creditrisk.core.files import write_json
from creditrisk.core.logs import say

if TYPE_CHECKING:
    from creditrisk.ingest.params import DataParams
    from creditrisk.monitor.receive import Receipt
    from creditrisk.monitor.stream import Source
    from creditrisk.prepare.cells import Notation


def main() -> None:
    """Receive what is new."""
    args = _arguments()

    from creditrisk.core.params import Strict, read_params
    from creditrisk.ingest.params import DataParams
    from creditrisk.monitor.batches import known_batches, open_folder
    from creditrisk.monitor.receive import alone, summary
    from creditrisk.monitor.stream import parse_source
    from creditrisk.prepare.cells import Notation

    class Params(Strict):
        """The parameters that receive reads from params.yaml."""

        data: DataParams
        null_words: list[str]

    source = parse_source(args.source, os.environ) if args.source else None
    params = read_params(args.params, Params, null_words="prepare.null_words")
    data = params.data
    notation = Notation.of(data.decimal, data.thousands, params.null_words)
    open_folder(args.incoming, "Files that arrive; `make monitor` takes them in.")
    with alone(args.batches):
        open_folder(args.batches, "Batches of monitoring.")
        receipt = receive(args.incoming, args.batches, data, notation, source)
        batches = known_batches(args.batches)
        counted = summary(batches, receipt.duplicates)
        write_json(counted, args.metrics)
    new = sum(facts.rows for facts in receipt.received)
    say(
        f"receive: new batches: {len(receipt.received)}, rows: {new:,}; in the ledger: "
        f"{counted['batches']:,} with {counted['rows']:,} rows"
    )
    if receipt.problem is not None:
        raise receipt.problem


def receive(
    incoming: Path, folder: Path, data: "DataParams", notation: "Notation", source: "Source | None"
) -> "Receipt":
    """Receive the files, then the messages.

    Args:
        incoming: where files arrive.
        folder: of the ledger.
        data: how they are written.
        notation: how their values are written.
        source: the stream; None for none.

    Returns:
        What was done; what is wrong with a file or with the stream is in `problem`.
    """
    from creditrisk.monitor.arrival import read_arrival
    from creditrisk.monitor.receive import receive_files
    from creditrisk.monitor.stream import receive_stream
    from creditrisk.schema import load_schema

    schema = load_schema(data.schema_)
    receipt = receive_files(
        incoming, folder, lambda path: read_arrival(path, data, schema, notation)
    )
    if source is not None:
        streamed = receive_stream(source, folder, schema, data.decimal, notation)
        receipt.received += streamed.received
        receipt.problem = receipt.problem or streamed.problem
    return receipt


def _arguments() -> argparse.Namespace:
    parser = arguments(
        __doc__,
        incoming="data/incoming",
        batches="data/monitor/batches",
        metrics="metrics/receive.json",
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="ADDRESS",
        help="a stream too: nats://HOST:PORT/STREAM, or tls://; the login is in the address, or "
        "in NATS_USER and NATS_PASSWORD, or in NATS_TOKEN",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run(main)

"""prepare: parse, validate, reject, de-duplicate and split the rows."""

from collections.abc import Sequence

from creditrisk.core.cli import arguments, run
from creditrisk.core.files import FrameFile, read_json, write_frame, write_json
from creditrisk.core.logs import say


def main() -> None:
    """Read the raw frame; write the clean rows, the rejected rows and the summary."""
    args = arguments(
        __doc__,
        raw="data/interim/raw.parquet",
        ingested="metrics/ingest.json",
        clean="data/interim/clean.parquet",
        rejected="data/interim/rejected.parquet",
        metrics="metrics/prepare.json",
    ).parse_args()
    say(f"prepare: reads {args.raw}")

    from creditrisk.core.params import Seed, Strict, read_params
    from creditrisk.ingest.params import DataParams
    from creditrisk.prepare.cells import Notation
    from creditrisk.prepare.clean import prepare
    from creditrisk.prepare.contract import check_clean
    from creditrisk.prepare.gates import check_quality_gates
    from creditrisk.prepare.params import PrepareParams, SplitParams
    from creditrisk.prepare.parse import CAUSES
    from creditrisk.schema import load_schema

    class Params(Strict):
        """The parameters that prepare reads from params.yaml."""

        seed: Seed
        data: DataParams
        split: SplitParams
        prepare: PrepareParams

    params = read_params(args.params, Params)
    data, block = params.data, params.prepare
    schema = load_schema(data.schema_)
    notation = Notation.of(data.decimal, data.thousands, block.null_words)
    prepared = prepare(
        FrameFile(args.raw),
        schema,
        notation,
        block,
        params.split,
        params.seed,
        data.source,
        args.params,
    )
    summary = prepared.summary | {"columns_ignored": read_json(args.ingested)["columns_ignored"]}
    check_quality_gates(summary, block, args.params, schema.keys, prepared.unlisted, schema.audited)
    check_clean(prepared.clean, schema)
    write_frame(prepared.clean, args.clean)
    write_frame(prepared.rejected, args.rejected)
    write_json(summary, args.metrics)
    _print_summary(summary, CAUSES)


def _print_summary(summary: dict, causes: Sequence[str]) -> None:
    say(f"prepare: {summary['rows_read']} rows read, {summary['rows_clean']} clean")
    for reason, count in summary["rejected"].items():
        if count:
            say(f"  {reason:<16}{count:>8}")
    if summary["merged_cells"]:
        say(f"  {'merged cells':<16}{summary['merged_cells']:>8}")
    if count := summary["twins"]["too_common"]:
        say(f"  {count} rows have values too common to recognise their near-duplicates")
    equal = summary["equal_rows"]
    if equal["together"]:
        say(f"  {equal['together']} rows equal others in all cells: kept together as one applicant")
    if equal["by_chance"]:
        say(f"  {equal['by_chance']} rows equal others in all cells by chance: other applicants")
    _print_split(summary["split_by"], summary["split"])
    incomplete = {
        name: counts
        for name, counts in summary["cells"].items()
        if any(count for cause, count in counts.items() if cause != "valid")
    }
    if incomplete:
        say(f"  {'cells without a value':<24}" + "".join(f"{cause:>15}" for cause in causes))
    for name, counts in incomplete.items():
        say(f"    {name:<22}" + "".join(f"{counts[cause]:>15}" for cause in causes))


def _print_split(facts: dict, sides: dict) -> None:
    if facts["by"] != "time":
        return
    rates = {side: counts["bad"] / counts["rows"] for side, counts in sides.items()}
    say(
        f"  out of time: test rows from {facts['from']} on; bad rate {rates['train']:.1%} before, "
        f"{rates['test']:.1%} after"
    )
    if facts["early"]:
        say(f"  {facts['early']} test rows are earlier: the same applicants have a later row")
    if facts["undated"]:
        say(f"  {facts['undated']} rows have no application date")


if __name__ == "__main__":
    run(main)

"""ingest: convert the applicants' file to Parquet; every cell stays the original text."""

from creditrisk.core.cli import arguments, run
from creditrisk.core.files import write_frames, write_json
from creditrisk.core.logs import say


def main() -> None:
    """Read `data.source`; write the raw frame and its counts."""
    args = arguments(
        __doc__, raw="data/interim/raw.parquet", metrics="metrics/ingest.json"
    ).parse_args()
    say("ingest: reads the applicants' file")

    from creditrisk.core.params import Strict, read_params
    from creditrisk.ingest.params import DataParams
    from creditrisk.ingest.table import source_rows, summary
    from creditrisk.schema import load_schema

    class Params(Strict):
        """The parameters that ingest reads from params.yaml."""

        data: DataParams

    data = read_params(args.params, Params).data
    rows = source_rows(data.source, data, load_schema(data.schema_))
    write_frames(rows, args.raw)
    counts = summary(rows)
    write_json(counts, args.metrics)
    ignored = f", {len(rows.ignored)} columns ignored" if rows.ignored else ""
    say(f"ingest: {counts['rows_read']} rows, {counts['columns_read']} columns{ignored}")


if __name__ == "__main__":
    run(main)

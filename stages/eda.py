"""eda: describe the training rows, learn adjustments from them, apply these to all rows."""

from typing import TYPE_CHECKING

from creditrisk.core.cli import arguments, run
from creditrisk.core.columns import keep_originals
from creditrisk.core.files import (
    read_frame,
    read_json,
    write_csv,
    write_frame,
    write_json,
    write_text,
)
from creditrisk.core.logs import say

if TYPE_CHECKING:
    import pandas as pd

TOP_FINDINGS = 10  # printed; all are in plots/eda/look_at.csv


def main() -> None:
    """Read the clean frame; write the adjusted frame, the adjustments, the tables and the page."""
    args = arguments(
        __doc__,
        clean="data/interim/clean.parquet",
        rejected="data/interim/rejected.parquet",
        prepared="metrics/prepare.json",
        bins="data/schema/bins.yaml",
        explored="data/processed/explored.parquet",
        adjustments="data/processed/adjustments.json",
        page="plots/eda.html",
        tables="plots/eda",
        metrics="metrics/eda.json",
    ).parse_args()
    say(f"eda: reads {args.clean}")

    from creditrisk.bins import grouped_levels
    from creditrisk.core.params import Strict, read_params
    from creditrisk.eda.adjust import EdaParams, apply, learn
    from creditrisk.eda.findings import Findings, summarise
    from creditrisk.eda.report import build_page
    from creditrisk.schema import load_schema

    class Params(Strict):
        """The parameters that eda reads from params.yaml."""

        eda: EdaParams
        schema_path: str

    params = read_params(args.params, Params, schema_path="data.schema")
    schema = load_schema(params.schema_path)
    clean = read_frame(args.clean)
    train = clean[clean["split"] == "train"]

    found = Findings.of(train, schema)
    adjustments = learn(train, schema, params.eda, grouped_levels(args.bins, schema))
    summary = summarise(train, found, adjustments)
    page = build_page(
        train,
        schema,
        found,
        adjustments,
        params.eda,
        read_json(args.prepared),
        read_frame(args.rejected),
    )
    changed = [*adjustments["caps"], *adjustments["merges"]]
    write_frame(keep_originals(apply(clean, adjustments), clean, changed), args.explored)
    write_json(adjustments, args.adjustments)
    for name, frame in vars(found).items():
        write_csv(frame, args.tables / f"{name}.csv")
    write_text(page.html(), args.page)
    write_json(summary, args.metrics)
    _print_summary(found.information_value, found.look_at, summary)


def _print_summary(ranked: "pd.DataFrame", look_at: "pd.DataFrame", summary: dict) -> None:
    strongest = ", ".join(
        f"{name} {value:.2f}"
        for name, value in ranked[["variable", "information_value"]].head(3).itertuples(index=False)
    )
    say(f"eda: {summary['rows']} training rows, {summary['bad_rate']:.1%} bad")
    say(f"  highest information values: {strongest}")
    for name, finding, detail in look_at.head(TOP_FINDINGS).itertuples(index=False):
        say(f"  look at {name}: {finding.replace('_', ' ')}, {detail}")
    if len(look_at) > TOP_FINDINGS:
        say(f"  and at {len(look_at) - TOP_FINDINGS} more: plots/eda/look_at.csv")
    say(
        f"  {summary['caps']} columns capped, {summary['merges']} with merged rare levels, "
        f"{summary['rows_adjusted']} training rows changed"
    )


if __name__ == "__main__":
    run(main)

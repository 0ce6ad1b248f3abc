"""monitor: judge what has arrived: drift, formats, volume, outcomes; exit 3 if an alarm is on."""

import argparse
import re
import sys
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

import pandas as pd

import creditrisk
from creditrisk.core.cli import arguments, run
from creditrisk.core.errors import InputError
from creditrisk.core.files import write_csv, write_json, write_text
from creditrisk.core.logs import say
from creditrisk.core.params import Strict, read_params
from creditrisk.monitor.alarms import record
from creditrisk.monitor.batches import Batch, known_batches, open_folder, read_rows
from creditrisk.monitor.counts import Counted, count_batch
from creditrisk.monitor.load import code_sha256, load_reference
from creditrisk.monitor.page import build_page
from creditrisk.monitor.params import MonitorParams
from creditrisk.monitor.results import last_judged, results_of, scored_rows
from creditrisk.monitor.watch import metrics_of, table_of, watch
from creditrisk.prepare.cells import Notation
from creditrisk.schema import load_schema
from creditrisk.score.load_champion import load_champion
from creditrisk.score.scorer import Scorer

ALARM = 3  # exit code


class Params(Strict):
    """The parameters that monitor reads from params.yaml."""

    monitor: MonitorParams
    schema_path: str
    decimal: str
    thousands: str
    null_words: list[str]


PLACES = {
    "schema_path": "data.schema",
    "decimal": "data.decimal",
    "thousands": "data.thousands",
    "null_words": "prepare.null_words",
}


def main() -> None:
    """Count new batches, judge all windows, write metrics, table, page and alerts."""
    args = _arguments()
    params = read_params(args.params, Params, **PLACES)
    reference, reference_sha256 = load_reference(args.reference, args.lock)
    open_folder(args.results, "Results of monitoring.")
    batches = known_batches(args.batches)
    notation = Notation.of(params.decimal, params.thousands, params.null_words)
    words = sorted(notation.null_words)
    hashes = {
        "code": code_sha256(Path(creditrisk.__file__).parent),
        "reference": reference_sha256,
        "notation": sha256(repr((params.decimal, params.thousands, words)).encode()).hexdigest(),
    }

    @cache
    def scorer() -> Scorer:
        # Loaded for new rows only: it takes longer than all the rest.
        champion = load_champion(args.champion, args.description, args.lock)
        if champion.description.model_sha256 != reference.model_sha256:
            problem = f"is of another model than {args.champion}"
            raise InputError(args.reference, "model_sha256", problem, "Run `dvc repro`.")
        return Scorer(champion, notation)

    def count(rows: pd.DataFrame, batch: Batch) -> tuple[Counted, pd.DataFrame]:
        say(f"monitor: {batch.facts.name}: {len(rows):,} rows")
        return count_batch(rows, batch.facts, scorer(), reference)

    applicants = [batch for batch in batches if batch.facts.kind == "applicants"]
    before = last_judged(args.results)
    counts, computed = results_of(applicants, args.results, hashes, count)
    watched = watch(
        [batch.facts for batch in batches],
        counts,
        scored_rows(args.results, sorted(counts)),
        _later_outcomes(batches),
        reference,
        params.monitor,
        args.now,
    )
    known = {"reference_sha256": reference_sha256, "code_sha256": hashes["code"]}
    write_json(metrics_of(watched, known), args.metrics)
    write_csv(table_of(watched), args.table)
    page = build_page(watched, reference, load_schema(params.schema_path), params.monitor)
    write_text(page.html(), args.page)
    new = record(watched.alarms, args.alerts, before)
    for alarm in watched.on:
        say(f"monitor: alarm {alarm['id']} ({alarm['kind']}): {alarm['message']}", warning=True)
    alarms = len(watched.on)
    state = f"{alarms} {'alarm' if alarms == 1 else 'alarms'} on, {new} new" if alarms else "quiet"
    say(f"monitor: {len(batches)} batches, {computed} counted now; {state}; see {args.page}")
    if alarms and not args.exit_zero:
        sys.exit(ALARM)


def _later_outcomes(batches: list[Batch]) -> pd.DataFrame:
    parts = [
        read_rows(batch, ["id", "bad"]).assign(batch=batch.facts.number)
        for batch in batches
        if batch.facts.kind == "outcomes"
    ]
    types = {"id": "str", "bad": "Int8", "batch": "int64"}
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    return pd.concat(parts, ignore_index=True).astype(types)


def _arguments() -> argparse.Namespace:
    parser = arguments(
        __doc__,
        batches="data/monitor/batches",
        results="data/monitor/results",
        reference="models/reference.json",
        champion="models/champion.joblib",
        description="models/champion.json",
        lock="dvc.lock",
        metrics="metrics/monitor.json",
        table="plots/monitor.csv",
        page="plots/monitor.html",
        alerts="data/monitor/alerts.jsonl",
    )
    parser.add_argument(
        "--now",
        type=_time,
        help="the time of today (ISO), to see that no row has come for too long; without it, "
        "silence is not looked for, and the outputs depend on the inputs alone",
    )
    parser.add_argument(
        "--exit-zero", action="store_true", help="exit 0 also if an alarm is on, as DVC needs it"
    )
    return parser.parse_args()


def _time(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        text = ""
    if not re.match(r"\d{4}-\d{2}-\d{2}", text):
        raise argparse.ArgumentTypeError("not a time such as 2026-01-31 or 2026-01-31T12:00:00")
    return text


if __name__ == "__main__":
    run(main)

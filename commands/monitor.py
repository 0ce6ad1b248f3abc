"""monitor: judge what has arrived: drift, formats, volume, outcomes; exit 3 if an alarm is on."""

import argparse
import re
import sys
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import creditrisk
from creditrisk.core.cli import arguments, run
from creditrisk.core.errors import InputError
from creditrisk.core.files import write_csv, write_json, write_text
from creditrisk.core.logs import say

if TYPE_CHECKING:
    import pandas as pd

    from creditrisk.monitor.batches import Batch
    from creditrisk.monitor.counts import Counted
    from creditrisk.monitor.watch import Watched

ALARM = 3  # exit code
LOCK = ".monitor.lock"


PLACES = {
    "schema_path": "data.schema",
    "decimal": "data.decimal",
    "thousands": "data.thousands",
    "null_words": "prepare.null_words",
}


def main() -> None:
    """Count new batches, judge all windows, write metrics, table, page and alerts."""
    args = _arguments()
    say(f"monitor: reads the batches in {args.batches}")

    from filelock import FileLock

    args.results.mkdir(parents=True, exist_ok=True)
    with FileLock(args.results.parent / LOCK):  # two would delete each other's results
        alarm = judge_all(args)
    if alarm:
        sys.exit(ALARM)


def judge_all(args: argparse.Namespace) -> bool:
    """Do the work; return whether an alarm is on that the exit code shall tell."""
    from creditrisk.core.params import Strict, read_params
    from creditrisk.monitor.alarms import last_judged, mark_judged, record
    from creditrisk.monitor.batches import known_batches, open_folder
    from creditrisk.monitor.counts import count_batch
    from creditrisk.monitor.load import code_sha256, load_reference
    from creditrisk.monitor.page import build_page
    from creditrisk.monitor.params import MonitorParams
    from creditrisk.monitor.results import results_of, scored_rows
    from creditrisk.monitor.watch import metrics_of, table_of, watch
    from creditrisk.prepare.cells import Notation
    from creditrisk.schema import load_schema
    from creditrisk.score.load_champion import load_champion
    from creditrisk.score.scorer import Scorer

    class Params(Strict):
        """The parameters that monitor reads from params.yaml."""

        monitor: MonitorParams
        schema_path: str
        decimal: str
        thousands: str
        null_words: list[str]

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

    def count(rows: "pd.DataFrame", batch: "Batch") -> "tuple[Counted, pd.DataFrame]":
        say(f"monitor: {batch.facts.name}: {len(rows):,} rows")
        return count_batch(rows, batch.facts, scorer(), reference)

    applicants = [batch for batch in batches if batch.facts.kind == "applicants"]
    before = last_judged(args.alerts.parent)
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
    mark_judged(args.alerts.parent, batches[-1].facts.number if batches else 0)
    for alarm in watched.on if not args.no_alarms else ():
        say(f"monitor: alarm {alarm['id']} ({alarm['kind']}): {alarm['message']}", warning=True)
    say(
        f"monitor: batches: {len(batches)}, counted now: {computed}; {_state(watched, new)}; "
        f"see {args.page}"
    )
    return bool(watched.on) and not args.exit_zero


def _state(watched: "Watched", new: int) -> str:
    if not watched.facts:
        return "nothing has arrived yet"
    alarms = len(watched.on)
    words = f"alarms on: {alarms}" if alarms else "quiet"
    more = f", new: {new}" if new else ""
    last = watched.windows[-1] if watched.windows else None
    rest = "" if last is None or last.complete else f", {last.counted.rows} rows not judged yet"
    return f"{words}{more}{rest}"


def _later_outcomes(batches: "list[Batch]") -> "pd.DataFrame":
    import pandas as pd

    from creditrisk.monitor.batches import read_rows

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
    parser.add_argument(
        "--no-alarms", action="store_true", help="do not print the alarms, only how many are on"
    )
    return parser.parse_args()


def _time(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            text = moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        text = ""
    if not re.match(r"\d{4}-\d{2}-\d{2}", text):
        raise argparse.ArgumentTypeError("not a time such as 2026-01-31 or 2026-01-31T12:00:00")
    return text


if __name__ == "__main__":
    run(main)

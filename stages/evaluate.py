"""evaluate: measure the champion on the test rows, which no earlier stage has used."""

from typing import Any

from creditrisk.core.cli import arguments, run
from creditrisk.core.files import (
    read_csv,
    read_frame,
    read_json,
    read_verified,
    write_csv,
    write_frame,
    write_json,
    write_text,
)
from creditrisk.core.leftovers import remove_leftovers
from creditrisk.core.logs import say

INPUTS = (
    "champion", "description", "train", "test", "oof", "ingested", "prepared", "selected", "board",
    "points", "scorecard", "former",
)  # fmt: skip


PARAM_PATHS = {
    "folds": "train.folds",
    "search_rows": "train.search_rows",
    "null_words": "prepare.null_words",
}


def main() -> None:
    """Write the metrics, the curves, the report and the model card."""
    args = arguments(
        __doc__,
        champion="models/champion.joblib",
        description="models/champion.json",
        train="data/processed/train.parquet",
        test="data/processed/test.parquet",
        oof="data/oof",
        ingested="metrics/ingest.json",
        prepared="metrics/prepare.json",
        selected="metrics/select.json",
        board="plots/leaderboard.csv",
        points="plots/scorecard.csv",
        scorecard="models/scorecard",
        former="data/former",
        decisions="data/processed/decisions.parquet",
        metrics="metrics/evaluate.json",
        summary="metrics/summary",
        plots="plots",
        report="plots/report.html",
        card="plots/model_card.md",
    ).parse_args()
    say("evaluate: reads the champion and the rows")

    from creditrisk.champion.description import parse_description
    from creditrisk.champion.grades import GradesParams
    from creditrisk.champion.groups import FairnessParams
    from creditrisk.core.params import Seed, Strict, read_params
    from creditrisk.evaluate.measure import evaluate_champion
    from creditrisk.evaluate.other_models import other_decisions
    from creditrisk.evaluate.summary import summary
    from creditrisk.ingest.params import DataParams
    from creditrisk.metrics.costs import DecisionParams
    from creditrisk.modeling.persistence import load_model
    from creditrisk.prepare.cells import Notation
    from creditrisk.report.card import model_card
    from creditrisk.report.data import ReportData
    from creditrisk.report.page import build_page
    from creditrisk.report.words import ReportParams, load_words
    from creditrisk.score.load_champion import Champion
    from creditrisk.score.refused import find_refused, read_refused
    from creditrisk.tracking.recording import Recording

    class Params(Strict):
        """The parameters that evaluate reads from params.yaml."""

        seed: Seed
        folds: int
        search_rows: int
        data: DataParams
        null_words: list[str]
        decision: DecisionParams
        fairness: FairnessParams
        grades: GradesParams
        report: ReportParams

    params = read_params(args.params, Params, **PARAM_PATHS)
    board = read_csv(args.board)
    remove_leftovers(args.oof, board["algorithm"])
    inputs = {name: path for name, path in vars(args).items() if name in INPUTS}
    recording = Recording("evaluate", inputs, params.model_dump())
    # Both hashes are in Git: the cut-off in the description decides about applicants, too.
    selected = read_json(args.selected, ("champion_sha256", "description_sha256"))
    described = read_verified(args.description, selected["description_sha256"])
    champion = parse_description(described, args.description)
    prepared = read_json(args.prepared)
    model = load_model(args.champion, selected["champion_sha256"])
    test = read_frame(args.test)
    where = find_refused(params.data.rejected, args.params)
    notation = Notation.of(params.data.decimal, params.data.thousands, params.null_words)
    # Out of fold the rule `gain` can't be applied, so it is applied to neither side.
    scoring = Champion(model, champion.without_gain())
    refused = None if where is None else read_refused(where, scoring, params.data, notation)
    say(f"evaluate: {champion.label} on {len(test):,} test rows, then fitted again by fold")
    found = evaluate_champion(
        model,
        champion,
        train=read_frame(args.train),
        test=test,
        oof=read_frame(args.oof / f"{champion.algorithm}.parquet"),
        decision=params.decision,
        groups=params.fairness,
        folds=params.folds,
        importance_rows=params.search_rows,
        seed=params.seed,
        grades=params.grades,
        start=prepared["split_by"].get("from"),
        others=other_decisions(args.former, args.scorecard, test, champion),
        refused=refused,
    )
    report = ReportData(
        metrics=found.metrics,
        selected=selected,
        prepared=prepared,
        ingested=read_json(args.ingested),
        champion=champion,
        board=board,
        curves=found.tables,
        decision=params.decision,
        points=read_csv(args.points),
        warning=found.warning,
        words=load_words(params.report.language),
    )
    say("evaluate: writes the report and the model card")
    tables = {args.plots / f"{name}.csv": table for name, table in found.tables.items()}
    write_json(found.metrics, args.metrics)
    write_frame(found.decisions, args.decisions)
    followed = summary(found.metrics, selected, found.tables["fairness"], found.tables["strategy"])
    remove_leftovers(args.summary, followed)
    for name, numbers in followed.items():
        write_json(numbers, args.summary / f"{name}.json")
    for path, table in tables.items():
        write_csv(table, path)
    write_text(build_page(report).html(), args.report)
    write_text(model_card(report), args.card)
    recording.finish(
        found.metrics,
        {"algorithm": champion.algorithm} | champion.params,
        {"results": [args.metrics, args.card, *tables], "report": [args.report]},
        found.predictions,
    )
    print_summary(found.metrics)
    if found.warning:
        say(found.warning, warning=True)


def print_summary(metrics: dict[str, Any]) -> None:
    """Print each metric on test with its interval, on CV and on train."""
    lines = [
        f"evaluate: {metrics['algorithm']}, cut-off {metrics['threshold']:.4f}",
        f"  {'':<18}{'test':>8}  {'95% interval':<18}{'cv':>8}{'train':>8}",
    ]
    for name, (low, high) in metrics["test"]["ci"].items():
        span = f"{low:.3f} to {high:.3f}"
        lines.append(
            f"  {name:<18}{metrics['test'][name]:>8.3f}  {span:<18}"
            f"{metrics['cv'][name]:>8.3f}{metrics['train'][name]:>8.3f}"
        )
    say("\n".join(lines))


if __name__ == "__main__":
    run(main)

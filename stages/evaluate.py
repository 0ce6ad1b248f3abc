"""evaluate: measure the champion on the test rows, which no earlier stage has used."""

import sys
from typing import Any

import pandas as pd

from creditrisk.champion.description import read_description
from creditrisk.core.cli import arguments, run
from creditrisk.core.files import (
    read_csv,
    read_frame,
    read_json,
    to_jsonable,
    write_csv,
    write_json,
    write_text,
)
from creditrisk.core.params import Strict, read_params
from creditrisk.evaluate.curves import curves
from creditrisk.evaluate.fairness import FairnessParams, fairness, to_nested_dict
from creditrisk.evaluate.importance import permutation_importance
from creditrisk.evaluate.measure import measure_champion, out_of_fold, predicted
from creditrisk.metrics.costs import DecisionParams
from creditrisk.metrics.leakage import leakage_warning
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.persistence import load_model
from creditrisk.report.card import model_card
from creditrisk.report.data import ReportData
from creditrisk.report.page import build_page
from creditrisk.select.stale_outputs import find_stale_outputs, refuse_stale_outputs
from creditrisk.tracking.recording import Recording


class Params(Strict):
    """The parameters that evaluate reads from params.yaml."""

    seed: int
    folds: int
    decision: DecisionParams
    fairness: FairnessParams


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
        metrics="metrics/evaluate.json",
        plots="plots",
        report="plots/report.html",
        card="plots/model_card.md",
    ).parse_args()
    params = read_params(args.params, Params, folds="train.folds")
    board = read_csv(args.board)
    # DVC hashes the whole folder, so files of removed algorithms would change dvc.lock.
    known: dict[str, dict[str, Any]] = {name: {} for name in board["algorithm"]}
    refuse_stale_outputs(
        str(args.board), find_stale_outputs([f"{args.oof}/${{key}}.parquet"], known)
    )
    names = ("champion", "description", "train", "test", "oof", "ingested", "prepared", "selected")
    inputs = {name: getattr(args, name) for name in (*names, "board", "points")}
    recording = Recording("evaluate", inputs, params.model_dump())
    champion = read_description(args.description)
    model = load_model(args.champion, champion.model_sha256)
    train, test = read_frame(args.train), read_frame(args.test)
    oof = read_frame(args.oof / f"{champion.algorithm}.parquet")

    features, threshold, seed = champion.columns, champion.threshold, params.seed
    on_train, on_test = (
        predicted(model, part, features, params.decision) for part in (train, test)
    )
    tables = curves(on_test, out_of_fold(oof, train, params.decision), threshold, seed)
    folds = make_folds(on_train.bad, train["applicant"].to_numpy(), params.folds, 1, seed)
    tables["importance"] = permutation_importance(model, train, features, folds, seed)
    schema = champion.schema_contract
    tables["fairness"] = fairness(test, on_test.pd, threshold, params.fairness, schema)
    metrics = {"algorithm": champion.algorithm}
    metrics |= measure_champion(on_test, on_train, champion.metrics.cv, threshold, seed)
    headline = dict(metrics)
    metrics["importance"] = tables["importance"].set_index("feature").to_dict("index")
    metrics["fairness"] = to_nested_dict(tables["fairness"])
    # Rounded as in the JSON file, so that the pages show the same digits.
    metrics = to_jsonable(metrics)
    warning = leakage_warning(metrics["test"]["roc_auc"], train, features, "the test")
    report = ReportData(
        metrics=metrics,
        selected=read_json(args.selected),
        prepared=read_json(args.prepared),
        ingested=read_json(args.ingested),
        champion=champion,
        board=board,
        curves=tables,
        decision=params.decision,
        points=read_csv(args.points),
        warning=warning,
    )
    write_json(metrics, args.metrics)
    for name, table in tables.items():
        write_csv(table, args.plots / f"{name}.csv")
    write_text(build_page(report).html(), args.report)
    write_text(model_card(report), args.card)
    results = [args.metrics, args.card, *(args.plots / f"{name}.csv" for name in tables)]
    recording.finish(
        to_jsonable(headline),
        {"algorithm": champion.algorithm} | champion.params,
        {"results": results, "report": [args.report]},
        pd.DataFrame({"bad": on_test.bad, "pd": on_test.pd}),
    )
    print_summary(metrics)
    if warning:
        print(warning, file=sys.stderr)


def print_summary(metrics: dict[str, Any]) -> None:
    """Print each metric on test with its interval, on CV and on train."""
    print(f"evaluate: {metrics['algorithm']}, cut-off {metrics['threshold']:.4f}")
    print(f"  {'':<18}{'test':>8}  {'95% interval':<18}{'cv':>8}{'train':>8}")
    for name, (low, high) in metrics["test"]["ci"].items():
        span = f"{low:.3f} to {high:.3f}"
        print(
            f"  {name:<18}{metrics['test'][name]:>8.3f}  {span:<18}"
            f"{metrics['cv'][name]:>8.3f}{metrics['train'][name]:>8.3f}"
        )


if __name__ == "__main__":
    run(main)

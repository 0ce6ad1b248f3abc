"""evaluate: measure the champion on the test rows, which nothing has touched before."""

import sys

import pandas as pd

from creditrisk.champion.predict import default_pd
from creditrisk.core.cli import arguments, run
from creditrisk.core.files import (
    plain,
    read_csv,
    read_frame,
    read_json,
    write_csv,
    write_json,
    write_text,
)
from creditrisk.core.params import Strict, read_params
from creditrisk.evaluate.curves import curves
from creditrisk.evaluate.fairness import FairnessParams, fairness, nested
from creditrisk.evaluate.importance import permutation_importance
from creditrisk.evaluate.measure import evaluate
from creditrisk.metrics.costs import DecisionParams
from creditrisk.metrics.leakage import suspect
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.persistence import load_model
from creditrisk.report.card import model_card
from creditrisk.report.data import Inputs
from creditrisk.report.page import build
from creditrisk.schema import parse_schema
from creditrisk.select.stale_outputs import leftovers, refuse_leftovers
from creditrisk.tracking.recording import Recording
from creditrisk.train.params import TrainParams


class Params(Strict):
    """What evaluate reads of params.yaml."""

    seed: int
    train: TrainParams
    decision: DecisionParams
    fairness: FairnessParams


def main() -> None:
    """Write the metrics, the curves and the report."""
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
    params = read_params(args.params, Params)
    board = read_csv(args.board)
    # Its folder is hashed as a whole: what nobody else has would go into dvc.lock.
    among = {name: {} for name in board["algorithm"]}
    refuse_leftovers(str(args.board), leftovers([f"{args.oof}/${{key}}.parquet"], among))
    read = ("champion", "description", "train", "test", "oof", "ingested", "prepared", "selected")
    inputs = {name: getattr(args, name) for name in (*read, "board", "points")}
    recording = Recording("evaluate", inputs, params.model_dump())
    description = read_json(args.description)
    model = load_model(args.champion, description["model_sha256"])
    train, test = read_frame(args.train), read_frame(args.test)
    manifest = description["features"]
    features = [*manifest["numeric"], *manifest["nominal"], *manifest["ordinal"]]
    oof = read_frame(args.oof / f"{description['algorithm']}.parquet")

    parts = {
        name: (
            frame["bad"].to_numpy(),
            default_pd(model, frame[features]),
            params.decision.costs(frame),
        )
        for name, frame in (("train", train), ("test", test))
    }
    unseen = params.decision.costs(train.set_index("row_id").loc[oof["row_id"]])
    parts["oof"] = (oof["bad"].to_numpy(), oof["pd"].to_numpy(), unseen)
    threshold, cv = description["threshold"], description["metrics"]["cv"]
    metrics = {"algorithm": description["algorithm"]} | evaluate(
        parts["test"], parts["train"], cv, threshold, params.seed
    )
    folds = make_folds(
        train["bad"].to_numpy(), train["applicant"].to_numpy(), params.train.folds, 1, params.seed
    )
    importance = permutation_importance(model, train, features, folds, params.seed)
    metrics["importance"] = importance.set_index("feature").to_dict("index")

    plots = curves(parts["test"], parts["oof"], threshold, params.seed)
    plots["importance"] = importance
    schema = parse_schema(description["schema"], args.description)
    plots["fairness"] = fairness(test, parts["test"][1], threshold, params.fairness, schema)
    metrics["fairness"] = nested(plots["fairness"])
    metrics = plain(metrics)  # what the pages show is what the file holds, to the last digit
    warning = suspect(metrics["test"]["roc_auc"], train, features, "the test")
    report = Inputs(
        metrics=metrics,
        selected=read_json(args.selected),
        prepared=read_json(args.prepared),
        ingested=read_json(args.ingested),
        champion=description,
        board=board,
        curves=plots,
        decision=params.decision,
        points=read_csv(args.points),
        warning=warning,
    )
    write_json(metrics, args.metrics)
    for name, table in plots.items():
        write_csv(table, args.plots / f"{name}.csv")
    write_text(build(report).html(), args.report)
    write_text(model_card(report), args.card)
    recording.finish(
        {name: value for name, value in metrics.items() if name not in ("importance", "fairness")},
        {"algorithm": description["algorithm"]} | description["params"],
        {
            "results": [args.metrics, args.card, *(args.plots / f"{name}.csv" for name in plots)],
            "report": [args.report],
        },
        pd.DataFrame({"bad": parts["test"][0], "pd": parts["test"][1]}),
    )
    tell(metrics)
    if warning:
        print(warning, file=sys.stderr)


def tell(metrics: dict) -> None:
    """Print each metric on test with its interval, CV and train beside it."""
    print(f"evaluate: {metrics['algorithm']}, cut-off {metrics['threshold']:.4f}")
    print(f"  {'':<18}{'test':>8}  {'95% interval':<18}{'cv':>8}{'train':>8}")
    for name, ends in metrics["test"]["ci"].items():
        span = f"{ends[0]:.3f} to {ends[1]:.3f}"
        print(
            f"  {name:<18}{metrics['test'][name]:>8.3f}  {span:<18}"
            f"{metrics['cv'][name]:>8.3f}{metrics['train'][name]:>8.3f}"
        )


if __name__ == "__main__":
    run(main)

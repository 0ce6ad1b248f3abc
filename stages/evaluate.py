"""evaluate: measure the champion on the test rows, which nothing has touched before."""

import sys

from creditrisk.calibration import calibration_curves
from creditrisk.cli import arguments, read_frame, read_json, run, write_csv, write_json
from creditrisk.decision import DecisionParams
from creditrisk.evaluate import (
    confusion_rows,
    cost_points,
    evaluate,
    pr_points,
    roc_points,
    score_shares,
)
from creditrisk.folds import make_folds
from creditrisk.importance import permutation_importance
from creditrisk.leak import suspect
from creditrisk.model_file import load_model
from creditrisk.params import Strict, read_params
from creditrisk.train.params import TrainParams


class Params(Strict):
    """What evaluate reads of params.yaml."""

    seed: int
    train: TrainParams
    decision: DecisionParams


def main() -> None:
    """Write the metrics and the curves."""
    args = arguments(
        __doc__,
        champion="models/champion.joblib",
        description="models/champion.json",
        train="data/processed/train.parquet",
        test="data/processed/test.parquet",
        oof="data/oof",
        metrics="metrics/evaluate.json",
        plots="plots",
    ).parse_args()
    params = read_params(args.params, Params)
    description = read_json(args.description)
    model = load_model(args.champion, description["model_sha256"])
    train, test = read_frame(args.train), read_frame(args.test)
    manifest = description["features"]
    features = [*manifest["numeric"], *manifest["nominal"], *manifest["ordinal"]]
    oof = read_frame(args.oof / f"{description['algorithm']}.parquet")

    parts = {
        name: (
            frame["bad"].to_numpy(),
            model.predict_proba(frame[features])[:, 1],
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

    bad, pds, _ = parts["test"]
    write_json(metrics, args.metrics)
    for name, table in {
        "roc": roc_points(bad, pds),
        "pr": pr_points(bad, pds),
        "calibration": calibration_curves(bad, pds, params.seed),
        "confusion": confusion_rows(bad, pds, threshold),
        "scores": score_shares(bad, pds),
        "cost": cost_points({"oof": parts["oof"], "test": parts["test"]}),
        "importance": importance,
    }.items():
        write_csv(table, args.plots / f"{name}.csv")
    tell(metrics)
    warning = suspect(metrics["test"]["roc_auc"], train, features, "the test")
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

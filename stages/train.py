"""train: search one algorithm's grid, calibrate the best candidate, measure it out of fold."""

import sys
from pathlib import Path
from typing import Any

from creditrisk.core.cli import arguments, run
from creditrisk.core.columns import feature_columns
from creditrisk.core.files import read_frame, read_json, write_csv, write_frame, write_json
from creditrisk.core.params import Strict, read_params
from creditrisk.metrics.leakage import leakage_warning
from creditrisk.modeling.persistence import save_model
from creditrisk.modeling.pipeline import PreprocessParams
from creditrisk.modeling.registry import algorithm, grid
from creditrisk.tracking.recording import Recording
from creditrisk.train.candidate_files import load_candidate, save_candidate
from creditrisk.train.ensemble import members_of, train_vote
from creditrisk.train.params import TrainParams
from creditrisk.train.search import SearchSpec
from creditrisk.train.trained_model import TrainedModel, summarise, train_single


class Params(Strict):
    """The parameters that train reads from params.yaml."""

    seed: int
    preprocess: PreprocessParams
    train: TrainParams
    block: dict[str, Any]


def main() -> None:
    """Train ALGO and write its model, its out-of-fold PDs and its metrics."""
    parser = arguments(
        __doc__,
        train="data/processed/train.parquet",
        features="data/processed/features.json",
        single="data/candidates/single",
    )
    parser.add_argument("algo", metavar="ALGO", help="an entry of creditrisk/algorithms.yaml")
    args = parser.parse_args()
    algo = args.algo
    entry = algorithm(algo)
    params = read_params(args.params, Params, block=f"algorithms.{algo}")

    def record(inputs: dict[str, Path]) -> Recording:
        return Recording(f"train@{algo}", inputs, params.model_dump() | entry.model_dump())

    if entry.family == "single":
        candidates = grid(algo, params.block, params.seed)
        frame, features = read_frame(args.train), read_json(args.features)
        spec = SearchSpec(algo, candidates, features, params.preprocess, params.train, params.seed)
        recording = record({"train": args.train, "features": args.features})
        trained, columns = train_single(spec, frame, recording.search), spec.columns
    else:
        folders = {path.name: path for path in sorted(args.single.glob("*/"))}
        members = members_of(algo, params.block, list(folders))
        frame = read_frame(args.train)
        columns = feature_columns(frame)
        trained_members = {name: load_candidate(folders[name]) for name in members}
        recording = record({"train": args.train} | {name: folders[name] for name in members})
        trained = train_vote(trained_members, frame, columns)
    metrics = summarise(trained, frame, columns)
    write(algo, entry.family, trained, metrics)
    files = {
        "model": [Path("models", f"{algo}.joblib")],
        "results": [Path("plots/train", f"{algo}.csv"), Path("metrics/train", f"{algo}.json")],
    }
    recording.finish(metrics, trained.best_params, files, trained.oof)
    print_summary(
        algo, metrics, leakage_warning(metrics["cv"]["roc_auc"], frame, columns, f"{algo}: the CV")
    )


def write(algo: str, family: str, trained: TrainedModel, metrics: dict[str, Any]) -> None:
    """Write all outputs.

    data/candidates/ is for select and the ensembles, the other files are for people (see
    docs/architecture.md, Files and columns).
    """
    save_candidate(trained, metrics, Path("data/candidates", family, algo))
    save_model(trained.model, Path("models", f"{algo}.joblib"))
    write_frame(trained.oof, Path("data/oof", f"{algo}.parquet"))
    write_csv(trained.trials, Path("plots/train", f"{algo}.csv"))
    write_json(metrics, Path("metrics/train", f"{algo}.json"))


def print_summary(algo: str, metrics: dict[str, Any], warning: str | None) -> None:
    """Print the main results, and warnings on stderr."""
    cv = metrics["cv"]
    print(
        f"train@{algo}: CV AUC {cv['roc_auc']:.3f}, Brier {cv['brier']:.3f}, "
        f"calibration {metrics['calibration']}, best {metrics['best_params']}"
    )
    if metrics["unconverged_folds"]:
        print(
            f"train@{algo}: {metrics['unconverged_folds']} fits of the best candidate stopped "
            "before they converged: raise max_iter",
            file=sys.stderr,
        )
    if warning:
        print(warning, file=sys.stderr)


if __name__ == "__main__":
    run(main)

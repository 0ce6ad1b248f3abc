"""train: search one algorithm's grid, calibrate the best candidate, measure it out of fold."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.core.cli import arguments, run
from creditrisk.core.columns import FEATURES, KEYS, feature_columns
from creditrisk.core.files import (
    read_frame,
    read_json,
    write_bytes,
    write_csv,
    write_frame,
    write_json,
)
from creditrisk.core.leftovers import remove_leftovers
from creditrisk.core.logs import say

if TYPE_CHECKING:
    from creditrisk.train.trained_model import TrainedModel


def main() -> None:
    """Train ALGO and write its model, its out-of-fold PDs and its metrics."""
    parser = arguments(
        __doc__,
        train="data/processed/train.parquet",
        features="data/processed/features.json",
        single="data/candidates/single",
    )
    # DVC tells the stage's name in its environment: on a command line, a shell would read it.
    stage = os.environ.get("DVC_STAGE", "").rpartition("train@")[2] or None
    parser.add_argument(
        "algo", metavar="ALGO", nargs="?", default=stage, help="an entry of algorithms.yaml"
    )
    args = parser.parse_args()
    algo = args.algo
    if algo is None:
        parser.error("the following arguments are required: ALGO")

    from creditrisk.core.params import Seed, Strict, read_params
    from creditrisk.metrics.leakage import leakage_warning
    from creditrisk.modeling.blocks import grid
    from creditrisk.modeling.params import PreprocessParams
    from creditrisk.modeling.persistence import dump_model, sha256
    from creditrisk.modeling.registry import algorithm
    from creditrisk.tracking.recording import Recording
    from creditrisk.train.candidate_files import load_candidate
    from creditrisk.train.ensemble import train_ensemble
    from creditrisk.train.ensemble_params import AUTO, ensemble_params
    from creditrisk.train.params import TrainParams
    from creditrisk.train.single import train_single
    from creditrisk.train.spec import make_spec
    from creditrisk.train.trained_model import summarise

    class Params(Strict):
        """The parameters that train reads from params.yaml."""

        seed: Seed
        preprocess: PreprocessParams
        train: TrainParams
        block: dict[str, Any]

    entry = algorithm(algo)
    # An ensemble reads all blocks, which say what single models there are.
    single = entry.family == "single"
    place = f"algorithms.{algo}" if single else "algorithms"
    params = read_params(args.params, Params, block=place)
    block = params.block if single else params.block[algo]

    def record(inputs: dict[str, Path]) -> Recording:
        shown = params.model_dump() | {"block": block} | entry.model_dump()
        return Recording(f"train@{algo}", inputs, shown)

    if single:
        grid(algo, block, params.seed)  # also checks what holds for other numbers of rows
        frame, features = read_frame(args.train, KEYS), read_json(args.features, FEATURES)
        common = (features, params.preprocess, params.train, params.seed)
        spec = make_spec(algo, block, *common, rows=len(frame))
        recording = record({"train": args.train, "features": args.features})
        trained, columns = train_single(spec, frame, recording.search), spec.columns
    else:
        for gone in remove_leftovers(args.single, params.block):
            say(f"train@{algo}: removed what is left of {gone}, which has no block any more")
        folders = {p.name: p for p in sorted(args.single.glob("*/")) if p.name in params.block}
        chosen = ensemble_params(algo, block, list(folders))
        members = None if chosen.members == AUTO else list(chosen.members)
        frame = read_frame(args.train, KEYS)
        columns = feature_columns(frame)
        possible = {name: load_candidate(folders[name]) for name in members or folders}
        recording = record({"train": args.train} | {name: folders[name] for name in possible})
        trained = train_ensemble(possible, frame, columns, members, chosen.method)
    model_file = dump_model(trained.model)
    metrics = summarise(trained, frame, columns) | {"model_sha256": sha256(model_file)}
    write(algo, entry.family, trained, model_file, metrics)
    files = {
        "model": [Path("models", f"{algo}.joblib")],
        "results": [Path("plots/train", f"{algo}.csv"), Path("metrics/train", f"{algo}.json")],
    }
    recording.finish(metrics, trained.best_params, files, trained.oof)
    print_summary(
        algo, metrics, leakage_warning(metrics["cv"]["roc_auc"], frame, columns, f"{algo}: the CV")
    )


def write(
    algo: str, family: str, trained: "TrainedModel", model_file: bytes, metrics: dict[str, Any]
) -> None:
    """Write all outputs.

    data/candidates/ is for select and the ensembles, the other files are for people (see
    docs/architecture.md, Files and columns).
    """
    from creditrisk.train.candidate_files import save_candidate

    save_candidate(trained, model_file, metrics, Path("data/candidates", family, algo))
    write_bytes(model_file, Path("models", f"{algo}.joblib"))
    write_frame(trained.oof, Path("data/oof", f"{algo}.parquet"))
    write_csv(trained.trials, Path("plots/train", f"{algo}.csv"))
    write_json(metrics, Path("metrics/train", f"{algo}.json"))


def print_summary(algo: str, metrics: dict[str, Any], warning: str | None) -> None:
    """Print the main results, and warnings on stderr."""
    cv = metrics["cv"]
    say(
        f"train@{algo}: CV AUC {cv['roc_auc']:.3f}, Brier {cv['brier']:.3f}, "
        f"calibration {metrics['calibration']}, best {metrics['best_params']}"
    )
    if metrics["unconverged_folds"]:
        say(
            f"train@{algo}: {metrics['unconverged_folds']} fits of the best candidate stopped "
            "before they converged: raise max_iter",
            warning=True,
        )
    if metrics.get("one_bin"):
        say(f"train@{algo}: in one bin, so of no use: {', '.join(metrics['one_bin'])}")
    if warning:
        say(warning, warning=True)


if __name__ == "__main__":
    run(main)

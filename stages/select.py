"""select: rank the candidates, take the champion, say what the choice is worth."""

import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.champion.baseline import reference
from creditrisk.champion.points import Scale
from creditrisk.champion.scorecard import COLUMNS, in_full, is_binned, scorecard
from creditrisk.core.cli import arguments, run
from creditrisk.core.columns import feature_columns
from creditrisk.core.errors import InputError, nearest
from creditrisk.core.files import read_frame, read_json, whole, write_csv, write_json
from creditrisk.core.params import Strict, read_params
from creditrisk.metrics.costs import DecisionParams
from creditrisk.modeling.persistence import check_model, load_model
from creditrisk.modeling.registry import algorithm
from creditrisk.schema import load_schema
from creditrisk.select.leaderboard import choose, compare, fold_account, leaderboard
from creditrisk.select.nested import nested_estimate, optimism
from creditrisk.select.params import SelectParams
from creditrisk.select.stale_outputs import leftovers, refuse_leftovers
from creditrisk.tracking.recording import Recording
from creditrisk.tracking.run_data import Champion
from creditrisk.tracking.store import is_temporary
from creditrisk.train.candidate_files import MODEL, NESTED, OOF, read_account
from creditrisk.train.params import TrainParams

# What must match to load the champion.
LIBRARIES = ("scikit-learn", "imbalanced-learn", "category_encoders", "xgboost", "pandas", "numpy")


class Params(Strict):
    """What select reads of params.yaml."""

    model: str
    schema_path: str
    train: TrainParams
    select: SelectParams
    decision: DecisionParams
    algorithms: dict[str, Any]
    scorecard: Scale


def main() -> None:
    """Write the champion, its description, the leaderboard and the estimate of the choice."""
    args = arguments(
        __doc__,
        candidates="data/candidates",
        train="data/processed/train.parquet",
        features="data/processed/features.json",
        adjustments="data/processed/adjustments.json",
        ingested="metrics/ingest.json",
        champion="models/champion.joblib",
        description="models/champion.json",
        metrics="metrics/select.json",
        board="plots/leaderboard.csv",
        points="plots/scorecard.csv",
    ).parse_args()
    params = read_params(args.params, Params, schema_path="data.schema")
    entries = {name: algorithm(name) for name in params.algorithms}
    if params.model not in ("auto", *entries):
        hint = nearest(params.model, ["auto", *entries])
        raise InputError(args.params, "model", f"unknown algorithm {params.model!r}", hint)
    # Its folder is hashed as a whole: what nobody else has would go into dvc.lock.
    told = {name: entry.model_dump() for name, entry in entries.items()}
    found = leftovers([f"{args.candidates}/${{item.family}}/${{key}}"], told)
    refuse_leftovers(str(args.params), found)
    inputs = {
        name: getattr(args, name)
        for name in ("candidates", "train", "features", "adjustments", "ingested")
    }
    recording = Recording(
        "select", inputs | {"schema": Path(params.schema_path)}, params.model_dump() | told
    )
    folders = {name: args.candidates / e.family / name for name, e in entries.items()}
    accounts = {name: read_account(folder) for name, folder in folders.items()}
    oofs = {name: read_frame(folder / OOF) for name, folder in folders.items()}
    frame = read_frame(args.train)

    scoring = params.train.scoring
    simplicity = {name: entry.simplicity for name, entry in entries.items()}
    board = leaderboard(accounts, simplicity, scoring)
    board.insert(2, "label", [entries[name].label for name in board["algorithm"]])
    winner = choose(board, oofs, params.model, params.select.rule, scoring)
    account = accounts[winner]
    metrics = {
        "algorithm": winner,
        "model": params.model,
        "rule": params.select.rule,
        "scoring": scoring,
        "cv": account["cv"],
        "cv_se": account["cv_se"],
        "threshold": account["threshold"],
        "cv_folds": fold_account(oofs[winner], scoring),
    }
    ranked = board["algorithm"].tolist()
    if len(ranked) > 1:
        first, second = ranked[:2]
        metrics["two_best"] = {"first": first, "second": second} | compare(
            oofs[first], oofs[second], scoring
        )
    if params.select.nested:
        among = entries if params.model == "auto" else [winner]
        parts = {name: read_frame(folders[name] / NESTED) for name in among}
        metrics["nested"] = nested_estimate(
            parts, frame, scoring, params.decision, params.select.rule, simplicity
        )
        metrics["optimism"] = optimism(account["cv"], metrics["nested"]["mean"])

    adjustments = read_json(args.adjustments)
    features, schema = read_json(args.features), load_schema(params.schema_path)
    # The best candidate that is a scorecard, champion or not: what can be signed line by line.
    cards = [name for name in board["algorithm"] if is_binned(accounts[name]["best_params"])]
    points = pd.DataFrame(columns=["algorithm", *COLUMNS])
    if cards:
        card = load_model(folders[cards[0]] / MODEL, accounts[cards[0]]["model_sha256"])
        points = scorecard(card, frame, features, schema, params.scorecard, adjustments["merges"])
        points.insert(0, "algorithm", cards[0])
    model = folders[winner] / MODEL
    check_model(model, account["model_sha256"])
    description = {
        "algorithm": winner,
        "label": entries[winner].label,
        "params": account["best_params"],
        "calibration": account["calibration"],
        "threshold": account["threshold"],
        "scorecard": params.scorecard.model_dump(),
        "metrics": {"cv": account["cv"], "cv_se": account["cv_se"]},
        "features": features,
        "adjustments": adjustments,
        "schema": schema.model_dump(exclude_defaults=True),
        "reference": reference(frame, features),
        "training_rows": len(frame),
        "data_sha256": read_json(args.ingested)["source_sha256"],
        "model_sha256": account["model_sha256"],
        "created_by": {"python": platform.python_version()}
        | {library: version(library) for library in LIBRARIES},
    }
    with whole(args.champion) as part:
        shutil.copyfile(model, part)
    write_json(description, args.description)
    write_json(metrics, args.metrics)
    write_csv(board, args.board)
    write_csv(in_full(points), args.points)
    leads = not is_temporary(Path.cwd())
    champion = Champion(
        args.champion,
        account["model_sha256"],
        frame[feature_columns(frame)][:5],
        description,
        leads,
    )
    results = [args.description, args.metrics, args.board, args.points]
    recording.finish(metrics, account["best_params"], {"results": results}, oofs[winner], champion)
    tell(board.head(8), metrics)


def tell(board: Any, metrics: dict[str, Any]) -> None:
    """Print the leaderboard and the champion."""
    shown = board[["rank", "algorithm", "score", "score_se", "brier", "log_loss", "expected_cost"]]
    print(shown.to_string(index=False, float_format="%.4f"))
    print(f"select: champion {metrics['algorithm']}, cut-off {metrics['threshold']:.4f}", end="")
    if "nested" in metrics:
        mean, se = metrics["nested"]["mean"], metrics["nested"]["se"]
        print(f", nested AUC {mean['roc_auc']:.3f} +- {se['roc_auc']:.3f}", end="")
    print()


if __name__ == "__main__":
    run(main)

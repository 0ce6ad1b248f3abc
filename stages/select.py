"""select: rank the trained models, choose the champion, estimate its performance in use."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.core.cli import arguments, run
from creditrisk.core.columns import FEATURES, KEYS
from creditrisk.core.errors import InputError, nearest
from creditrisk.core.files import (
    json_text,
    read_frame,
    read_json,
    read_verified,
    write_bytes,
    write_csv,
    write_json,
    write_text,
)
from creditrisk.core.leftovers import remove_leftovers
from creditrisk.core.logs import say

if TYPE_CHECKING:
    import pandas as pd

INPUTS = ("candidates", "trained", "train", "features", "adjustments", "ingested", "prepared")
PARAM_PATHS = {
    "schema_path": "data.schema",
    "scoring": "train.scoring",
    "nested": "train.nested",
    "decimal": "data.decimal",
    "thousands": "data.thousands",
    "null_words": "prepare.null_words",
}
# What loads the registered model. It travels as files with what it imports, and never runs here.
LOADER = "creditrisk.score.mlflow_model"


def main() -> None:
    """Write the champion, its description, the leaderboard, the scorecard and the metrics."""
    args = arguments(
        __doc__,
        candidates="data/candidates",
        trained="metrics/train",
        trials="plots/train",
        oof="data/oof",
        models="models",
        train="data/processed/train.parquet",
        features="data/processed/features.json",
        adjustments="data/processed/adjustments.json",
        ingested="metrics/ingest.json",
        prepared="metrics/prepare.json",
        champion="models/champion.joblib",
        description="models/champion.json",
        reference="models/reference.json",
        metrics="metrics/select.json",
        board="plots/leaderboard.csv",
        points="plots/scorecard.csv",
        scorecard="models/scorecard",
    ).parse_args()
    say(f"select: reads the models in {args.candidates}")

    import joblib

    from creditrisk.champion.card.exports import write_exports
    from creditrisk.champion.description import CvSummary, describe_champion
    from creditrisk.champion.grades import GradesParams
    from creditrisk.champion.groups import FairnessParams
    from creditrisk.champion.points import ScorecardParams
    from creditrisk.champion.reference import make_reference
    from creditrisk.champion.referral import check_band
    from creditrisk.champion.scorecard import exact_edges
    from creditrisk.core.params import Strict, read_params
    from creditrisk.metrics.costs import DecisionParams
    from creditrisk.modeling.persistence import sha256
    from creditrisk.modeling.registry import algorithm
    from creditrisk.schema import KEY_KINDS, load_schema
    from creditrisk.select.best_scorecard import best_scorecard
    from creditrisk.select.contenders import ensembles_of, load_contenders
    from creditrisk.select.leaderboard import choose, leaderboard
    from creditrisk.select.params import SelectParams
    from creditrisk.select.summary import estimate_choice, promised_performance, summarise_choice
    from creditrisk.select.terms import Terms
    from creditrisk.tracking.recording import Recording
    from creditrisk.tracking.run_data import Champion
    from creditrisk.tracking.store import is_temporary
    from creditrisk.train.params import Scoring

    class Params(Strict):
        """The parameters that select reads from params.yaml."""

        model: str
        schema_path: str
        scoring: Scoring
        nested: bool
        select: SelectParams
        decision: DecisionParams
        algorithms: dict[str, Any]
        scorecard: ScorecardParams
        fairness: FairnessParams
        grades: GradesParams
        # For the registered model, which reads raw applicants.
        decimal: str
        thousands: str
        null_words: list[str]

    params = read_params(args.params, Params, **PARAM_PATHS)
    entries = {name: algorithm(name) for name in params.algorithms}
    if params.model not in ("auto", *entries):
        hint = nearest(params.model, ["auto", *entries])
        raise InputError(args.params, "model", f"unknown algorithm {params.model!r}", hint)
    known = {name: entry.model_dump() for name, entry in entries.items()}
    folders = [*args.candidates.glob("*/"), args.trained, args.oof, args.trials]
    gone = {name for folder in folders for name in remove_leftovers(folder, entries)}
    for name in sorted(gone):
        (args.models / f"{name}.joblib").unlink(missing_ok=True)
        say(f"select: removed what is left of {name}, which has no block any more")
    inputs = {name: path for name, path in vars(args).items() if name in INPUTS}
    inputs |= {"schema": Path(params.schema_path)}
    recording = Recording("select", inputs, params.model_dump() | known, serves=LOADER)

    frame = read_frame(args.train, KEYS)
    features = read_json(args.features, FEATURES)
    schema = load_schema(params.schema_path)
    terms = Terms.of(frame, features, schema, params.decision)
    contenders = load_contenders(args.candidates, args.trained, entries, terms)
    board = leaderboard(contenders.values(), params.scoring)
    rule, oofs = params.select.rule, {name: each.oof for name, each in contenders.items()}
    ensembles = ensembles_of(contenders.values())
    winner = choose(board, oofs, params.model, rule, params.scoring, ensembles)
    choice = (contenders, winner, params.model, rule, params.scoring)
    metrics = summarise_choice(board, *choice)
    if params.nested:
        metrics |= estimate_choice(*choice, terms)

    champion = contenders[winner]
    model_file = read_verified(champion.model_file, champion.model_sha256)
    metrics |= {"champion_sha256": champion.model_sha256}
    adjustments = read_json(args.adjustments, ("caps", "merges"))
    rules = terms.rules_at(champion.cv.threshold)
    check_band(rules, champion.cv.threshold)
    description = describe_champion(
        joblib.load(io.BytesIO(model_file)), champion.summary, frame, features, schema,
        algorithm=winner,
        label=champion.label,
        threshold=champion.cv.threshold,
        scorecard=params.scorecard,
        referral=rules,
        metrics=CvSummary(cv=champion.cv.mean, cv_se=champion.cv.se),
        adjustments=adjustments,
        data_sha256=read_json(args.ingested, ["source_sha256"])["source_sha256"],
        model_sha256=champion.model_sha256,
    )  # fmt: skip
    cells = read_json(args.prepared, ["cells"])["cells"]
    reference = make_reference(
        frame, champion.oof, schema,
        {name: counts["out_of_domain"] for name, counts in cells.items()}, params.fairness,
        grades=params.grades,
        threshold=champion.cv.threshold,
        referred=~terms.with_band(terms.sample(champion.oof), champion.cv.threshold).decided,
        model_sha256=champion.model_sha256,
        promised=promised_performance(metrics),
    )  # fmt: skip
    best = best_scorecard(board, contenders, frame, features, schema, params.scorecard, adjustments)
    described = json_text(description.to_json())
    metrics |= {"description_sha256": sha256(described.encode())}
    write_bytes(model_file, args.champion)
    write_text(described, args.description)
    write_json(reference.model_dump(), args.reference)
    if best.card is not None:
        metrics |= {"scorecard": best.card.summary()}
    write_json(metrics, args.metrics)
    write_csv(board, args.board)
    write_csv(exact_edges(best.points), args.points)
    write_exports(best.card, args.scorecard, null_words=params.null_words)
    results = [args.description, args.metrics, args.board, args.points]
    registered = Champion(
        model=args.champion,
        sha256=description.model_sha256,
        description=described,
        columns=[source for source, c in schema.needed.items() if c.kind not in KEY_KINDS],
        notation=params.model_dump(include={"decimal", "thousands", "null_words"}),
        is_champion_run=not is_temporary(Path.cwd()),
    )
    recording.finish(metrics, description.params, {"results": results}, champion.oof, registered)
    print_summary(board, metrics)


def print_summary(board: "pd.DataFrame", metrics: dict[str, Any]) -> None:
    """Print the leaderboard and the champion."""
    shown = board[["rank", "algorithm", "score", "score_se", "brier", "log_loss", "expected_cost"]]
    say(shown.to_string(index=False, float_format="%.4f"))
    line = f"select: champion {metrics['algorithm']}, cut-off {metrics['threshold']:.4f}"
    if "nested" in metrics:
        mean, se = metrics["nested"]["mean"], metrics["nested"]["se"]
        line += f", nested AUC {mean['roc_auc']:.3f} +- {se['roc_auc']:.3f}"
    say(line)


if __name__ == "__main__":
    run(main)

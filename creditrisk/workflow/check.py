"""Check all of params.yaml as the stages would, before any of them runs."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from creditrisk.bins import PATH as BINS_FILE
from creditrisk.champion.grades import GradesParams
from creditrisk.champion.groups import FairnessParams
from creditrisk.champion.points import ScorecardParams
from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import Seed, Strict, read_yaml
from creditrisk.eda.adjust import EdaParams
from creditrisk.featurize import FeaturizeParams, manifest
from creditrisk.ingest.params import DataParams
from creditrisk.metrics.costs import DecisionParams
from creditrisk.modeling.blocks import grid, refuse_odd_block
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.registry import algorithm
from creditrisk.monitor.params import MonitorParams
from creditrisk.prepare.params import PrepareParams, SplitParams
from creditrisk.report.words import ReportParams
from creditrisk.schema import load_schema
from creditrisk.score.refused import find_refused
from creditrisk.select.params import SelectParams
from creditrisk.train.ensemble_params import ensemble_params
from creditrisk.train.params import TrainParams
from creditrisk.workflow.tracked_files import dvc_paths, is_stage_output

PLACES = Path("creditrisk/algorithms")


class Params(Strict):
    """All blocks of params.yaml; each stage reads some of them."""

    seed: Seed
    model: str
    data: DataParams
    split: SplitParams
    prepare: PrepareParams
    eda: EdaParams
    featurize: FeaturizeParams
    preprocess: PreprocessParams
    train: TrainParams
    algorithms: dict[str, dict[str, Any]]
    select: SelectParams
    decision: DecisionParams
    scorecard: ScorecardParams
    fairness: FairnessParams
    grades: GradesParams
    report: ReportParams
    monitor: MonitorParams


def check(tree: dict[str, Any], path: str | Path) -> int:
    """Check every block, also against the schema file and the registry of algorithms.

    Args:
        tree: the content of params.yaml.
        path: its name, for errors.

    Returns:
        Number of candidates in all grids together.

    Raises:
        InputError: a stage would refuse a value; the hint suggests the nearest valid ones.
    """
    try:
        params = Params.model_validate(tree)
    except ValidationError as error:
        raise from_validation(path, error, Params) from None
    data, names = params.data, list(params.algorithms)
    if not any(Path(p).exists() for p in dvc_paths(data.source)) and not is_stage_output(
        data.source
    ):
        hint = "Correct the path, or fetch the file with `dvc pull`."
        raise InputError(path, "data.source", f"no file {data.source}", hint)
    find_refused(data.rejected, path)
    schema = load_schema(data.schema_)
    numeric = manifest(schema, params.featurize, bins_file=BINS_FILE)["numeric"]
    amount = params.decision.amount_column
    if amount is not None and amount not in numeric:
        problem, hint = f"no numeric column {amount}", nearest(amount, numeric)
        raise InputError(path, "decision.amount_column", problem, hint)
    for name in params.decision.required:
        if name not in schema.inputs:
            problem, hint = f"no variable {name}", nearest(name, schema.inputs)
            raise InputError(path, "decision.required", problem, hint)
    if not names:
        hint = "Write the block of at least one, as in docs/models.md."
        raise InputError(path, "algorithms", "no block, so no algorithm runs", hint)
    families = {name: algorithm(name).family for name in names}
    for name, family in families.items():
        _check_place(name, family)
    single = [name for name in names if families[name] == "single"]
    candidates = 0
    for name, block in params.algorithms.items():
        if families[name] == "single":
            refuse_odd_block(name, block)
            candidates += _count_candidates(name, json.dumps(block), params.seed)
        else:
            candidates += len(ensemble_params(name, block, single).method)
    if params.model not in ("auto", *names):
        hint = nearest(params.model, ["auto", *names])
        raise InputError(path, "model", f"unknown algorithm {params.model!r}", hint)
    return candidates


def _check_place(name: str, family: str) -> None:
    """Check that DVC finds what it must know of an algorithm, or it would fail without a hint."""
    path = PLACES / name / "place.yaml"
    blocks = f"algorithms.{name}" if family == "single" else "algorithms"
    hint = f"Copy that of another {family} algorithm of {PLACES}, with `blocks: {blocks}`."
    if not path.is_file():
        raise InputError(path, "file", "not found, and DVC reads it", hint)
    place = read_yaml(path)
    if (place.get("family"), place.get("blocks")) != (family, blocks):
        raise InputError(path, "family, blocks", f"not those of {name}", hint)


@lru_cache
def _count_candidates(name: str, block: str, seed: int) -> int:
    """Check a grid and count its candidates; cached, since experiments share most blocks."""
    return len(grid(name, json.loads(block), seed))

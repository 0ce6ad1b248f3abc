"""Collect what differs between the base and the work tree: metrics, plots, parameters, stages."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.core.files import read_json
from creditrisk.metrics.performance import SCORING
from creditrisk.workflow.dvc import run_dvc
from creditrisk.workflow.review.decisions import NOT_COMPARED, Swap, swap_of_both
from creditrisk.workflow.review.files import metrics_of_both, table_of_both
from creditrisk.workflow.review.lock import (
    cache_folder,
    cached_listing,
    hash_of,
    stages_of,
    stale_stages,
)
from creditrisk.workflow.review.revision import Base

LOCK, EVALUATE, SELECT = "dvc.lock", "metrics/evaluate.json", "metrics/select.json"
INGEST, PREPARE = "metrics/ingest.json", "metrics/prepare.json"
# Plots that the review reads itself, by name.
TABLES = ("fairness", "leaderboard", "roc", "cost")

Pair = tuple[pd.DataFrame | None, pd.DataFrame | None]


@dataclass(frozen=True)
class Changes:
    """All differences between the base and the work tree.

    Attributes:
        metrics: file to metric to `old`, `new` and, for numbers, `diff`; unchanged ones too.
        params: file to changed parameter to `old` and `new`.
        old_lock: stage to its entry in dvc.lock, in the base.
        new_lock: the same in the work tree.
        stale: stage to its inputs and outputs that differ from dvc.lock.
        ci: metric to its test interval, `[low, high]`, in the base and in the work tree.
        folds: metrics of the champion's folds in the base and in the work tree, as
            `cv_fold_scores` in `creditrisk/select/summary.py` computes them; None if not recorded.
        tables: name of a plot (see `TABLES`) to its CSV file in the base and in the work tree.
        swap: the decisions about the test applicants in both.
    """

    metrics: dict[str, dict[str, dict[str, Any]]]
    params: dict[str, dict[str, dict[str, Any]]]
    old_lock: dict[str, Any]
    new_lock: dict[str, Any]
    stale: dict[str, list[str]]
    ci: tuple[dict[str, list[float]], dict[str, list[float]]]
    folds: tuple[dict[str, Any] | None, dict[str, Any] | None]
    tables: dict[str, Pair] = field(default_factory=dict)
    swap: Swap = NOT_COMPARED

    def value(self, path: str, name: str) -> tuple[Any, Any]:
        """Get a metric in the base and in the work tree; None where it is missing."""
        pair = self.metrics.get(path, {}).get(name, {})
        return pair.get("old"), pair.get("new")

    def known(self, path: str) -> bool:
        """Return whether the base has this metrics file."""
        return any(pair.get("old") is not None for pair in self.metrics.get(path, {}).values())

    def hashes(self, output: str) -> tuple[str | None, str | None]:
        """Get an output's hash in the base and in the work tree."""
        return hash_of(self.old_lock, output), hash_of(self.new_lock, output)

    def table(self, name: str) -> Pair:
        """Get a plot's CSV file in the base and in the work tree; None where it is missing."""
        return self.tables.get(name, (None, None))


def collect(base: Base) -> Changes:
    """Compare the base with the work tree.

    Args:
        base: the base revision.

    Raises:
        InputError: the work tree has no results, or they can't be read.
    """
    for path in (LOCK, INGEST, PREPARE, SELECT, EVALUATE):
        if not Path(path).is_file():
            raise InputError(path, "file", "not found", "Run `dvc repro` to make it.")
    selected = read_json(SELECT, ("algorithm", "scoring", "cv"))
    if selected["scoring"] not in SCORING:
        problem = "not a score that this version knows"
        raise InputError(SELECT, "scoring", problem, "Run `dvc repro` to make it again.")
    new_lock = stages_of(LOCK, Path(LOCK).read_text(encoding="utf-8"))
    old_lock = stages_of(f"{base.short}:{LOCK}", base.text(LOCK) or "")
    commands = (
        ("params", "diff", base.short, "--json"),
        ("status", "--json", "dvc.yaml"),  # arriving data are no matter of a review
    )
    # In parallel, because it takes a second to start DVC.
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda command: run_dvc(*command), commands))
    before = base.json(SELECT)
    return Changes(
        metrics=metrics_of_both(base),
        params=json.loads(answers[0]),
        old_lock=old_lock,
        new_lock=new_lock,
        stale=stale_stages(json.loads(answers[1]), new_lock, cached_listing),
        ci=(_intervals(base.json(EVALUATE)), _intervals(read_json(EVALUATE))),
        folds=(before.get("cv_folds"), selected.get("cv_folds")),
        tables={name: table_of_both(base, f"plots/{name}.csv") for name in TABLES},
        swap=swap_of_both(old_lock, new_lock, cache_folder),
    )


def _intervals(evaluated: dict[str, Any]) -> dict[str, list[float]]:
    return evaluated.get("test", {}).get("ci", {})

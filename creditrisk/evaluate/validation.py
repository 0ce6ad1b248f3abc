"""All tables of the validation page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.grades import GradesParams, grade_edges
from creditrisk.evaluate.folds import fold_table
from creditrisk.evaluate.grades import grade_table, hosmer_lemeshow
from creditrisk.evaluate.sensitivity import sensitivity_table
from creditrisk.evaluate.separation import cap_points, gains_table, ks_points
from creditrisk.evaluate.strategy import in_use, strategy_table
from creditrisk.evaluate.swap import swap_tables
from creditrisk.metrics.costs import DecisionParams, Sample

OUT_OF_FOLD, TEST = "out_of_fold", "test"
SAMPLES = (OUT_OF_FOLD, TEST)


@dataclass(frozen=True)
class Validation:
    """What a validator looks at.

    Attributes:
        tables: `grades`, `ks`, `cap`, `gains`, `strategy`, `sensitivity`, `folds`, `swap`, which
            become plots/NAME.csv.
        metrics: `hosmer_lemeshow` and `approved` by sample; `swap`, whether there is a comparison.
    """

    tables: dict[str, pd.DataFrame]
    metrics: dict[str, Any]


def first_repeat(oof: pd.DataFrame) -> np.ndarray:
    """Return the positions of the first repeat's out-of-fold PDs: each training row once.

    Counts of applicants, their intervals and their tests need rows that are independent. A row that
    counts twice, with two PDs, would make them look more certain than they are.
    """
    return np.flatnonzero(oof["repeat"] == oof["repeat"].min())


def validate(
    oof: pd.DataFrame,
    on_oof: Sample,
    on_test: Sample,
    threshold: float,
    decision: DecisionParams,
    grades: GradesParams,
    decisions: pd.DataFrame,
    others: Mapping[str, pd.DataFrame | None],
) -> Validation:
    """Compute the tables of the validation page.

    Args:
        oof: `row_id`, `repeat`, `fold` of the champion's out-of-fold PDs, all repeats.
        on_oof: outcomes, PDs, costs and referrals of the rows of `oof`, in its order.
        on_test: the same of the test rows.
        threshold: the cut-off in use.
        decision: the costs in use and the rule for the cut-off.
        grades: how the rating grades are made.
        decisions: the champion's decisions about the test rows: `row_id`, `bad`, `decision`.
        others: `former` and `scorecard` to their decisions about test rows, or None.
    """
    once = on_oof.take(first_repeat(oof))
    samples = {OUT_OF_FOLD: once, TEST: on_test}
    bands = grade_table(samples, grade_edges(once.bad, once.pd, grades))
    strategy = strategy_table(once, on_test, threshold)
    swapped, compared = swap_tables(decisions, others)
    tables = {
        "grades": bands,
        "ks": ks_points(on_test.bad, on_test.pd),
        "cap": cap_points(on_test.bad, on_test.pd),
        "gains": gains_table(samples),
        "strategy": strategy,
        "sensitivity": sensitivity_table(samples, threshold, decision, on_oof),
        "folds": fold_table(oof, on_oof, threshold),
        "swap": swapped,
    }
    metrics = {
        "hosmer_lemeshow": {
            # The bands, and the calibration of the PDs, were learned from the training rows.
            name: hosmer_lemeshow(bands[bands["sample"] == name], fitted=name == OUT_OF_FOLD)
            for name in SAMPLES
        },
        "approved": {name: _approved(in_use(strategy, name)) for name in SAMPLES},
        "swap": compared,
    }
    return Validation(tables, metrics)


def _approved(line: Mapping[str, Any]) -> dict[str, Any]:
    names = ("rows", "approved", "referred", "bad_approved", "bad_rate_approved",
             "bad_rate_approved_low", "bad_rate_approved_high")  # fmt: skip
    return {name: line[name] for name in names}

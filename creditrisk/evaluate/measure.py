"""Measure the champion on the test rows and compare this with its CV and training metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.champion.calibration import brier_parts, slope_and_intercept
from creditrisk.champion.description import ChampionDescription
from creditrisk.champion.grades import GradesParams
from creditrisk.champion.groups import FairnessParams
from creditrisk.champion.predict import Predictor
from creditrisk.champion.referral import columns_of, model_columns
from creditrisk.core.jsonable import to_jsonable
from creditrisk.evaluate.curves import curves
from creditrisk.evaluate.fairness import GroupSample, fairness, out_of_fold_frame
from creditrisk.evaluate.fairness_cutoffs import fairness_cutoffs
from creditrisk.evaluate.importance import (
    affordable,
    shuffled_variables,
    started_importance,
)
from creditrisk.evaluate.left_out import left_out_table
from creditrisk.evaluate.refused import refused_table
from creditrisk.evaluate.samples import count_decisions, decisions_frame, out_of_fold, predicted
from creditrisk.evaluate.stability import rows_from, stability_summary, stability_table
from creditrisk.evaluate.validation import first_repeat, validate
from creditrisk.metrics.costs import DecisionParams, Sample, decide, expected_cost
from creditrisk.metrics.intervals import bootstrap_intervals, stratified_draws
from creditrisk.metrics.leakage import leakage_warning
from creditrisk.metrics.performance import NAMES, compute_metrics
from creditrisk.modeling.fits import checked_fits
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.sample import search_sample
from creditrisk.score.refused import Refused

BOOTSTRAP_DRAWS = 1000


@dataclass(frozen=True)
class Evaluation:
    """All that evaluate finds out about the champion.

    Attributes:
        metrics: the content of metrics/evaluate.json, rounded as in the file.
        tables: the frames that become plots/NAME.csv.
        predictions: `bad` and `pd` of the test rows.
        decisions: the decisions on the test rows, see `decisions_frame`.
        warning: suspected target leakage, or an AUC below 0.5; None if there is neither.
    """

    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    predictions: pd.DataFrame
    decisions: pd.DataFrame
    warning: str | None


def evaluate_champion(
    model: BaseEstimator,
    champion: ChampionDescription,
    train: pd.DataFrame,
    test: pd.DataFrame,
    oof: pd.DataFrame,
    decision: DecisionParams,
    groups: FairnessParams,
    folds: int,
    seed: int,
    importance_rows: int,
    grades: GradesParams,
    start: str | None = None,
    others: Mapping[str, pd.DataFrame | None] = MappingProxyType({}),
    refused: Refused | None = None,
) -> Evaluation:
    """Evaluate the champion.

    Args:
        model: the champion.
        champion: its description.
        train: the training rows: `row_id`, `applicant`, `bad`, the features and original values.
        test: the test rows, with the same columns.
        oof: the champion's out-of-fold PDs.
        decision: what the two errors cost.
        groups: the columns by which decisions are compared.
        folds: number of folds for the importance of variables.
        seed: random seed of the bootstrap, the folds and the shuffles.
        importance_rows: with more training rows, or if it would cost more than `affordable`, the
            importance of variables is measured on a stratified sample of so many.
        grades: how the rating grades are made.
        start: first day of the test rows of a split by time; None for another split.
        others: `former` and `scorecard` to their decisions about test rows (`row_id`, `bad`,
            `decision`), or None.
        refused: refused applicants without outcomes; None if there are none.
    """
    features, threshold = champion.columns, champion.threshold
    predictor = Predictor(model)
    on_train, on_test = (predicted(predictor, part, champion, decision) for part in (train, test))
    on_oof = out_of_fold(oof, train, champion, decision)
    rows = min(importance_rows, len(train))
    most, shuffles = affordable(len(shuffled_variables(features)), rows)
    some = search_sample(train, most, seed)
    cut = make_folds(some["bad"].to_numpy(), some["applicant"].to_numpy(), folds, 1, seed)
    with (
        checked_fits(some[features], "model"),
        started_importance(model, some, features, cut, seed, shuffles) as importance,
    ):
        tables = curves(on_test, on_oof, threshold, seed)
        rules = champion.referral
        tables["left_out"] = left_out_table(
            train,
            test,
            columns_of(test, features, rules.derived),
            model_columns(test, features),
            decide(on_test.pd, threshold, on_test.referred),
            rules,
            threshold,
            predictor.pd,
        )
        schema, once = champion.schema_contract, on_oof.take(first_repeat(oof))
        of_oof = GroupSample(out_of_fold_frame(oof, train), on_oof)
        tables["fairness"] = fairness(of_oof, GroupSample(test, on_test), threshold, groups, schema)
        tables["fairness_cutoffs"] = fairness_cutoffs(
            of_oof, tables["fairness"], threshold, groups, schema
        )
        decisions = decisions_frame(test, on_test, champion)
        checked = validate(oof, on_oof, on_test, threshold, decision, grades, decisions, others)
        tables |= checked.tables
        tables["refused"] = refused_table(refused, train, once, on_test, test, champion, decision)
        late = rows_from(test, start)
        on_late = on_test.take(late)
        tables["stability"] = stability_table(train, test.iloc[late], features, on_oof, on_late)
        metrics: dict[str, Any] = {"algorithm": champion.algorithm}
        intervals = metric_intervals(on_test, threshold, seed)
        metrics |= measure_champion(on_test, on_train, champion.metrics.cv, threshold, intervals)
        metrics["stability"] = stability_summary(
            tables["stability"], champion.metrics.cv, on_train, on_late
        )
        metrics["importance_rows"] = len(some)
        metrics |= checked.metrics
        tables["importance"] = importance()
    # Rounded as in the JSON file, so that the pages show the same digits.
    metrics = to_jsonable(metrics)
    return Evaluation(
        metrics=metrics,
        tables=tables,
        predictions=pd.DataFrame({"bad": on_test.bad, "pd": on_test.pd}),
        decisions=decisions,
        warning=leakage_warning(metrics["test"]["roc_auc"], train, features, "the test"),
    )


def metric_intervals(test: Sample, threshold: float, seed: int) -> dict[str, list[float]]:
    """Compute the 95% interval of each metric, from a stratified bootstrap.

    Args:
        test: outcomes, PDs and costs of the test rows.
        threshold: the cut-off.
        seed: random seed of the draws.
    """
    draws = stratified_draws(test.bad, BOOTSTRAP_DRAWS, seed)
    return bootstrap_intervals(lambda rows: compute_metrics(test.take(rows), threshold), draws)


def measure_champion(
    test: Sample,
    train: Sample,
    cv: dict[str, Any],
    threshold: float,
    intervals: dict[str, list[float]],
) -> dict[str, Any]:
    """Measure the PDs on the test and training rows.

    Args:
        test: outcomes, PDs and costs of the test rows.
        train: outcomes, PDs and costs of the training rows.
        cv: the champion's mean of each metric over the CV folds.
        threshold: the cut-off, which select chose.
        intervals: from `metric_intervals`, of the test rows.

    Returns:
        `threshold`; `test` (with `ci`, the intervals), `train`, `cv`, `gap` (train minus test);
        `calibration`, `baselines` and `decisions` (see `count_decisions`) on the test rows.
    """
    bad, pds = test.bad, test.pd
    everybody = Sample(bad, pds, test.costs)  # a baseline refers nobody
    baselines = {
        "accept_all": expected_cost(everybody, np.inf),
        "reject_all": expected_cost(everybody, -np.inf),
    }
    on_test: dict[str, Any] = dict(compute_metrics(test, threshold))
    on_train = compute_metrics(train, threshold)
    gap = {name: on_train[name] - on_test[name] for name in NAMES}
    on_test["ci"] = intervals
    return {
        "threshold": threshold,
        "test": on_test,
        "train": on_train,
        "cv": cv,
        "gap": gap,
        "calibration": slope_and_intercept(bad, pds)
        | {"mean_pd": float(pds.mean()), "bad_rate": float(bad.mean())}
        | {"brier_parts": brier_parts(bad, pds)},
        "baselines": baselines
        | {
            "champion": on_test["expected_cost"],
            "saved": min(baselines.values()) - on_test["expected_cost"],
            "approval_rate": float(np.mean(test.accepted(threshold))),
        },
        "decisions": count_decisions(test, threshold),
    }

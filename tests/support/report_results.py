"""A run's results for the report, made by the stages' own functions from simulated PDs."""

import re
from dataclasses import replace
from functools import cache, partial
from html import unescape
from unittest.mock import patch

import numpy as np
import pandas as pd
from scipy.special import expit

from creditrisk.champion.calibration import calibration_curves
from creditrisk.champion.description import ChampionDescription
from creditrisk.champion.grades import GradesParams
from creditrisk.champion.groups import FairnessParams
from creditrisk.evaluate.curves import curves
from creditrisk.evaluate.fairness import GroupSample, fairness
from creditrisk.evaluate.fairness_cutoffs import fairness_cutoffs
from creditrisk.evaluate.left_out import COLUMNS as LEFT_OUT
from creditrisk.evaluate.measure import measure_champion, metric_intervals
from creditrisk.evaluate.refused import refused_table
from creditrisk.evaluate.stability import SCORE, stability_summary
from creditrisk.evaluate.validation import validate
from creditrisk.metrics.costs import DecisionParams, Sample, decide
from creditrisk.metrics.performance import NAMES, compute_fold_metrics
from creditrisk.report.data import ReportData
from creditrisk.report.words import load_words
from creditrisk.select.leaderboard import compare, leaderboard
from tests.support.contenders import contender, cv_of_folds

EVIL = '<img src=x onerror="document.title=1"></script>'
MATRIX = DecisionParams(cost_bad_accepted=5, cost_good_rejected=1, threshold="theory")
AMOUNTS = DecisionParams(
    cost_bad_accepted=5, cost_good_rejected=1, threshold="oof",
    amount_column="amount", loss_given_default=0.6, margin=0.1,
)  # fmt: skip


def applicants(rows, seed, noise=1.0):
    rng = np.random.default_rng(seed)
    risk = rng.normal(-1, 2.5, rows)
    bad = (rng.random(rows) < expit(risk)).astype(int)
    bad[:2] = 0, 1
    pds = expit(risk + noise * rng.normal(size=rows))
    status = np.where(rng.random(rows) < 0.7, "1", "2")
    amount = rng.uniform(500, 9000, rows)
    return pd.DataFrame(
        {"row_id": np.arange(rows), "bad": bad, "pd": pds, "amount": amount, "status": status}
    )


def out_of_fold(noise):
    rows = applicants(300, 1, noise)
    return pd.concat(rows.assign(repeat=repeat, fold=np.arange(300) % 5) for repeat in (0, 1))


@cache
def inputs(rows=120, amounts=False, names=("amount", "status"), candidates=("lr", "rf")):
    """A run's results, made by the stages' own functions from simulated PDs."""
    decision = AMOUNTS if amounts else MATRIX
    oofs = {name: out_of_fold(0.5 + k) for k, name in enumerate(candidates)}
    folds = {
        n: compute_fold_metrics(o, decision.break_even, decision.costs(o)) for n, o in oofs.items()
    }
    threshold = decision.break_even
    cvs = {name: cv_of_folds(scores, threshold) for name, scores in folds.items()}
    board = leaderboard([contender(name, cv) for name, cv in cvs.items()], "roc_auc")
    best = board["algorithm"][0]
    test, train, oof = applicants(rows, 2, 0.3), applicants(300, 1, 0.1), oofs[best]
    # One in twenty is left to a person, whatever the PD.
    on_test, on_train, unseen = (
        Sample(
            f["bad"].to_numpy(),
            f["pd"].to_numpy(),
            decision.costs(f),
            f["row_id"].to_numpy() % 20 == 7,
        )
        for f in (test, train, oof)
    )
    # The intervals by bootstrap take seconds each time, so there are few draws.
    with patch(
        "creditrisk.evaluate.curves.calibration_curves", partial(calibration_curves, draws=5)
    ):
        frames = curves(on_test, unseen, threshold, 3)
    frames["importance"] = pd.DataFrame(
        {
            "feature": [*names, "burden"],
            "importance": [0.1, 0.02, -0.001],
            "se": [0.02, 0.01, 0.003],
            "low": [0.06, 0.0, -0.007],
            "high": [0.14, 0.04, 0.005],
        }
    )
    selected = {
        "algorithm": best, "model": "auto", "rule": "best", "scoring": "roc_auc",
        "rows": {"train": 800, "search": 800, "fit": 800},
        "cv": cvs[best].mean, "cv_se": cvs[best].se, "threshold": threshold,
    }  # fmt: skip
    with patch("creditrisk.evaluate.measure.BOOTSTRAP_DRAWS", 30):
        intervals = metric_intervals(on_test, threshold, 3)
        metrics = {"algorithm": best} | measure_champion(
            on_test, on_train, selected["cv"], threshold, intervals
        )
    frames["stability"] = pd.DataFrame({"variable": [SCORE, *names], "psi": [0.02, 0.3, 0.01]})
    metrics["importance_rows"] = len(train) - 1  # a sample, which the report must say
    metrics["stability"] = stability_summary(frames["stability"], selected["cv"], on_train, on_test)
    if len(candidates) > 1:
        pair = board["algorithm"].to_list()
        gaps = compare(oofs[pair[0]], oofs[pair[1]], "roc_auc")
        selected["two_best"] = {"first": pair[0], "second": pair[1]} | gaps
    nested = {name: value * 0.97 for name, value in selected["cv"].items()}
    selected["nested"] = {
        "mean": nested, "se": selected["cv_se"], "chosen": [best, best, candidates[-1]],
        "calibration": metrics["calibration"],
    }  # fmt: skip
    selected["optimism"] = {n: 0.03 * selected["cv"][n] for n in NAMES}
    schema = {
        "name": "some_data",
        "target": {"column": "y", "good": ["1"], "bad": ["0"]},
        "columns": {
            "a": {"name": names[0], "kind": "numeric", "unit": ["EUR"]},
            "s": {"name": names[1], "kind": "nominal", "levels": {"1": f"no {names[1]}", "2": "b"}},
        },
    }
    champion = ChampionDescription(
        algorithm=best, label=f"{best} in words", params={"C": 0.1, "encoder": "woe"},
        calibration="none", threshold=threshold, schema=schema, training_rows=300,
        scorecard={"base_points": 600, "base_odds": 50, "pdo": 20},
        metrics={"cv": selected["cv"], "cv_se": selected["cv_se"]},
        features={
            "numeric": [names[0], "burden"], "nominal": [names[1]], "ordinal": [],
            "derived": {"burden": {"op": "ratio", "of": list(names)}},
        },
        referral={
            "required": [], "missing": list(names), "most_missing": 0,
            "levels": {names[1]: ["1", "2"]}, "ranges": {}, "band": None, "gain": {},
            "derived": {"burden": {"op": "ratio", "of": list(names)}},
        },
        usual={},
        adjustments={"caps": {names[0]: {"low": None, "high": 7.5}}, "merges": {}},
        baseline={}, self_check={"rows": {}, "pds": []}, created_by={"python": "3.11"},
        data_sha256="d" * 64, model_sha256="e" * 64,
    )  # fmt: skip
    groups = FairnessParams.model_validate({names[0]: {"bins": [2000]}, names[1]: "levels"})
    renamed = [f.rename(columns=dict(zip(("amount", "status"), names, strict=True)))
               for f in (oof, test)]  # fmt: skip
    on_folds, on_rows = (
        GroupSample(f, sample) for f, sample in zip(renamed, (unseen, on_test), strict=True)
    )
    frames["left_out"] = pd.DataFrame(
        [(names[0], 0.25, 60, 12, 5), (names[1], 0.01, 70, 0, 0)], columns=LEFT_OUT
    )
    frames["refused"] = refused_table(None, train, unseen, on_test, test, champion, decision)
    now = test[["row_id", "bad"]].assign(decision=decide(on_test.pd, threshold, on_test.referred))
    checked = validate(
        oof, unseen, on_test, threshold, decision, GradesParams(), now,
        {"former": None, "scorecard": now},
    )  # fmt: skip
    frames |= checked.tables
    metrics |= checked.metrics
    contract = champion.schema_contract
    frames["fairness"] = fairness(on_folds, on_rows, threshold, groups, contract)
    frames["fairness_cutoffs"] = fairness_cutoffs(
        on_folds, frames["fairness"], threshold, groups, contract
    )
    counts = ("valid", "empty", "null_word", "unparseable", "out_of_domain")
    prepared = {
        "rows_read": 440, "rows_clean": 420, "rows_rejected": 20, "bad_rate": 0.3,
        "rejected": {"malformed": 3, "invalid_target": 4, "duplicate": 6, "near_duplicate": 7},
        "split": {
            name: {"rows": len(f), "bad": int(f["bad"].sum())}
            for name, f in (("train", train), ("test", test))
        },
        "cells": {
            names[0]: dict(zip(counts, (430, 5, 0, 2, 0), strict=True)),
            names[1]: dict(zip(counts, (400, 30, 7, 0, 0), strict=True)),
        },
        "missing": {names[0]: 7, names[1]: 30}, "merged_cells": 2,
        "twins": {"duplicates": 6, "near_duplicates": 7, "ambiguous": 0, "conflicting_targets": 1},
        "columns_ignored": [f"{names[0]} too"], "equal_rows": {"together": 4, "by_chance": 0},
        "special": {}, "split_by": {"by": "random"},
    }  # fmt: skip
    ingested = {"blank_lines": 1}
    return ReportData(
        metrics, selected, prepared, ingested, champion, board, frames, decision
    ), oofs


def in_language(given, language):
    return replace(given, words=load_words(language))


def words_of(html):
    """The page's text, tags taken out."""
    body = re.sub(r"<script.*?</script>", " ", html[html.index("<body>") :], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

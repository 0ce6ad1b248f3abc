"""Calibration: from out-of-fold scores only, by the method of the least log loss."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.svm import SVC

from creditrisk.champion.calibration import slope_and_intercept
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.persistence import dump_model
from creditrisk.train.calibrate import (
    METHODS,
    choose_calibration,
    cross_calibrate,
    raw_scores,
)
from creditrisk.train.out_of_fold import out_of_fold
from tests.support import champions
from tests.support.calibrated import fit_calibrated

pytestmark = pytest.mark.slow


def scored(rows=600, stretch=1.0, repeats=2, folds=3, seed=0):
    """Out-of-fold scores whose true log-odds are `score / stretch`."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-0.8, 1.2, rows)
    bad = (rng.random(rows) < expit(truth)).astype(int)
    cut = make_folds(bad, np.arange(rows), folds, repeats, seed)
    parts = [
        pd.DataFrame(
            {
                "position": fold.test,
                "repeat": fold.repeat,
                "fold": fold.fold,
                "bad": bad[fold.test],
                "score": stretch * truth[fold.test],
                "probability": expit(stretch * truth[fold.test]),
            }
        )
        for fold in cut
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("method", METHODS)
def test_pds_of_a_fold_hang_on_no_outcome_of_that_fold(method):
    oof = scored()
    here = ((oof["repeat"] == 1) & (oof["fold"] == 2)).to_numpy()
    other = oof.assign(bad=np.where(here, 1 - oof["bad"], oof["bad"]))
    before, after = cross_calibrate(method, oof), cross_calibrate(method, other)
    assert np.array_equal(before[here], after[here])
    # They do hang on the outcomes of the other folds of the repeat, and of no other repeat.
    neighbours = (oof["repeat"] == 1).to_numpy() & ~here
    assert not np.allclose(before[neighbours], after[neighbours])
    first = (oof["repeat"] == 0).to_numpy()
    assert np.array_equal(before[first], after[first])


@pytest.mark.parametrize("stretch", [0.4, 3.0])
def test_platt_brings_the_slope_of_miscalibrated_scores_to_one(stretch):
    oof = scored(rows=3000, stretch=stretch, repeats=1)
    bad = oof["bad"].to_numpy()
    raw = slope_and_intercept(bad, oof["probability"].to_numpy())["slope"]
    assert not raw["ci"][0] <= 1 <= raw["ci"][1]
    fixed = slope_and_intercept(bad, cross_calibrate("platt", oof))["slope"]
    assert fixed["value"] == pytest.approx(1, abs=0.1)
    assert fixed["ci"][0] <= 1 <= fixed["ci"][1]


def test_no_calibration_leaves_the_probabilities():
    oof = scored()
    assert np.array_equal(cross_calibrate("none", oof), oof["probability"])


@pytest.mark.parametrize("stretch", [1.0, 3.0])
def test_auto_takes_the_method_of_the_least_out_of_fold_log_loss(stretch):
    oof = scored(rows=1500, stretch=stretch)
    losses = {m: log_loss(oof["bad"], cross_calibrate(m, oof)) for m in ("none", *METHODS)}
    chosen = choose_calibration("auto", oof)
    assert chosen == min(losses, key=losses.get)
    # True log-odds need no calibrator; those stretched threefold do.
    assert chosen == ("none" if stretch == 1.0 else "platt")


def test_auto_takes_isotonic_where_the_truth_has_steps():
    oof = scored(rows=6000, repeats=1)
    rng = np.random.default_rng(1)
    steps = np.select([oof["score"] > 0.2, oof["score"] > -0.8], [0.95, 0.5], 0.02)
    oof = oof.assign(bad=(rng.random(len(oof)) < steps).astype(int))
    assert choose_calibration("auto", oof) == "isotonic"


@pytest.mark.parametrize("rule", ["auto", "none", "platt", "isotonic"])
def test_model_without_probabilities_is_always_calibrated(rule):
    oof = scored().assign(probability=np.nan)
    chosen = choose_calibration(rule, oof)
    assert chosen in METHODS
    assert chosen == (rule if rule in METHODS else chosen)


def test_fixed_rule_is_followed_where_there_are_probabilities():
    oof = scored()
    assert [choose_calibration(r, oof) for r in ("none", "platt", "isotonic")] == [
        "none",
        "platt",
        "isotonic",
    ]


@pytest.mark.parametrize("rule", ["auto", "none", "platt", "isotonic"])
@pytest.mark.parametrize("probabilities", [True, False])
def test_a_model_that_ranks_the_wrong_way_round_is_not_turned(rule, probabilities):
    oof = scored()
    oof = oof.assign(
        score=-oof["score"], probability=1 - oof["probability"] if probabilities else np.nan
    )
    chosen = choose_calibration(rule, oof)
    assert chosen == (rule if rule == "isotonic" or (rule == "none" and probabilities) else chosen)
    pds = pd.Series(cross_calibrate(chosen, oof))
    for _, part in pds.groupby([oof["repeat"], oof["fold"]]):
        by_score = part[oof.loc[part.index, "score"].sort_values().index]
        assert by_score.is_monotonic_increasing
    # One repeat of two is enough.
    mixed = scored().assign(score=lambda f: f["score"].where(f["repeat"] == 0, -f["score"]))
    assert choose_calibration("platt", mixed) != "platt"


def sample(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 3)), columns=list("abc"))
    bad = (rng.random(rows) < expit(frame["a"] - 0.5)).astype(int).to_numpy()
    return frame, bad, make_folds(bad, np.arange(rows), 4, 2, seed)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", [LogisticRegression(), SVC(random_state=0)], ids=["lr", "svc"])
def test_final_model_is_scikit_learns_own_on_the_first_repeats_folds(model, method):
    frame, bad, folds = sample()
    oof, _ = out_of_fold(model, frame, bad, folds)
    fitted = fit_calibrated(model, method, frame, bad, oof)
    assert type(fitted) is CalibratedClassifierCV
    assert fitted.cv is None  # the folds would carry the training rows' positions
    first = [(fold.train, fold.test) for fold in folds if fold.repeat == 0]
    own = CalibratedClassifierCV(model, method=METHODS[method], cv=first, ensemble=False)
    own.fit(frame, bad)
    assert np.array_equal(fitted.predict_proba(frame), own.predict_proba(frame))


def test_final_models_calibrator_is_the_one_learned_from_the_out_of_fold_scores():
    frame, bad, folds = sample()
    known, _ = out_of_fold(SVC(random_state=0), frame, bad, folds)
    fitted = fit_calibrated(SVC(random_state=0), "platt", frame, bad, known)
    scores = np.empty(len(bad))
    for fold in folds[:4]:
        part = SVC(random_state=0).fit(frame.iloc[fold.train], bad[fold.train])
        scores[fold.test] = part.decision_function(frame.iloc[fold.test])
    oof = pd.DataFrame({"repeat": 0, "fold": 0, "bad": bad, "score": scores, "probability": np.nan})
    # A fold of its own behind them: its PDs come from the calibrator of all the others.
    new, _ = raw_scores(SVC(random_state=0).fit(frame, bad), frame)
    behind = oof.assign(fold=1, score=new)
    both = cross_calibrate("platt", pd.concat([oof, behind], ignore_index=True))
    assert both[len(bad) :] == pytest.approx(fitted.predict_proba(frame)[:, 1])


@pytest.mark.parametrize("resample", ["none", "random_over"])
@pytest.mark.parametrize("method", ["none", "platt"])
def test_only_a_model_that_resamples_needs_imbalanced_learn_to_be_loaded(resample, method):
    train, columns = champions.part("train"), champions.columns()
    candidate = {"encoder": "onehot", "resample": resample}
    blank, bad = champions.pipeline("lr", candidate, champions.rows()[1]), train["bad"].to_numpy()
    folds = make_folds(bad, np.arange(len(bad)), 3, 1, 0)
    oof, _ = out_of_fold(blank, train[columns], bad, folds)
    fitted = fit_calibrated(blank, method, train[columns], bad, oof)
    assert (b"imblearn" in dump_model(fitted)) == (resample == "random_over")
    bare = fitted if method == "none" else fitted.calibrated_classifiers_[0].estimator
    again = clone(bare).fit(train[columns], bad)
    assert (again.predict_proba(train) == bare.predict_proba(train)).all()


def test_uncalibrated_final_model_is_the_model_itself():
    frame, bad, folds = sample()
    oof, _ = out_of_fold(LogisticRegression(C=0.1), frame, bad, folds)
    fitted = fit_calibrated(LogisticRegression(C=0.1), "none", frame, bad, oof)
    own = LogisticRegression(C=0.1).fit(frame, bad)
    assert type(fitted) is LogisticRegression
    assert np.array_equal(fitted.coef_, own.coef_)


def test_scores_are_the_decision_function_where_there_is_one():
    frame, bad, _ = sample()
    score, probability = raw_scores(SVC(random_state=0).fit(frame, bad), frame)
    assert np.isnan(probability).all()
    assert (score < 0).any()
    score, probability = raw_scores(LogisticRegression().fit(frame, bad), frame)
    assert expit(score) == pytest.approx(probability)

"""The choice of the champion, and the estimate of what the whole choice is worth."""

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.referral import ReferralRules
from creditrisk.core.errors import InputError
from creditrisk.metrics.costs import DecisionParams
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import NAMES, compute_fold_metrics
from creditrisk.select.contenders import cv_metrics
from creditrisk.select.leaderboard import choose, compare, leaderboard
from creditrisk.select.nested import nested_estimate, optimism
from creditrisk.select.summary import cv_fold_scores
from creditrisk.select.terms import Terms
from tests.support.contenders import contender, cv_of_score

DECISION = DecisionParams(cost_bad_accepted=5, cost_good_rejected=1, threshold="theory")
SIMPLICITY = {"lr": 1, "rf": 5}


def predictions(noise, rows=200, folds=4, seed=0):
    """Out-of-fold PDs of the same rows, the worse the noisier."""
    rng = np.random.default_rng(seed)
    bad = np.arange(rows) % 3 == 0
    fold = (np.arange(rows) // 3) % folds
    pds = 0.3 + 0.2 * bad + rng.normal(0, 0.1, rows)
    pds += np.random.default_rng(1 + int(noise * 1000)).normal(0, noise, rows)
    return pd.DataFrame(
        {
            "row_id": np.arange(1, rows + 1),
            "repeat": 0,
            "fold": fold,
            "bad": bad.astype(int),
            "pd": np.clip(pds, 0.01, 0.99),
        }
    )


def board_of(scores, simplicity=SIMPLICITY, scoring="roc_auc"):
    contenders = [
        contender(name, cv_of_score(score), simplicity[name]) for name, score in scores.items()
    ]
    return leaderboard(contenders, scoring)


def test_leaderboard_ranks_by_score_and_the_simpler_first_between_equals():
    board = board_of({"rf": 0.8, "lr": 0.8, "dt": 0.9}, {"rf": 5, "lr": 1, "dt": 2})
    assert board["algorithm"].tolist() == ["dt", "lr", "rf"]
    assert board["rank"].tolist() == [1, 2, 3]


def test_less_is_better_for_a_loss():
    board = board_of({"lr": 0.17, "rf": 0.16}, scoring="neg_brier_score")
    assert board["algorithm"].tolist() == ["rf", "lr"]


def test_named_model_is_taken_and_an_unknown_one_refused():
    board = board_of({"rf": 0.8, "lr": 0.7})
    assert choose(board, {}, "lr", "best", "roc_auc") == "lr"
    assert choose(board, {}, "auto", "best", "roc_auc") == "rf"
    with pytest.raises(InputError, match="model: unknown algorithm 'lrr'"):
        choose(board, {}, "lrr", "best", "roc_auc")


def test_one_standard_error_takes_the_simplest_that_is_close_and_no_other():
    board = board_of({"rf": 0.8, "lr": 0.7})
    near = {"rf": predictions(0.0), "lr": predictions(0.001)}
    far = {"rf": predictions(0.0), "lr": predictions(0.5)}
    assert choose(board, near, "auto", "one_standard_error", "roc_auc") == "lr"
    assert choose(board, far, "auto", "one_standard_error", "roc_auc") == "rf"


def test_an_ensemble_gives_way_only_to_a_single_model_that_is_clearly_better():
    ranks = {"rf": 5, "vote": 8, "lr": 1}
    board = board_of({"rf": 0.8, "vote": 0.79, "lr": 0.7}, ranks)
    for noise, winner in ((0.001, "vote"), (0.5, "rf")):
        oofs = {"rf": predictions(0.0), "vote": predictions(noise), "lr": predictions(0.9)}
        assert choose(board, oofs, "auto", "best", "roc_auc", ["vote"]) == winner
        assert choose(board, oofs, "auto", "best", "roc_auc") == "rf"
    first = board_of({"vote": 0.8, "rf": 0.79}, ranks)
    oofs = {"rf": predictions(0.5), "vote": predictions(0.0)}
    assert choose(first, oofs, "auto", "best", "roc_auc", ["vote"]) == "vote"


def test_comparison_is_paired():
    good, poor = predictions(0.0), predictions(0.5)
    found = compare(good, poor, "roc_auc")
    assert found["difference"] > 0
    assert found["more_than_luck"]
    assert compare(good, good, "roc_auc") == {
        "difference": 0.0, "se": 0.0, "more_than_luck": False,
    }  # fmt: skip


def nested(noise_inside, noise_outside, outer=3):
    parts = []
    for number in range(outer):
        inner = predictions(noise_inside, seed=number).assign(role="inner", outer=number)
        unseen = predictions(noise_outside, seed=50 + number).assign(role="outer", outer=number)
        parts += [inner, unseen]
    return pd.concat(parts, ignore_index=True)


FRAME = pd.DataFrame({"row_id": np.arange(1, 201)})


NOBODY = ReferralRules(
    required=[], missing=[], most_missing=None, levels={}, ranges={}, band=None, gain={}, derived={}
)


def terms(lacking=None, **decision):
    """The terms of 200 training rows, of which some may be referred by what they lack."""
    lacking = np.zeros(len(FRAME), dtype=bool) if lacking is None else lacking
    params = DecisionParams(**DECISION.model_dump() | decision)
    return Terms(FRAME, params, NOBODY, lacking)


def estimate(parts, under=None, **kwargs):
    return nested_estimate(parts, under or terms(), "roc_auc", **kwargs)


def test_a_referral_costs_its_work_in_folds_and_nested_alike():
    oof = predictions(0.3, seed=1)
    whole = cv_metrics(oof, terms())
    half = FRAME["row_id"].to_numpy() % 2 == 0
    some = cv_metrics(oof, terms(half, cost_referred=0.5))
    every = cv_metrics(oof, terms(np.ones(len(FRAME), dtype=bool), cost_referred=0.5))
    assert every.mean["expected_cost"] == pytest.approx(0.5)
    assert every.mean["recall"] == 0
    assert every.mean["roc_auc"] == some.mean["roc_auc"] == whole.mean["roc_auc"]
    rows = oof[~half[oof["row_id"] - 1]]
    refused = rows["pd"] >= whole.threshold
    lost = np.where(rows["bad"] == 1, ~refused * DECISION.cost_bad_accepted, 0)
    missed = np.where(rows["bad"] == 0, refused * DECISION.cost_good_rejected, 0)
    total = (lost + missed).sum() + 0.5 * (len(oof) - len(rows))
    # The folds are nearly of one size, so the mean of their costs is nearly that of all rows.
    assert some.mean["expected_cost"] == pytest.approx(total / len(oof), rel=0.02)
    parts = {"lr": nested(0.0, 0.6)}
    dear = estimate(parts, terms(np.ones(len(FRAME), dtype=bool), cost_referred=0.7))
    assert dear["mean"]["expected_cost"] == pytest.approx(0.7)


def test_a_band_refers_pds_around_the_cut_off():
    oof = predictions(0.3, seed=1)
    under = terms(refer={"band": 0.1}, cost_referred=0.3)
    sample = under.sample(oof)
    cut = under.cut_off(sample)
    referred = ~under.with_band(sample, cut).decided
    near = (oof["pd"] >= round(cut - 0.1, 10)) & (oof["pd"] < round(cut + 0.1, 10))
    assert referred.tolist() == near.tolist()
    assert 0 < referred.sum() < len(oof)
    costs = (
        cv_metrics(oof, under).mean["expected_cost"],
        cv_metrics(oof, terms()).mean["expected_cost"],
    )
    assert costs[0] != costs[1]


def test_nested_choice_goes_by_the_inner_folds_alone():
    # lr looks best inside and is poor outside: the estimate must say so.
    parts = {"lr": nested(0.0, 0.6), "rf": nested(0.3, 0.0)}
    found = estimate(parts)
    alone = {name: estimate({name: part}) for name, part in parts.items()}
    assert found["chosen"] == ["lr"] * 3
    assert found["mean"] == alone["lr"]["mean"]
    assert found["mean"]["roc_auc"] < alone["rf"]["mean"]["roc_auc"] - 0.1


def test_nested_choice_follows_the_rule_of_the_real_one():
    parts = {"rf": nested(0.0, 0.0), "lr": nested(0.01, 0.0)}
    best = estimate(parts, rule="best", simplicity=SIMPLICITY)
    simple = estimate(parts, rule="one_standard_error", simplicity=SIMPLICITY)
    expected = []
    for number in range(3):
        rf, lr = (
            p[(p["outer"] == number) & (p["role"] == "inner")] for p in (parts["rf"], parts["lr"])
        )
        gap = compare(rf, lr, "roc_auc")
        expected.append("lr" if gap["difference"] <= gap["se"] else "rf")
    assert simple["chosen"] == expected
    assert "lr" in expected
    assert best["chosen"].count("rf") > expected.count("rf")


def test_nested_choice_takes_the_simpler_of_equals_as_the_leaderboard_does():
    part = nested(0.0, 0.0)
    equal = {"rf": part, "lr": part}
    assert estimate(equal, rule="best", simplicity=SIMPLICITY)["chosen"] == ["lr"] * 3


def test_nested_error_is_that_of_its_outer_folds():
    part = nested(0.1, 0.1)
    found = estimate({"lr": part})
    outer = part[part["role"] == "outer"]
    costs = [
        np.where(p["bad"] == 1, 5 * (p["pd"] < 1 / 6), p["pd"] >= 1 / 6).mean()
        for _, p in outer.groupby("outer")
    ]
    assert found["mean"]["expected_cost"] == pytest.approx(np.mean(costs))
    assert found["se"]["expected_cost"] == pytest.approx(fold_error(np.array(costs), 3))
    assert found["calibration"]["mean_pd"] == pytest.approx(outer["pd"].mean())


def test_optimism_is_positive_where_plain_cv_looks_better():
    cv, inside = dict.fromkeys(NAMES, 0.5), dict.fromkeys(NAMES, 0.4)
    found = optimism(cv, inside)
    assert found["roc_auc"] == pytest.approx(0.1)
    assert found["brier"] == found["log_loss"] == found["expected_cost"] == pytest.approx(-0.1)


def test_the_folds_keep_what_a_review_compares():
    """Scores by fold, and beside them AUC, Brier score and cost as the leaderboard has them."""
    oof = predictions(0.1)
    by_fold = compute_fold_metrics(oof, None).assign(expected_cost=[0.4, 0.5, 0.6, 0.7])
    kept = cv_fold_scores(oof, "neg_brier_score", by_fold.to_dict("list"))
    assert list(kept["metrics"]) == ["roc_auc", "brier", "expected_cost"]
    assert kept["metrics"]["expected_cost"] == [0.4, 0.5, 0.6, 0.7]
    assert kept["scores"] == pytest.approx([-value for value in kept["metrics"]["brier"]])
    assert cv_fold_scores(oof, "roc_auc")["metrics"] == {}

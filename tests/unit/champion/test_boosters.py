"""XGBoost: the walk of few rows gives the library's own sums, or is not used."""

import numpy as np
import pytest
from scipy.special import expit
from xgboost import XGBClassifier

from creditrisk.champion.boosters import FEW_ROWS, Xgboost
from creditrisk.champion.trees import Walk

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(500, 6)).round(1)  # rounded, so that many numbers lie on thresholds
ROWS[RNG.random(ROWS.shape) < 0.2] = np.nan
BAD = (np.nan_to_num(ROWS[:, 0]) + RNG.logistic(size=500) > 0.7).astype(int)


def fitted(**params) -> XGBClassifier:
    return XGBClassifier(n_estimators=30, max_depth=4, n_jobs=1, **params).fit(ROWS, BAD)


def in_parts(head: Xgboost, size: int) -> np.ndarray:
    parts = [head.probability(ROWS.T[:, i : i + size]) for i in range(0, len(ROWS), size)]
    return np.concatenate(parts)


def margins(model: XGBClassifier) -> np.ndarray:
    return expit(model.predict(ROWS, output_margin=True).astype(np.float64))


@pytest.mark.parametrize(
    "params", [{}, {"base_score": 0.123}, {"num_parallel_tree": 3, "subsample": 0.5}]
)
def test_few_rows_get_the_bits_of_many(params):
    model = fitted(**params)
    head = Xgboost(model)
    assert head.walk is not None
    assert (head.probability(ROWS.T) == margins(model)).all()
    for size in (1, FEW_ROWS):
        assert (in_parts(head, size) == margins(model)).all()


def test_trees_after_the_best_one_do_not_count():
    model = XGBClassifier(n_estimators=200, max_depth=4, n_jobs=1, early_stopping_rounds=3)
    model.fit(ROWS[:300], BAD[:300], eval_set=[(ROWS[300:], BAD[300:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    head = Xgboost(model)
    assert head.walk is not None
    assert (in_parts(head, 1) == margins(model)).all()


def test_another_booster_and_another_mark_of_gaps_have_no_walk():
    for params in ({"booster": "dart", "rate_drop": 0.5}, {"missing": -1.0}):
        model = fitted(**params)
        head = Xgboost(model)
        assert head.walk is None
        assert (in_parts(head, 1) == margins(model)).all()


def test_a_walk_with_other_sums_is_not_used(monkeypatch):
    right = Walk.values
    monkeypatch.setattr(Walk, "values", lambda self, encoded: right(self, encoded) * (1 + 1e-6))
    assert Xgboost(fitted()).walk is None

"""Forests: few rows, which walk through all trees at once, come to the leaves of scikit-learn."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from creditrisk.champion import trees
from creditrisk.champion.trees import FEW_ROWS, FEW_TREES, STEPS, Trees

RNG = np.random.default_rng(2)
TREES = FEW_TREES + 5


def shares(fitted, encoded: np.ndarray) -> np.ndarray:
    """The mean over the trees, one after the other."""
    found = [tree.predict_proba(encoded.T.astype(np.float32))[:, 1] for tree in fitted.estimators_]
    return np.cumsum(found, axis=0)[-1] / len(found)


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("leaves", [None, 9])  # with a limit, children lie elsewhere
def test_few_rows_and_many_come_to_the_same_leaves(
    monkeypatch, kind, gaps: bool, leaves: int | None
):
    monkeypatch.setattr(trees, "WALKS", 1000)  # so few that the trees are walked in parts
    rows = RNG.normal(size=(400, 5))
    if gaps:
        rows[RNG.random(rows.shape) < 0.2] = np.nan
    bad = (np.nan_to_num(rows[:, 0]) + RNG.logistic(size=400) > 0.5).astype(int)
    fitted = kind(TREES, max_leaf_nodes=leaves, random_state=1).fit(rows, bad)
    head = Trees(fitted.estimators_)
    if leaves is None:
        assert max(tree.tree_.max_depth for tree in fitted.estimators_) > STEPS
    new = np.concatenate([rows, RNG.normal(size=(400, 5))]).T
    assert new.shape[1] > FEW_ROWS
    expected = shares(fitted, new)
    assert (head.probability(new) == expected).all()
    for size in (1, 3, FEW_ROWS):
        parts = [head.probability(new[:, i : i + size]) for i in range(0, 800, size)]
        assert (np.concatenate(parts) == expected).all()


def test_numbers_next_to_a_threshold_stay_on_their_side():
    """Between two neighbours in single precision, a threshold has double precision."""
    one = np.float32(64)
    near = np.array([one, np.nextafter(one, np.float32(65)), np.nextafter(one, np.float32(0))])
    rows = near[RNG.integers(0, 3, 200)][:, None]
    fitted = RandomForestClassifier(TREES, random_state=1).fit(rows, (rows[:, 0] >= 64).astype(int))
    thresholds = np.concatenate([tree.tree_.threshold for tree in fitted.estimators_])
    assert (thresholds.astype(np.float32) != thresholds).any()
    new = near[None, :].astype(np.float64)
    assert (Trees(fitted.estimators_).probability(new) == shares(fitted, new)).all()

"""Neighbours and support vectors give what scikit-learn gives, alone and in any batch."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from creditrisk.champion import distances
from creditrisk.champion.distances import Neighbours, SupportVectors

RNG = np.random.default_rng(5)
ROWS = RNG.normal(size=(300, 6))
BAD = (ROWS[:, 0] + RNG.logistic(size=300) > 0.7).astype(int)
NEW = RNG.normal(size=(50, 6)).T


def same_alone(work, encoded: np.ndarray) -> bool:
    together = work(encoded)
    alone = [work(encoded[:, [i]])[0] for i in range(encoded.shape[1])]
    return bool((together == np.array(alone)).all())


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
def test_the_decision_function_is_the_models_own(kernel: str, monkeypatch: pytest.MonkeyPatch):
    fitted = SVC(kernel=kernel, C=2.0).fit(ROWS, BAD)
    head = SupportVectors(fitted)
    assert head.tabled == (kernel == "rbf")
    assert head.score(NEW) == pytest.approx(fitted.decision_function(NEW.T), rel=1e-9, abs=1e-12)
    assert same_alone(head.score, NEW)
    whole = head.score(NEW)
    monkeypatch.setattr(distances, "DISTANCES", 7 * len(head.vectors))
    assert (head.score(NEW) == whole).all()


def test_a_decision_function_that_differs_is_not_used(monkeypatch: pytest.MonkeyPatch):
    fitted = SVC().fit(ROWS, BAD)
    own = SVC.decision_function
    monkeypatch.setattr(SVC, "decision_function", lambda *args: own(*args) + 1e-6)
    assert not SupportVectors(fitted).tabled


@pytest.mark.parametrize("weights", ["distance", "uniform"])
@pytest.mark.parametrize("p", [1, 2])
def test_neighbours_are_scikit_learns(p: int, weights: str):
    fitted = KNeighborsClassifier(n_neighbors=15, p=p, weights=weights).fit(ROWS, BAD)
    head = Neighbours(fitted)
    assert head.few == (p == 1 and weights == "distance")
    assert head.probability(NEW) == pytest.approx(fitted.predict_proba(NEW.T)[:, 1], abs=1e-15)
    assert same_alone(head.probability, NEW)


def test_of_equal_rows_only_these_count():
    rows = np.concatenate([ROWS, ROWS[:40], ROWS[:20]])
    bad = np.concatenate([BAD, 1 - BAD[:40], BAD[:20]])
    fitted = KNeighborsClassifier(n_neighbors=15, p=1, weights="distance").fit(rows, bad)
    head, known = Neighbours(fitted), ROWS[:60]
    assert not np.isnan(head._shares(known)).any()
    found = head.probability(known.T)
    assert (found == fitted.predict_proba(known)[:, 1]).all()
    assert {0.0, 0.5, 1 / 3, 1.0} <= set(found)


def test_where_neighbours_are_equally_far_scikit_learn_decides():
    grid = np.repeat(np.arange(10.0), 30).reshape(300, 1)
    fitted = KNeighborsClassifier(n_neighbors=15, p=1, weights="distance").fit(grid, BAD)
    head, new = Neighbours(fitted), np.array([[0.0, 0.5, 3.2, 3.5, 11.0]])
    assert np.isnan(head._shares(new.T)).all()
    assert (head.probability(new) == fitted.predict_proba(new.T)[:, 1]).all()

"""Coefficients that are not negative: the same loss, and its minimum where none may be below 0."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from creditrisk.modeling.risk_regression import RiskRegression


def applicants(rows=800, seed=1):
    """Two columns that say nearly the same, of which the second only corrects the first."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=rows)
    columns = np.column_stack(
        [first, first + 0.3 * rng.normal(size=rows), rng.normal(size=(rows, 2))]
    )
    odds = columns @ [2.0, -1.2, 0.5, 0.0] - 1
    return columns, (rng.random(rows) < expit(odds)).astype(int)


def test_without_being_asked_it_is_the_regression_of_scikit_learn():
    columns, bad = applicants()
    plain = LogisticRegression(C=0.3, max_iter=5000).fit(columns, bad)
    ours = RiskRegression(C=0.3, max_iter=5000).fit(columns, bad)
    assert (ours.coef_ == plain.coef_).all()
    assert plain.coef_.min() < 0
    signed = columns * np.sign(plain.coef_)
    free = LogisticRegression(C=0.3, max_iter=5000).fit(signed, bad)
    bound = RiskRegression(C=0.3, max_iter=5000, positive=True).fit(signed, bad)
    assert (bound.coef_ == free.coef_).all()  # none is negative, so nothing changes


@pytest.mark.parametrize("weight", [None, "balanced"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_coefficient_is_negative_and_the_loss_is_least(seed, weight):
    columns, bad = applicants(seed=seed)
    asked = RiskRegression(C=0.3, max_iter=5000, positive=True, class_weight=weight)
    model = clone(asked).fit(columns, bad)
    found = np.append(model.coef_.ravel(), model.intercept_)
    assert found[:-1].min() == 0
    weights = np.ones(len(bad))
    if weight:
        weights = np.where(bad == 1, len(bad) / 2 / bad.sum(), len(bad) / 2 / (1 - bad).sum())
    pull = 0.3 * weights * (model.predict_proba(columns)[:, 1] - bad)
    slopes = np.append(columns.T @ pull + found[:-1], pull.sum())
    inside = np.append(found[:-1] > 0, True)
    # Karush, Kuhn and Tucker: no slope where a coefficient is free, none downwards at the bound.
    assert slopes[inside] == pytest.approx(0, abs=1e-2)
    assert (slopes[~inside] > -1e-2).all()

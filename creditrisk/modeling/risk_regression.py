"""Logistic regression on numbers that measure risk, such as weights of evidence.

It stands in the model files of scorecards, so it needs nothing else of this package.
"""

from typing import Any, ClassVar

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight


class RiskRegression(LogisticRegression):
    """Logistic regression (L2) whose coefficients are not negative, if that is asked for.

    Every column of a scorecard says how risky a bin is. A negative coefficient, which correlated
    columns can cause, would give the riskiest bin the most points: nobody could defend that, and
    what the schema says of a variable's direction would not hold (Siddiqi 2006).

    Args:
        C: inverse of the strength of the penalty.
        class_weight: as in scikit-learn.
        tol: tolerance of the search for the minimum.
        max_iter: iterations at most.
        positive: whether coefficients must not be negative.
    """

    _parameter_constraints: ClassVar[dict] = {
        **LogisticRegression._parameter_constraints,
        "positive": ["boolean"],
    }

    def __init__(
        self,
        C: float = 1.0,
        class_weight: Any = None,
        tol: float = 1e-4,
        max_iter: int = 100,
        positive: bool = False,
    ):
        super().__init__(C=C, class_weight=class_weight, tol=tol, max_iter=max_iter)
        self.positive = positive

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "RiskRegression":
        """Find the coefficients.

        Args:
            X: columns that rise with the risk, shape (n, d).
            y: outcomes, shape (n,).
            sample_weight: weights of the rows, shape (n,).
        """
        super().fit(X, y, sample_weight)
        if self.positive and (self.coef_ < 0).any():
            weights = compute_sample_weight(self.class_weight, y)
            if sample_weight is not None:
                weights = weights * sample_weight
            self._bound(np.asarray(X, dtype="float64"), y == self.classes_[1], weights)
        return self

    def _bound(self, rows: np.ndarray, bad: Any, weights: np.ndarray) -> None:
        """Minimise the same loss over coefficients from 0 on, from where the free ones are."""
        bad, columns = np.asarray(bad, dtype="float64"), rows.shape[1]

        def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
            odds = rows @ x[:-1] + x[-1]
            value = self.C * (weights @ (np.logaddexp(0, odds) - bad * odds))
            pull = self.C * weights * (expit(odds) - bad)
            gradient = np.append(rows.T @ pull + x[:-1], pull.sum())
            return value + x[:-1] @ x[:-1] / 2, gradient

        free: Any = self
        start = np.append(np.maximum(free.coef_.ravel(), 0), free.intercept_)
        found = minimize(
            loss, start, jac=True, method="L-BFGS-B",
            bounds=[(0, None)] * columns + [(None, None)],
            options={"maxiter": self.max_iter, "ftol": 1e-13, "gtol": self.tol * 1e-2},
        )  # fmt: skip
        self.coef_, self.intercept_ = found.x[None, :-1].copy(), found.x[-1:].copy()
        self.n_iter_ = np.array([found.nit], dtype=np.int32)

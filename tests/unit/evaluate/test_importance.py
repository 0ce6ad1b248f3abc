"""Permutation importance: few shuffled copies at a time give the numbers of all copies at once."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from creditrisk.core.parallel import together
from creditrisk.evaluate import importance
from creditrisk.evaluate.importance import SHUFFLES, affordable, permutation_importance
from creditrisk.modeling.folds import make_folds

NAMES = ["strong", "weak", "noise", "special.weak"]


def table(rows: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(rows, len(NAMES))), columns=NAMES)
    risk = 1.5 * frame["strong"] + 0.4 * frame["weak"] + 0.3 * frame["special.weak"]
    frame["bad"] = (risk + rng.logistic(size=rows) > 0.5).astype(int)
    return frame


def folds_of(frame: pd.DataFrame):
    return make_folds(frame["bad"].to_numpy(), np.arange(len(frame)), 3, 2, 1)


def all_at_once(frame: pd.DataFrame, folds, seed: int) -> pd.Series:
    """The mean loss of AUC, from one long table of all shuffled copies in each fold."""
    rng = np.random.default_rng(seed)
    bad = frame["bad"].to_numpy()
    losses = []
    for fold in folds:
        model = LogisticRegression().fit(frame[NAMES].iloc[fold.train], bad[fold.train])
        unseen, outcomes = frame[NAMES].iloc[fold.test], bad[fold.test]
        copies = []
        for name in NAMES[:3]:
            for _ in range(SHUFFLES):
                copy, order = unseen.copy(), rng.permutation(len(unseen))
                for column in {name, f"special.{name}"} & set(NAMES):
                    copy[column] = unseen[column].to_numpy()[order]
                copies.append(copy)
        scored = model.predict_proba(pd.concat(copies))[:, 1].reshape(3, SHUFFLES, -1)
        whole = roc_auc_score(outcomes, model.predict_proba(unseen)[:, 1])
        aucs = [[roc_auc_score(outcomes, pds) for pds in shuffles] for shuffles in scored]
        losses.append(whole - np.mean(aucs, axis=1))
    return pd.Series(np.mean(losses, axis=0), index=NAMES[:3])


def test_the_numbers_are_those_of_one_long_table():
    frame = table()
    folds = folds_of(frame)
    [found] = together(permutation_importance(LogisticRegression(), frame, NAMES, folds, 7))
    found = found.set_index("feature")
    assert list(found.index) == ["strong", "weak", "noise"]  # a code goes with its variable
    expected = all_at_once(frame, folds, 7)
    assert np.allclose(found["importance"], expected[found.index], rtol=0, atol=1e-12)
    assert (found["low"] < found["importance"]).all()


class Bounded(ClassifierMixin, BaseEstimator):
    """Refuses to score more rows at once."""

    def __init__(self, most: int = 0):
        self.most = most

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.inner_ = LogisticRegression().fit(X, y)
        return self

    def predict_proba(self, X):
        assert len(X) <= self.most, f"{len(X)} rows at once"
        return self.inner_.predict_proba(X)


@pytest.mark.parametrize(("rows", "most"), [(1, 200), (450, 450), (20_000, 3000)])
def test_so_many_rows_are_scored_at_once_and_the_numbers_are_the_same(rows, most, monkeypatch):
    """At least one copy of a fold of 200 rows; at most all 15 of them."""
    frame = table()
    folds = folds_of(frame)
    [expected] = together(permutation_importance(LogisticRegression(), frame, NAMES, folds, 7))
    monkeypatch.setattr(importance, "ROWS_AT_ONCE", rows)
    [found] = together(permutation_importance(Bounded(most), frame, NAMES, folds, 7))
    assert found["feature"].tolist() == expected["feature"].tolist()
    assert np.allclose(found["importance"], expected["importance"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("variables", "rows", "found"),
    [
        (20, 800, (800, 5)),
        (23, 10_000, (1739, 5)),
        (300, 10_000, (600, 1)),
        (100, 4000, (600, 3)),
    ],
)
def test_the_cost_is_bounded_whatever_the_number_of_variables(variables, rows, found):
    assert affordable(variables, rows) == found

"""Permutation importance: few predictions give the numbers of all shuffled copies."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from creditrisk.evaluate import importance
from creditrisk.evaluate.importance import (
    SHUFFLES,
    affordable,
    shuffled_pds,
    started_importance,
)
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


def measured(model, frame, folds):
    with started_importance(model, frame, NAMES, folds, 7) as result:
        return result()


def test_the_numbers_are_those_of_one_long_table():
    frame = table()
    folds = folds_of(frame)
    found = measured(LogisticRegression(), frame, folds)
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


@pytest.mark.parametrize(("rows", "most"), [(50, 200), (450, 450), (20_000, 1000)])
def test_so_many_rows_are_scored_at_once_and_the_numbers_are_the_same(rows, most, monkeypatch):
    """A fold of 200 rows as it is, then at most all 5 copies of a variable."""
    frame = table()
    folds = folds_of(frame)
    expected = measured(LogisticRegression(), frame, folds)
    monkeypatch.setattr(importance, "ROWS_AT_ONCE", rows)
    found = measured(Bounded(most), frame, folds)
    assert found["feature"].tolist() == expected["feature"].tolist()
    assert np.allclose(found["importance"], expected["importance"], rtol=0, atol=1e-12)


def mixed(rows: int = 90) -> pd.DataFrame:
    """Levels, gaps, a code that goes with a number, and a column without any value."""
    rng = np.random.default_rng(5)
    amount = rng.normal(size=rows)
    coded = rng.random(rows) < 0.2
    return pd.DataFrame(
        {
            "amount": np.where(coded | (rng.random(rows) < 0.2), np.nan, amount),
            "special.amount": pd.array(np.where(coded, "98", None), dtype="str"),
            "purpose": pd.array(rng.choice(["car", "house", None], rows), dtype="str"),
            "twin": rng.integers(0, 2, rows).astype(float),
            "none": np.full(rows, np.nan),
        }
    )


def by_hand(rows: pd.DataFrame) -> np.ndarray:
    """A PD that each cell changes."""
    texts = rows[["special.amount", "purpose"]].fillna("?").map(lambda text: len(text) * 0.013)
    numbers = rows[["amount", "twin", "none"]].fillna(-0.7) * [0.1, 0.31, 0.7]
    return 1 / (1 + np.exp(-(numbers.sum(axis=1) + texts.sum(axis=1)).to_numpy()))


@pytest.mark.parametrize("name", ["amount", "purpose", "twin", "none"])
@pytest.mark.parametrize("at_once", [7, 20_000])
def test_each_row_is_scored_once_with_each_value_and_has_the_pds_of_whole_copies(
    name, at_once, monkeypatch
):
    monkeypatch.setattr(importance, "ROWS_AT_ONCE", at_once)
    rows, scored = mixed(), []
    rng = np.random.default_rng(1)
    orders = np.array([rng.permutation(len(rows)) for _ in range(SHUFFLES)])

    def score(some: pd.DataFrame) -> np.ndarray:
        scored.append(some)
        return by_hand(some)

    found = shuffled_pds(score, rows, by_hand(rows), name, orders)
    columns = [column for column in (name, f"special.{name}") if column in rows]
    for order, pds in zip(orders, found, strict=True):
        copy = rows.copy()
        for column in columns:
            copy[column] = rows[column].array[order]
        assert np.array_equal(pds, by_hand(copy))
    # Never with its own value: of two levels the other one, of three the other two.
    most = {"amount": SHUFFLES, "purpose": 2, "twin": 1, "none": 0}[name]
    assert sum(map(len, scored)) <= most * len(rows)
    if scored:
        assert not pd.concat(scored).reset_index().duplicated().any()
    assert all(len(some) <= at_once for some in scored)


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

"""The soft vote: the mean of its members, which are not fitted again."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from creditrisk.core.errors import InputError
from creditrisk.train.ensemble import train_ensemble
from creditrisk.train.ensemble_params import ensemble_params
from creditrisk.train.trained_model import TrainedModel

COLUMNS = ["a", "b"]
SINGLE = ["lr", "rf", "xgb"]


class Counting(ClassifierMixin, BaseEstimator):
    """Counts its fits, over all its copies."""

    fits = 0

    def fit(self, X, y):
        type(self).fits += 1
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        pds = 1 / (1 + np.exp(-X["a"].to_numpy()))
        return np.column_stack([1 - pds, pds])


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(40, 2)), columns=COLUMNS)
    return rows.assign(row_id=np.arange(101, 141), bad=(rng.random(40) < 0.4).astype("int8"))


def member(model, frame, seed, order=None):
    """A candidate with PDs of its own, its rows in any order."""
    rng = np.random.default_rng(seed)
    oof = frame[["row_id", "bad"]].assign(repeat=0, fold=frame["row_id"] % 2, pd=rng.random(40))
    nested = oof.assign(outer=0, role=np.where(oof["fold"] == 0, "inner", "outer"))
    return TrainedModel(
        model=model.fit(frame[COLUMNS], frame["bad"]),
        oof=oof if order is None else oof.iloc[order],
        nested=nested if order is None else nested.iloc[order],
        trials=pd.DataFrame(),
        best_params={},
        calibration="none",
        unconverged=seed,
        rows={"train": 40, "search": 40, "fit": 40},
    )


@pytest.fixture
def members(frame):
    shuffled = np.random.default_rng(9).permutation(40)
    return {
        "lr": member(LogisticRegression(), frame, 1),
        "dt": member(DecisionTreeClassifier(max_depth=2), frame, 2, shuffled),
        "own": member(Counting(), frame, 3),
    }


def test_pd_of_the_model_is_the_mean_of_its_members(frame, members):
    vote = train_ensemble(members, frame, COLUMNS, list(members))
    each = [m.model.predict_proba(frame[COLUMNS])[:, 1] for m in members.values()]
    assert vote.model.predict_proba(frame[COLUMNS])[:, 1] == pytest.approx(np.mean(each, axis=0))


@pytest.mark.parametrize("what", ["oof", "nested"])
def test_out_of_fold_pds_are_the_means_row_by_row(frame, members, what):
    vote = getattr(train_ensemble(members, frame, COLUMNS, list(members)), what).set_index(
        "row_id"
    )["pd"]
    each = [getattr(m, what).set_index("row_id")["pd"] for m in members.values()]
    expected = pd.concat(each, axis=1).mean(axis=1)
    assert len(vote) == 40
    assert vote.sort_index().to_numpy() == pytest.approx(expected.sort_index().to_numpy())


def test_members_are_the_very_models_and_fitted_no_second_time(frame, members):
    fits = Counting.fits
    vote = train_ensemble(members, frame, COLUMNS, list(members))
    assert Counting.fits == fits
    inside = vote.model.named_estimators_
    assert all(type(inside[name]) is FrozenEstimator for name in members)
    assert all(inside[name].estimator is members[name].model for name in members)


def test_vote_of_one_is_that_one(frame, members):
    vote = train_ensemble({"lr": members["lr"]}, frame, COLUMNS, ["lr"])
    assert vote.oof["pd"].tolist() == members["lr"].oof.sort_values(["fold", "row_id"])[
        "pd"
    ].tolist()  # fmt: skip


def test_account_of_a_vote_names_its_members_and_their_unconverged_fits(frame, members):
    vote = train_ensemble(members, frame, COLUMNS, list(members))
    assert vote.best_params == {"members": ["lr", "dt", "own"], "method": "mean"}
    assert vote.unconverged == 1 + 2 + 3


def test_members_trained_on_other_folds_are_not_averaged(frame, members):
    other = members["lr"].oof.assign(fold=lambda oof: 1 - oof["fold"])
    moved = TrainedModel(**{**vars(members["lr"]), "oof": other})
    with pytest.raises(InputError, match="different rows or folds"):
        train_ensemble({"lr": moved, "own": members["own"]}, frame, COLUMNS)


def test_vote_without_nested_estimates_has_none_either(frame, members):
    columns = ["outer", "role", "row_id", "repeat", "fold", "bad", "pd"]
    bare = {
        name: TrainedModel(**{**vars(m), "nested": pd.DataFrame(columns=columns)})
        for name, m in members.items()
    }
    assert train_ensemble(bare, frame, COLUMNS).nested.empty


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"members": ["lr", "xgbb"]}, "algorithms.vote.members: xgbb can't be a member. Did you"),
        ({"members": ["lr", "vote"]}, "algorithms.vote.members: vote can't be a member"),
        ({"members": ["lr", "lr"]}, "algorithms.vote.members: no member, or one is listed twice"),
        ({"members": []}, "algorithms.vote.members: no member, or one is listed twice"),
        ({"members": "lr"}, "algorithms.vote.members"),
        ({"member": ["lr"]}, "algorithms.vote.member: unknown parameter. Did you mean members?"),
        ({}, "algorithms.vote.members: missing"),
    ],
)
def test_wrong_blocks_are_refused_with_their_place(block, words):
    with pytest.raises(InputError) as error:
        ensemble_params("vote", block, SINGLE)
    assert words in str(error.value)


def test_members_keep_the_order_of_the_block():
    assert ensemble_params("vote", {"members": ["xgb", "lr"]}, SINGLE).members == ["xgb", "lr"]

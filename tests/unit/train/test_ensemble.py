"""Ensembles: members that are not fitted again, combined by what other folds teach."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from creditrisk.core.errors import InputError
from creditrisk.train.ensemble import best_method, cross_combine, learn, train_ensemble
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
    nested = oof.assign(outer=0, role=np.where(frame["row_id"] % 4 < 2, "inner", "outer"))
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


def scored(rows=3000, seed=0):
    """Out-of-fold PDs of five models: two know different halves of the risk, the others less."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, rows))
    bad = (rng.random(rows) < expit(-1.5 + a + b)).astype(int)
    odds = {
        "one": -1.5 + a + 0.3 * rng.normal(size=rows),
        "two": -1.5 + b + 0.3 * rng.normal(size=rows),
        "echo": -1.5 + a + 0.6 * rng.normal(size=rows),
        "noise": -1.5 + rng.normal(size=rows),
        "shy": 0.2 * (a + b) - 1.2,
    }
    table = pd.DataFrame({name: expit(values) for name, values in odds.items()})
    fold = np.arange(rows) % 4
    return table.assign(repeat=0, fold=fold, bad=bad, row_id=np.arange(rows)), list(odds)


@pytest.mark.parametrize("method", ["weights", "stacking"])
def test_weights_find_who_knows_what(method):
    table, names = scored()
    found = learn(table[names], table["bad"].to_numpy(), None, method)
    weight = dict(zip(found.members, found.weights, strict=True))
    assert weight.get("noise", 0) < 0.3 * min(weight["one"], weight["two"])
    if method == "weights":
        assert min(weight.values()) > 0
    pds = cross_combine(table, names, None, method)
    assert log_loss(table["bad"], pds) < min(log_loss(table["bad"], table[n]) for n in names) - 0.02
    # Weights of the log-odds also undo a member that is too cautious.
    assert abs(pds.mean() - table["bad"].mean()) < 0.01


def test_few_rows_leave_the_weights_nearly_equal():
    table, names = scored()
    few, many = (
        learn(table[names].head(n), table["bad"].head(n).to_numpy(), names, "weights").weights
        for n in (60, 3000)
    )
    assert few.std() < many.std()
    assert few == pytest.approx(np.full(5, 0.2), abs=0.2)


def test_a_mean_without_named_members_is_of_the_best_three():
    table, names = scored()
    found = learn(table[names], table["bad"].to_numpy(), None, "mean")
    losses = {name: log_loss(table["bad"], table[name]) for name in names}
    assert found.members == sorted(losses, key=losses.get)[:3]


def test_the_way_with_the_least_log_loss_out_of_fold_is_taken():
    table, names = scored()
    method, pds, trials = best_method(table, names, None, ["mean", "weights", "stacking"])
    assert method == trials["method"].iloc[0]
    assert trials["log_loss"].is_monotonic_increasing
    assert trials["log_loss"].iloc[0] == pytest.approx(log_loss(table["bad"], pds))
    assert set(trials["method"]) == {"mean", "weights", "stacking"}


@pytest.mark.parametrize("method", ["mean", "weights", "stacking"])
def test_a_rows_pd_is_learned_from_the_other_folds(method):
    table, names = scored(400)
    before = cross_combine(table, names, None, method)
    here = table["fold"] == 2
    flipped = table.assign(bad=np.where(here, 1 - table["bad"], table["bad"]))
    after = cross_combine(flipped, names, None, method)
    assert np.array_equal(before[here], after[here])
    assert not np.allclose(before[~here], after[~here])


@pytest.mark.parametrize("method", ["mean", "weights", "stacking"])
def test_noise_stays_noise_in_an_ensemble(method):
    table, names = scored(2000)
    table["bad"] = np.random.default_rng(5).permutation(table["bad"])
    auc = roc_auc_score(table["bad"], cross_combine(table, names, None, method))
    assert abs(auc - 0.5) < 3 * np.sqrt(2001 / (12 * 400 * 1600))


@pytest.mark.parametrize("method", ["weights", "stacking"])
def test_the_model_is_of_public_classes_and_gives_the_pds_of_the_rule(frame, members, method):
    more = {name: members[name] for name in ("lr", "dt")}
    trained = train_ensemble(more, frame, COLUMNS, ["lr", "dt"], [method])
    assert b"creditrisk" not in pickle.dumps(trained.model)
    each = {n: m.model.predict_proba(frame[COLUMNS])[:, 1] for n, m in more.items()}
    pds = pd.DataFrame({n: m.oof.set_index("row_id")["pd"].sort_index() for n, m in more.items()})
    found = learn(pds, frame["bad"].to_numpy(), ["lr", "dt"], method)
    whole = trained.model.predict_proba(frame[COLUMNS])[:, 1]
    assert whole == pytest.approx(found.combine(pd.DataFrame(each)), abs=1e-9)
    assert trained.best_params["weights"].keys() == {"lr", "dt"}


def test_auto_needs_a_single_model():
    assert ensemble_params("vote", {"members": "auto"}, SINGLE).members == "auto"
    with pytest.raises(InputError, match="there is no single model to combine"):
        ensemble_params("vote", {"members": "auto"}, [])
    with pytest.raises(InputError, match=r"algorithms\.vote\.method"):
        ensemble_params("vote", {"members": "auto", "method": "median"}, SINGLE)

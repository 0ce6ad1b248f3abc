import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from creditrisk.core.errors import InputError
from creditrisk.modeling.folds import make_folds


def rows(n: int = 300, copies: int = 0, seed: int = 0):
    """Outcomes and applicants; the first `copies` applicants have two rows each."""
    rng = np.random.default_rng(seed)
    bad = (rng.random(n) < 0.3).astype(int)
    applicant = np.arange(n)
    return np.append(bad, bad[:copies]), np.append(applicant, applicant[:copies])


@pytest.mark.parametrize("copies", [0, 1, 100])
def test_no_applicant_stands_in_two_folds_of_one_repeat(copies):
    bad, applicant = rows(copies=copies)
    folds = make_folds(bad, applicant, folds=5, repeats=3, seed=7)
    assert [(f.repeat, f.fold) for f in folds] == [(r, k) for r in range(3) for k in range(5)]
    for repeat in range(3):
        tested = [f.test for f in folds if f.repeat == repeat]
        assert sorted(np.concatenate(tested)) == list(range(len(bad)))
        owners = [set(applicant[test]) for test in tested]
        assert sum(map(len, owners)) == len(set(applicant))
    for f in folds:
        assert not set(applicant[f.train]) & set(applicant[f.test])


def test_folds_are_stratified_and_hang_on_the_seed():
    bad, applicant = rows()
    folds = make_folds(bad, applicant, 5, 2, seed=1)
    assert all(abs(bad[f.test].mean() - bad.mean()) < 0.02 for f in folds)
    again = make_folds(bad, applicant, 5, 2, seed=1)
    other = make_folds(bad, applicant, 5, 2, seed=99)
    assert all((a.test == b.test).all() for a, b in zip(folds, again, strict=True))
    assert any(
        len(a.test) != len(b.test) or (a.test != b.test).any()
        for a, b in zip(folds, other, strict=True)
    )
    assert (folds[0].test != folds[5].test).any()


def test_a_class_with_fewer_applicants_than_folds_is_told():
    bad, applicant = np.array([1, 1, 1, 0, 0, 0, 0, 0]), np.array([0, 0, 1, 2, 3, 4, 5, 6])
    with pytest.raises(
        InputError, match="3 folds, but only 2 training applicants of the class bad"
    ):
        make_folds(bad, applicant, 3, 1, 0)


def portfolio(applicants: int, largest: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows in disorder of applicants with one to three rows each, and of one with more."""
    rng = np.random.default_rng(seed)
    counts = np.append(rng.integers(1, 4, applicants), largest)
    owners = rng.permutation(np.repeat(rng.permutation(applicants + 1), counts))
    bad = (rng.random(len(owners)) < rng.beta(1, 3, applicants + 1)[owners]).astype(int)
    return bad, owners


def test_applicants_who_are_alike_are_dealt_and_the_few_others_placed_one_by_one(monkeypatch):
    """Placing all of a million one by one would take minutes for each algorithm."""
    bad, applicant = portfolio(8000, largest=100)
    placed = []
    split = StratifiedGroupKFold.split

    def count(self, rows, outcome, owners):
        placed.append(len(set(owners)))
        return split(self, rows, outcome, owners)

    monkeypatch.setattr(StratifiedGroupKFold, "split", count)
    folds = make_folds(bad, applicant, 5, 2, seed=3)
    assert len(placed) == 2
    kinds = 9  # of the small ones: 2 + 3 + 4 numbers of good and bad rows
    assert max(placed) <= (100 + 1) * 5 * kinds + 1
    for repeat in range(2):
        tested = [f.test for f in folds if f.repeat == repeat]
        assert sorted(np.concatenate(tested)) == list(range(len(bad)))
        assert sum(len(set(applicant[test])) for test in tested) == 8001
        sizes, bads = [len(test) for test in tested], [bad[test].sum() for test in tested]
        assert max(sizes) - min(sizes) < 20  # the large one's rows are made up for
        assert max(bads) - min(bads) < 10


def test_who_is_with_whom_hangs_on_the_seed():
    bad, applicant = portfolio(3000, largest=3)

    def fold_of_each(seed: int) -> np.ndarray:
        number = np.empty(len(set(applicant)))
        for f in make_folds(bad, applicant, 5, 1, seed):
            number[applicant[f.test]] = f.fold
        return number

    one, again, other = map(fold_of_each, (1, 1, 2))
    assert (one == again).all()
    assert pd.crosstab(one, other, normalize="index").to_numpy().max() < 0.3  # 0.2 by chance

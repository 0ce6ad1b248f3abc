import numpy as np
import pytest

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

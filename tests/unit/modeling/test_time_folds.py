"""Folds by time: expanding windows, each tested on what comes after its training."""

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.modeling.folds import make_time_folds


def months(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, pd.Series]:
    rng = np.random.default_rng(seed)
    dates = pd.Series(pd.Timestamp("2014-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"))
    return rng.integers(0, 2, n), rng.integers(0, n, n), dates.dt.to_period("M").dt.to_timestamp()


def test_each_fold_is_tested_on_later_applicants():
    bad, applicant, dates = months(600)
    latest = dates.groupby(applicant).transform("max")
    folds = make_time_folds(bad, applicant, dates, 4)
    assert [fold.fold for fold in folds] == [0, 1, 2, 3]
    tested = np.concatenate([fold.test for fold in folds])
    assert len(np.unique(tested)) == len(tested)
    before: set[int] = set()
    for fold in folds:
        assert latest.iloc[fold.train].max() < latest.iloc[fold.test].min()
        assert before <= set(fold.train)
        before = set(fold.train)
        assert not set(applicant[fold.train]) & set(applicant[fold.test])
        assert 0.1 < len(fold.test) / 600 < 0.3


def test_rows_without_a_date_are_training_rows_only():
    bad, applicant, dates = months(300)
    applicant = np.arange(300)
    dates[:20] = pd.NaT
    for fold in make_time_folds(bad, applicant, dates, 3):
        assert set(range(20)) <= set(fold.train)


def test_too_few_dates_are_refused():
    bad, applicant, dates = months(100)
    with pytest.raises(InputError, match=r"train.folds: fold \d by time"):
        make_time_folds(bad, applicant, dates.dt.to_period("Y").dt.to_timestamp(), 8)

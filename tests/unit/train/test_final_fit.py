"""Where the best candidate is fitted on all rows."""

import joblib
import pytest

from creditrisk.core.errors import InputError
from creditrisk.core.workers import SCHEDULER
from creditrisk.train.final_fit import may_be_divided
from creditrisk.train.single import train_single
from tests.support.divided import applicants, spec_of


def test_a_cluster_that_nobody_names_is_refused_before_any_fit(monkeypatch):
    monkeypatch.delenv(SCHEDULER, raising=False)
    said: list[str] = []
    with pytest.raises(InputError, match=r"train\.final_fit: .* is not set\. Set it"):
        train_single(spec_of("xgb", final_fit="cluster"), applicants(200), log=said.append)
    assert said == []


def test_local_needs_no_cluster(monkeypatch):
    monkeypatch.delenv(SCHEDULER, raising=False)
    said: list[str] = []
    with joblib.parallel_config("sequential"):
        train_single(spec_of("xgb"), applicants(600), log=said.append)
    assert not any("workers" in line for line in said)


@pytest.mark.parametrize(("name", "divided"), [("xgb", True), ("lgbm", True), ("rf", False)])
def test_some_libraries_divide_a_fit(name, divided):
    assert may_be_divided(spec_of(name, final_fit="cluster")) == divided
    assert not may_be_divided(spec_of(name))

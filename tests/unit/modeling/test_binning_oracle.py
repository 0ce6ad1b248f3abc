"""Our bins against the optimal ones of optbinning, which `tools/binning_oracle.py` wrote."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss

from creditrisk.modeling.binning.edges import count_bins, find_bins, information_value
from tests.support.defects import ROOT
from tools import binning_oracle

KNOWN = json.loads((ROOT / binning_oracle.FILE).read_text())


@cache
def drawn():
    return binning_oracle.variables()


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def unseen_loss(edges, values, bad):
    """The log loss of bad rates by bin, learned from every second row, on the others."""
    learned = count_bins(edges, values[::2], bad[::2])
    rates = (learned.bads + 0.3) / (learned.rows + 1)
    return log_loss(bad[1::2], rates[np.searchsorted(edges, values[1::2], side="right")])


@pytest.mark.parametrize("case", KNOWN)
def test_bins_say_as_much_about_unseen_rows_as_optimal_ones(case):
    name, bins = case.rsplit(", ", 1)
    values, bad = drawn()[name]
    theirs = np.array(KNOWN[case]["edges"])
    # The oracle's own figure, or our formula would be compared with itself.
    counted = count_bins(theirs, values[::2], bad[::2])
    assert information_value(counted) == pytest.approx(KNOWN[case]["iv"], rel=0.15, abs=0.02)
    ours = find_bins(values[::2], bad[::2], int(bins), False)
    assert len(ours.rows) <= int(bins)
    assert unseen_loss(ours.edges, values, bad) < unseen_loss(theirs, values, bad) + 0.003
    if len(values) > 10_000:
        assert information_value(ours) > 0.88 * information_value(counted)


def test_the_file_is_that_of_the_variables():
    assert {case.rsplit(", ", 1)[0] for case in KNOWN} == set(drawn())
    assert Path(binning_oracle.FILE).parent == Path("tests/unit/modeling")

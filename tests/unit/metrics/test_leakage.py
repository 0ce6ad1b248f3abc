"""The leak warning names the leak, not a text that is unique per row."""

import numpy as np
import pandas as pd
import pytest

from creditrisk.metrics.leakage import leakage_warning, single_auc

RNG = np.random.default_rng(3)
BAD = pd.Series((RNG.random(400) < 0.2).astype(int))


def test_the_leak_comes_first_and_the_unique_text_last():
    frame = pd.DataFrame(
        {
            "note": [f"url{i}" for i in range(400)],
            "recovered": np.where((BAD == 1) & (RNG.random(400) < 0.97), 1.0, 0.0),
            "x": RNG.normal(size=400),
            "bad": BAD,
        }
    )
    line = leakage_warning(0.985, frame, ["note", "x", "recovered"], "lr: the CV")
    assert line is not None
    assert line.index("recovered 0.98") < line.index(" x ")
    assert single_auc(frame["note"], BAD) < 0.6
    assert leakage_warning(0.9, frame, ["note"], "lr: the CV") is None


def test_a_gap_can_be_the_leak():
    recovered = pd.Series(np.where(BAD == 1, RNG.uniform(1, 900, 400), np.nan))
    assert single_auc(recovered, BAD) == 1
    inside = pd.Series(np.where(BAD == 1, np.nan, RNG.normal(size=400)))
    assert single_auc(inside, BAD) == 1


def test_levels_are_ranked_by_other_rows():
    levels = pd.Series(np.where(BAD == 1, "late", "paid"))
    assert single_auc(levels, BAD) == 1
    assert single_auc(pd.Series(RNG.choice(list("abc"), 400)), BAD) == pytest.approx(0.5, abs=0.1)
    assert single_auc(pd.Series([None] * 400, dtype="str"), BAD) == 0.5
    assert single_auc(pd.Series([np.nan] * 400), BAD) == 0.5

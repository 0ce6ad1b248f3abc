"""Explainable boosting machines: the tables of their terms give the model's own log-odds."""

import numpy as np
import pandas as pd
import pytest
from interpret.glassbox import ExplainableBoostingClassifier

from creditrisk.champion.additive import Additive

RNG = np.random.default_rng(4)
ROWS = RNG.normal(size=(400, 5)).round(1)  # rounded, so that many numbers lie on edges
ROWS[RNG.random(ROWS.shape) < 0.1] = np.nan
KNOWN = np.nan_to_num(ROWS)
BAD = (KNOWN[:, 0] + KNOWN[:, 1] * KNOWN[:, 2] + RNG.logistic(size=400) > 0.7).astype(int)


def fitted(rows, **params) -> ExplainableBoostingClassifier:
    model = ExplainableBoostingClassifier(max_rounds=50, outer_bags=2, n_jobs=1, **params)
    return model.fit(rows, BAD)


@pytest.mark.filterwarnings("ignore:Missing values detected")
@pytest.mark.parametrize("pairs", [0, 3])
def test_few_rows_and_many_get_the_models_own_log_odds(pairs: int):
    model = fitted(ROWS, interactions=pairs, max_bins=40)
    assert sum(len(term) == 2 for term in model.term_features_) == pairs
    head = Additive(model)
    assert head.tabled
    wanted = model.decision_function(ROWS)
    assert (head.score(ROWS.T) == wanted).all()
    for size in (1, 7, 50):
        parts = [head.score(ROWS.T[:, i : i + size]) for i in range(0, len(ROWS), size)]
        assert (np.concatenate(parts) == wanted).all()


def test_columns_that_it_takes_for_levels_are_left_to_the_model():
    rows = pd.DataFrame({"a": KNOWN[:, 0], "b": (KNOWN[:, 1] > 0).astype(float)})
    model = fitted(rows, interactions=0, feature_types=["continuous", "nominal"])
    head = Additive(model)
    assert not head.tabled
    encoded = rows.to_numpy().T
    assert (head.score(encoded) == model.decision_function(rows.to_numpy())).all()

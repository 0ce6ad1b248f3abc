"""The steps before a model, fitted without the matrix that the model learns from."""

import tracemalloc

import numpy as np
import pytest

from creditrisk.modeling.folds import Fold
from creditrisk.train.cluster_fit import parts_of
from creditrisk.train.fitted_steps import fit_steps, part_matrix
from tests.support.divided import FEATURES, applicants, spec_of

MANY = FEATURES | {"many": ["town"]}
CASES = {
    "onehot": (FEATURES, {}),
    "woe": (FEATURES, {"encoder": "woe"}),
    "binary": (FEATURES, {"encoder": "binary"}),
    "target": (FEATURES, {"encoder": "target"}),
    "ordinal": (FEATURES, {"encoder": "ordinal"}),
    "indicators": (FEATURES, {"missing_indicator": True}),
    "bins": (FEATURES, {"bins": 4, "encoder": "woe"}),
    "many levels by target": (MANY, {"many_levels": "target"}),
    "many levels merged": (MANY, {"many_levels": "merge"}),
    "monotone": (FEATURES | {"monotone": {"debt": 1}}, {}),
    "no nominal columns": (FEATURES | {"nominal": []}, {}),
}


def candidate(spec, bad):
    every = np.arange(len(bad))
    return spec.candidate_pipeline(spec.candidates[0], bad, [Fold(0, 0, every, every)])


@pytest.mark.parametrize("case", CASES)
def test_parts_are_the_rows_that_the_model_would_get(case):
    features, block = CASES[case]
    frame = applicants(600)
    bad, spec = frame["bad"].to_numpy(), spec_of("xgb", features=features, **block)
    rows, pipeline = frame[spec.columns], candidate(spec, bad)
    local = candidate(spec, bad)[:-1]
    wanted = local.fit_transform(rows, bad)
    found = fit_steps(pipeline, rows, bad)
    assert found.columns == wanted.shape[1]
    for where in parts_of(bad, 3):
        part = (rows.iloc[where], found.of(where))
        matrix = part_matrix(part, found.steps, "float64")
        assert np.array_equal(matrix, np.asarray(wanted)[where], equal_nan=True)
    encoder = dict(found.steps)["encode"]
    assert vars(encoder).keys() == vars(local["encode"]).keys()
    assert encoder.output_indices_ == local["encode"].output_indices_


def test_the_whole_matrix_is_never_made():
    frame = applicants(4000)
    frame["town"] = [f"t{number % 800}" for number in range(len(frame))]
    bad, spec = frame["bad"].to_numpy(), spec_of("xgb")
    spec.features["levels"] |= {}
    rows, pipeline = frame[spec.columns], candidate(spec, bad)
    tracemalloc.start()
    found = fit_steps(pipeline, rows, bad)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.columns > 800
    assert peak < len(rows) * found.columns * 8 / 4


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_parts_hold_each_row_once_and_are_alike(count):
    bad = np.repeat([0, 1], [90, 11])
    parts = parts_of(bad, count)
    assert sorted(np.concatenate(parts)) == list(range(101))
    assert {int(bad[where].sum()) for where in parts} <= {11 // count, -(-11 // count)}
    assert max(map(len, parts)) - min(map(len, parts)) <= 2


def test_no_part_lacks_a_class():
    assert len(parts_of(np.repeat([0, 1], [50, 3]), 8)) == 3

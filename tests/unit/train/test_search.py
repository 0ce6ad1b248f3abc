"""The search of one algorithm on few rows."""

from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.params import PreprocessParams
from creditrisk.train.params import TrainParams
from creditrisk.train.search import search
from creditrisk.train.spec import SearchSpec

FEATURES = {"numeric": ["income"], "nominal": ["purpose"], "ordinal": {}}
PREPROCESS = PreprocessParams(
    numeric_impute="median",
    nominal_impute="level",
    ordinal_impute="most_frequent",
    power_transform=False,
    scale_ordinal=True,
)


def run(name, candidates, scoring="roc_auc", calibration="auto"):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "income": rng.normal(size=120),
            "purpose": pd.Series(rng.choice(["car", "tv"], 120), dtype="str"),
        }
    )
    frame["bad"] = (rng.random(120) < 1 / (1 + np.exp(frame["income"] * 2 + 1))).astype("int8")
    train = TrainParams(
        folds=3,
        repeats=2,
        scoring=scoring,
        calibration=calibration,
        nested=False,
        outer_folds=2,
        inner_folds=2,
    )
    folds = make_folds(frame["bad"].to_numpy(), np.arange(120), 3, 2, 1)
    full = [{"encoder": "onehot", "resample": "none"} | c for c in candidates]
    with joblib.parallel_config("sequential"):
        spec = SearchSpec(name, full, FEATURES, PREPROCESS, train, seed=1)
        best, fitted = search(spec, frame, folds)
    return SimpleNamespace(**vars(best), **vars(fitted)), frame


@pytest.mark.slow
@pytest.mark.parametrize(
    "scoring", ["roc_auc", "average_precision", "neg_brier_score", "neg_log_loss"]
)
@pytest.mark.parametrize(("name", "value"), [("svc", {"C": 1.0}), ("lr", {"C": 1.0})])
def test_every_score_works_for_every_kind_of_model(scoring, name, value):
    found, frame = run(name, [value], scoring)
    pds = found.model.predict_proba(frame[["income", "purpose"]])[:, 1]
    assert np.isfinite(found.scores["mean"]).all()
    assert ((pds > 0) & (pds < 1)).all()
    assert roc_auc_score(frame["bad"], pds) > 0.7


def test_best_candidate_is_the_one_of_the_best_mean_score():
    # So strong a penalty leaves the same PD to all.
    found, _ = run("lr", [{"C": 1e-9}, {"C": 1.0}], "neg_log_loss")
    assert found.candidate["C"] == 1.0
    assert found.scores["rank"].tolist() == [2, 1]


def test_out_of_fold_predicts_each_row_once_a_repeat():
    found, frame = run("lr", [{"C": 1.0}])
    for _, part in found.oof.groupby("repeat"):
        assert sorted(part["position"]) == list(range(120))
        assert (part["bad"].to_numpy() == frame["bad"].to_numpy()[part["position"]]).all()


@pytest.mark.slow
@pytest.mark.parametrize("calibration", ["none", "platt", "isotonic"])
def test_calibration_is_the_one_that_the_parameter_names(calibration):
    found, _ = run("lr", [{"C": 1.0}], calibration=calibration)
    assert found.calibration == calibration

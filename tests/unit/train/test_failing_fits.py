"""Fits that fail: one line that names what to change, whatever class the library raises."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.evaluate.importance import started_importance
from creditrisk.modeling.encode import ENCODERS
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.params import PreprocessParams
from creditrisk.train.params import TrainParams
from creditrisk.train.single import train_single
from creditrisk.train.spec import SearchSpec
from tests.support.defects import PARAMS

pytestmark = pytest.mark.slow

PREPROCESS = PreprocessParams(**PARAMS["preprocess"])
TRAIN = TrainParams(
    folds=2, repeats=1, scoring="roc_auc", calibration="auto", nested=False, outer_folds=2,
    inner_folds=2,
)  # fmt: skip


def train(frame: pd.DataFrame, name: str = "lr", nominal=(), train=TRAIN, **values):
    """Train one candidate on a frame whose other columns are numbers."""
    keys = ["row_id", "applicant", "bad"]
    features = {
        "numeric": [c for c in frame if c not in [*keys, *nominal]],
        "nominal": list(nominal),
        "ordinal": {},
    }
    candidate = {"encoder": "onehot", "resample": "none"} | values
    spec = SearchSpec(name, [candidate], features, PREPROCESS, train, seed=1)
    return train_single(spec, frame, log=lambda line: None), spec


def rows(bad: np.ndarray, **columns: object) -> pd.DataFrame:
    count = np.arange(len(bad))
    return pd.DataFrame({"row_id": count, "applicant": count, "bad": bad, **columns})


def noise(count: int = 80, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    income = rng.normal(size=count)
    return rows(
        (rng.random(count) < 1 / (1 + np.exp(income))).astype("int8"), income=income, **columns
    )


@pytest.mark.parametrize("name", ["lr", "knn", "dt"])
def test_a_column_too_large_to_compute_with_is_named(name):
    huge = np.where(np.arange(80) == 3, 1e300, 1.0)
    with pytest.raises(InputError, match=r"data\.source: column debt: has values up to 1e\+300"):
        train(noise(debt=huge), name)


def test_a_library_s_own_class_of_error_names_the_algorithm_and_the_candidate():
    bad = np.repeat([0, 1], [60, 20])
    frame = rows(bad, income=np.where(bad, 100.0, 0.0) + np.arange(80) / 1000)
    with pytest.raises(
        InputError, match=r"algorithms\.lr: a fit failed for .*adasyn.*: (Runtime|Value)Error: "
    ):
        train(frame, resample="adasyn")


def test_twelve_rows_a_class_are_enough_for_the_calibrator():
    rng = np.random.default_rng(3)
    bad = np.tile([0, 1], 12)
    frame = rows(bad, income=rng.normal(size=24) + bad)
    sparse = TRAIN.model_copy(update={"folds": 6, "calibration": "platt"})
    trained, _ = train(frame, train=sparse)
    assert trained.calibration == "platt"
    assert len(trained.oof) == 24


def test_a_calibrator_asks_for_no_more_rows_than_it_uses():
    # Three bad rows: the default of five folds in the calibrator would refuse them.
    bad = np.r_[np.zeros(21), np.ones(3)].astype("int8")
    frame = rows(bad, income=np.arange(24.0))
    sparse = TRAIN.model_copy(update={"folds": 3, "calibration": "isotonic"})
    assert train(frame, train=sparse)[0].calibration == "isotonic"


@pytest.mark.parametrize("encoder", list(ENCODERS))
def test_names_of_columns_never_clash_with_names_that_an_encoder_makes(encoder):
    rng = np.random.default_rng(1)
    nominal = {
        "g": pd.Series(rng.choice(list("abc"), 80), dtype="str"),
        "g_1": pd.Series(rng.choice(list("de"), 80), dtype="str"),
        "g_0": pd.Series(rng.choice(list("xy"), 80), dtype="str"),
        "0_1": pd.Series(rng.choice(list("xy"), 80), dtype="str"),
    }
    trained, spec = train(noise(**nominal), nominal=list(nominal), encoder=encoder)
    pds = trained.model.predict_proba(noise(**nominal)[spec.columns])[:, 1]
    assert np.isfinite(pds).all()


@pytest.mark.parametrize("name", ["self", "frame", "cls", "other", "index", "columns"])
def test_a_feature_may_have_the_name_of_an_argument(name):
    frame = noise(**{name: np.arange(80.0)})
    trained, spec = train(frame)
    folds = make_folds(frame["bad"].to_numpy(), frame["applicant"].to_numpy(), 2, 1, 1)
    with started_importance(trained.model, frame, spec.columns, folds, 1) as ranked:
        assert set(ranked()["feature"]) == {"income", name}


CONSTANT = """
import numpy as np
from tests.unit.train.test_failing_fits import noise, train
train(noise(**{f"same{i}": np.ones(80) for i in range(20)}), "scorecard", bins=3, encoder="woe")
"""


def test_constant_columns_print_no_warning_in_any_process():
    done = subprocess.run(
        [sys.executable, "-c", CONSTANT], capture_output=True, text=True, check=True
    )
    assert "constant" not in done.stderr


def test_other_warnings_are_still_shown():
    from creditrisk.modeling.fits import checked_fits

    with pytest.warns(UserWarning, match="of another kind"), checked_fits(noise(), "algorithms.lr"):
        warnings.warn("of another kind", UserWarning, stacklevel=1)

"""No leak: where the columns say nothing about the outcome, no AUC says that they do.

The outcome is shuffled, so a true AUC is 0.5. That of a sample strays from it with the standard
error sqrt((n0 + n1 + 1) / (12 n0 n1)) (Mann and Whitney 1947), for 0.3 bad: 0.031 on the 400
training rows, whose folds together are all of them, and 0.044 on the 200 test rows. Three of those
are taken for noise. A town of 200 levels, two or three applicants each, makes a leak show: an
encoder that has seen the outcomes of the rows it encodes gives them away.
"""

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from creditrisk.metrics.costs import Costs
from creditrisk.metrics.performance import compute_fold_metrics
from creditrisk.modeling.encode import ENCODERS
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.resample import RESAMPLERS
from creditrisk.train.params import TrainParams
from creditrisk.train.search import search
from creditrisk.train.single import train_single
from creditrisk.train.spec import SearchSpec

pytestmark = pytest.mark.slow

TRAIN, TEST, TOWNS = 400, 200, 200
FEATURES = {
    "numeric": ["amount", "age"],
    "nominal": ["purpose", "town"],
    "ordinal": {"grade": ["low", "mid", "high"]},
}
PREPROCESS = PreprocessParams(
    numeric_impute="median",
    nominal_impute="level",
    ordinal_impute="most_frequent",
    power_transform=False,
    scale_ordinal=True,
)
TRAINING = TrainParams(
    folds=3,
    repeats=1,
    scoring="roc_auc",
    calibration="auto",
    nested=True,
    outer_folds=2,
    inner_folds=2,
)


@pytest.fixture(autouse=True)
def one_process():
    """Starting workers takes longer than these small fits."""
    with joblib.parallel_config("sequential"):
        yield


def applicants(shuffled, seed=3):
    """Applicants whose columns do tell something, before their outcomes are shuffled."""
    rng = np.random.default_rng(seed)
    rows = TRAIN + TEST
    frame = pd.DataFrame(
        {
            "row_id": np.arange(1, rows + 1),
            "applicant": np.arange(rows),
            "amount": rng.lognormal(7, 1, rows),
            "age": rng.normal(40, 10, rows),
            "purpose": pd.Series(rng.choice(["car", "tv", "school"], rows), dtype="str"),
            "town": pd.Series(rng.integers(0, TOWNS, rows).astype(str), dtype="str"),
            "grade": pd.Series(rng.choice(["low", "mid", "high"], rows), dtype="str"),
        }
    )
    truth = -1 + 1.2 * (np.log(frame["amount"]) - 7) - 0.8 * (frame["grade"] == "high")
    bad = (rng.random(rows) < expit(truth)).astype("int8").to_numpy()
    return frame.assign(bad=rng.permutation(bad) if shuffled else bad)


def with_gaps(frame):
    """Leave out every fourth amount and every sixth grade."""
    numbers = np.arange(len(frame))
    return frame.assign(
        amount=frame["amount"].mask(numbers % 4 == 0), grade=frame["grade"].mask(numbers % 6 == 0)
    )


def noise(bad, errors=3):
    ones = int(np.sum(bad))
    zeros = len(bad) - ones
    return errors * np.sqrt((ones + zeros + 1) / (12 * ones * zeros))


def spec(encoder, resample, algorithm="lr", features=FEATURES, **values):
    candidate = {"encoder": encoder, "resample": resample} | values
    return SearchSpec(algorithm, [candidate], features, PREPROCESS, TRAINING, seed=1)


def cv_auc(oof):
    ones = np.ones(len(oof))
    return compute_fold_metrics(oof, 0.5, Costs(ones, ones))["roc_auc"].mean()


def aucs(spec, frame):
    """AUC by CV, nested and on the test rows, each as select and evaluate compute it."""
    train, test = frame.iloc[:TRAIN], frame.iloc[TRAIN:]
    candidate = train_single(spec, train, log=lambda line: None)
    outer = candidate.nested[candidate.nested["role"] == "outer"].drop(columns="fold")
    unseen = candidate.model.predict_proba(test[spec.columns])[:, 1]
    return {
        "cv": (cv_auc(candidate.oof), train["bad"]),
        "nested": (cv_auc(outer.rename(columns={"outer": "fold"})), train["bad"]),
        "test": (roc_auc_score(test["bad"], unseen), test["bad"]),
    }


CHOICES = [pytest.param(spec(e, "none", C=1.0), id=e) for e in ENCODERS]
CHOICES += [
    pytest.param(spec("onehot", r, "dt", max_depth=4), id=r) for r in RESAMPLERS if r != "none"
]
# The pairs of a supervised encoder and a resampler that makes rows.
CHOICES += [
    pytest.param(spec(e, r, C=1.0), id=f"{e}, {r}")
    for e in ("woe", "target")
    for r in ("smotenc", "random_over")
]


# The algorithms that learn bins, gaps or many small steps from the outcomes, and the indicators.
GAPS = FEATURES | {"missing": ["amount", "grade"]}
CHOICES += [
    pytest.param(spec(e, "none", algo, GAPS, **values), id=name)
    for name, e, algo, values in [
        ("scorecard", "woe", "scorecard", {"bins": 8, "monotone": "auto", "C": 1.0}),
        ("scorecard, one-hot", "onehot", "scorecard", {"bins": 5, "monotone": True, "C": 1.0}),
        ("et", "ordinal", "et", {"n_estimators": 50}),
        ("lgbm", "onehot", "lgbm", {"n_estimators": 50, "num_leaves": 7}),
        ("ebm", "woe", "ebm", {"outer_bags": 2, "interactions": 0, "max_rounds": 200}),
        ("xgb", "target", "xgb", {"n_estimators": 50, "max_depth": 3}),
        ("indicators", "onehot", "lr", {"C": 1.0, "missing_indicator": True}),
        ("indicators, svc", "onehot", "svc", {"C": 1.0, "missing_indicator": True}),
    ]
]


@pytest.mark.parametrize("spec", CHOICES)
def test_outcome_that_hangs_on_no_column_is_not_predicted(spec):
    frame = applicants(shuffled=True)
    if "missing" in spec.features:
        frame = with_gaps(frame)
    for name, (auc, bad) in aucs(spec, frame).items():
        assert abs(auc - 0.5) < noise(bad), f"{name} AUC {auc:.3f}"


@pytest.mark.parametrize("encoder", ["onehot", "woe"])
def test_outcome_that_does_is_predicted(encoder):
    # Or the bound would prove nothing.
    for auc, bad in aucs(spec(encoder, "none", C=0.1), applicants(shuffled=False)).values():
        assert auc - 0.5 > noise(bad)


def leaky(frame, encoder):
    """The nominal columns, encoded before the rows are cut into folds."""
    nominal = FEATURES["nominal"]
    codes = ENCODERS[encoder](nominal).fit_transform(frame[nominal], frame["bad"])
    features = {"numeric": [*FEATURES["numeric"], *nominal], "nominal": [], "ordinal": {}}
    by_name = dict(zip(nominal, codes.to_numpy().T, strict=True))
    return frame.assign(**by_name), features


@pytest.mark.parametrize("encoder", ["woe", "target"])
def test_encoder_fitted_outside_the_folds_would_be_noticed(encoder):
    train = applicants(shuffled=True).iloc[:TRAIN]
    encoded, features = leaky(train, encoder)
    bad = train["bad"].to_numpy()
    folds = make_folds(bad, train["applicant"], 3, 1, 1)
    _, found = search(spec("onehot", "none", features=features, C=1.0), encoded, folds)
    assert cv_auc(found.oof) - 0.5 > 2 * noise(bad)


def test_resampler_run_before_the_folds_would_be_noticed():
    train = applicants(shuffled=True).iloc[:TRAIN]
    chosen, _ = RESAMPLERS["random_over"](1, 5, []).fit_resample(train[["row_id"]], train["bad"])
    copies = train.set_index("row_id").loc[chosen["row_id"]].reset_index()
    copies["applicant"] = np.arange(len(copies))  # as if each copy were another applicant
    bad = copies["bad"].to_numpy()
    tree = spec("ordinal", "none", "dt")
    folds = make_folds(bad, copies["applicant"], 3, 1, 1)
    assert cv_auc(search(tree, copies, folds)[1].oof) - 0.5 > 2 * noise(bad)
    # The folds keep the rows of one applicant together, and the leak is gone.
    copies["applicant"] = copies["row_id"]
    folds = make_folds(bad, copies["applicant"], 3, 1, 1)
    assert abs(cv_auc(search(tree, copies, folds)[1].oof) - 0.5) < noise(bad)

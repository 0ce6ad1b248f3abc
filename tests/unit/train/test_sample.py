"""Where there are many rows: the search takes a sample, the model and its PDs all rows."""

import joblib
import numpy as np
import pandas as pd
import pytest

from creditrisk.evaluate.importance import fit_again, unfitted
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.sample import search_sample
from creditrisk.train.params import TrainParams
from creditrisk.train.single import train_single
from creditrisk.train.spec import make_spec
from creditrisk.train.trained_model import summarise

pytestmark = pytest.mark.slow

FEATURES = {"numeric": ["income"], "nominal": [], "ordinal": {}}
ROWS = 1500


def applicants(rows: int = ROWS) -> pd.DataFrame:
    """Two rows an applicant, of which the last third are bad more often."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"row_id": np.arange(rows) * 3 + 1, "applicant": np.arange(rows) // 2})
    frame["income"] = rng.normal(size=rows)
    frame["bad"] = (rng.random(rows) < 1 / (1 + np.exp(frame["income"] * 2 + 1))).astype("int8")
    return frame


def train(frame: pd.DataFrame, block: dict, **changed):
    params = {"folds": 3, "repeats": 2, "scoring": "roc_auc", "calibration": "auto"}
    params |= {"nested": True, "outer_folds": 2, "inner_folds": 2, "search_rows": 1000} | changed
    preprocess = PreprocessParams(
        numeric_impute="median",
        nominal_impute="level",
        ordinal_impute="most_frequent",
        power_transform=False,
        scale_ordinal=True,
    )
    common = (FEATURES, preprocess, TrainParams.model_validate(params), 1)
    spec = make_spec("lr", {"encoder": "onehot"} | block, *common, rows=len(frame))
    said: list[str] = []
    with joblib.parallel_config("sequential"):
        return train_single(spec, frame, log=said.append), said


def test_the_search_takes_a_sample_and_the_pds_all_rows():
    frame = applicants()
    trained, said = train(frame, {"C": [0.1, 1.0]})
    assert trained.rows["train"] == ROWS
    assert 950 <= trained.rows["search"] <= 1000
    assert sorted(trained.oof["row_id"]) == sorted(frame["row_id"])  # once each, not twice
    nested = trained.nested[trained.nested["role"] == "outer"]
    assert len(nested) == trained.rows["search"] == nested["row_id"].nunique()
    assert f"on {trained.rows['search']:,} of 1,500 rows" in said[0]
    assert summarise(trained, frame, ["income"])["rows"] == trained.rows


def test_few_rows_are_all_searched():
    frame = applicants()
    trained, said = train(frame, {"C": 1.0}, search_rows=ROWS)
    assert trained.rows == {"train": ROWS, "search": ROWS, "fit": ROWS}
    assert trained.oof.groupby("repeat").size().tolist() == [ROWS, ROWS]
    assert "rows" not in said[0]


def test_a_fit_takes_a_sample_where_the_block_says_so():
    frame = applicants()
    few, _ = train(frame, {"C": 1.0, "fit_rows": 300})
    assert few.rows["fit"] == 300
    all_rows, _ = train(frame, {"C": 1.0})
    assert all_rows.rows["fit"] == ROWS
    assert not np.allclose(few.oof["pd"], all_rows.oof["pd"])


def test_grids_and_folds_are_those_of_the_number_of_rows():
    block = {"C": 1.0, "when_rows_above": {1000: {"C": [0.1, 1.0, 10.0]}}}
    many, said = train(applicants(), block, when_rows_above={1000: {"repeats": 1, "folds": 4}})
    assert len(many.trials) == 3
    assert said[0].startswith("train@lr: 3 candidates x 4 folds x 1 repeats")
    few, said = train(applicants(900), block, when_rows_above={1000: {"repeats": 1}})
    assert len(few.trials) == 1
    assert said[0].startswith("train@lr: 1 candidates x 3 folds x 2 repeats")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_sample_holds_whole_applicants_and_the_bad_rate(seed):
    frame = applicants(6000)
    sample = search_sample(frame, 1000, seed)
    assert len(sample) <= 1000
    whole = frame.groupby("applicant").size()
    assert (sample.groupby("applicant").size() == whole[sample["applicant"].unique()]).all()
    assert sample["row_id"].is_monotonic_increasing
    # Drawn by class, so closer than by chance: its standard error would be .014.
    assert abs(sample["bad"].mean() - frame["bad"].mean()) < 0.02
    assert sample.equals(search_sample(frame, 1000, seed))
    assert not sample.equals(search_sample(frame, 1000, seed + 2))


@pytest.mark.parametrize(
    ("features", "bad_rate", "rows"),
    [
        (12, 0.2, 10_000),
        (150, 0.2, 2000),
        (300, 0.2, 1000),
        (9000, 0.2, 1000),
        (300, 0.02, 5000),
        (300, 0.99, 10_000),
        (12, 0.005, 20_000),
        (300, 0.0, 1000),
    ],
)
def test_the_sample_of_a_wide_file_has_fewer_rows_but_enough_of_each_class(
    features, bad_rate, rows
):
    plain = {"folds": 3, "repeats": 1, "scoring": "roc_auc", "calibration": "auto"}
    plain |= {"nested": True, "outer_folds": 2, "inner_folds": 2}
    assert TrainParams.model_validate(plain).sample_rows(features, bad_rate) == rows


@pytest.mark.parametrize("seed", range(6))
def test_one_applicant_with_very_many_rows_leaves_the_others_in(seed):
    frame = applicants(20_000)
    frame["applicant"] = frame["applicant"].where(frame.index >= 6000, -1)
    sample = search_sample(frame, 5000, seed)
    assert 4900 <= len(sample) <= 5000
    assert (sample.groupby("applicant").size() == frame.groupby("applicant").size()[
        sample["applicant"].unique()].sort_index()).all()  # fmt: skip
    giants = frame.assign(applicant=frame.index // 5000)
    assert len(search_sample(giants, 3000, seed)) > 0


@pytest.mark.parametrize("algo", ["knn", "svc"])
@pytest.mark.parametrize("fit_rows", [300, 900])
def test_the_model_is_fitted_on_the_rows_that_are_told_whatever_the_folds_have(algo, fit_rows):
    frame = applicants(1200)
    preprocess = PreprocessParams(
        numeric_impute="median", nominal_impute="level", ordinal_impute="most_frequent",
        power_transform=False, scale_ordinal=True,
    )  # fmt: skip
    params = {"folds": 3, "repeats": 1, "scoring": "roc_auc", "calibration": "auto"}
    params |= {"nested": False, "outer_folds": 2, "inner_folds": 2}
    block = {"encoder": "onehot", "fit_rows": fit_rows}
    common = (FEATURES, preprocess, TrainParams.model_validate(params), 1)
    with joblib.parallel_config("sequential"):
        trained = train_single(make_spec(algo, block, *common, rows=1200), frame, log=print)
    assert trained.rows["fit"] == fit_rows
    model = trained.model
    for inner in getattr(model, "calibrated_classifiers_", []):
        model = inner.estimator
    assert model.named_steps["sample"] == "passthrough"  # the model file needs none
    last = model.named_steps["model"]
    assert (last.n_samples_fit_ if algo == "knn" else last.shape_fit_[0]) == fit_rows
    # What is fitted again on a part of the rows takes them all.
    bare, income = unfitted(trained.model), frame[["income"]]
    few = fit_again(bare, income[:200], frame["bad"].to_numpy()[:200])
    assert np.isfinite(few.predict_proba(income)).all()

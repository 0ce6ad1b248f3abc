"""The preprocessing: every encoder and resampler, on data that is as bad as data gets."""

import io
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from creditrisk.modeling.encode import ENCODERS
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.pipeline import Recipe, build_pipeline, candidate_params
from creditrisk.modeling.resample import MIXED, RESAMPLERS

pytestmark = pytest.mark.slow

PARAMS = PreprocessParams(
    numeric_impute="median",
    nominal_impute="level",
    ordinal_impute="most_frequent",
    power_transform=True,
    scale_ordinal=True,
)
FREQUENT = PARAMS.model_copy(update={"nominal_impute": "most_frequent", "numeric_impute": "mean"})
FEATURES = {
    "numeric": ["amount", "same", "empty"],
    "nominal": ["purpose", "one", "blank"],
    "ordinal": {"grade": ["low", "mid", "high"], "void": ["a", "b"]},
}
COLUMNS = [*FEATURES["numeric"], *FEATURES["nominal"], *FEATURES["ordinal"]]
PURPOSES = ["car", "tv", "school", "repair", "other"]


def applicants(rows=120, seed=0):
    """Constant, all-missing and partly missing columns of every kind."""
    rng = np.random.default_rng(seed)

    def text(levels, missing):
        values = pd.Series(rng.choice(levels, rows), dtype="str")
        return values.mask(rng.random(rows) < missing)

    frame = pd.DataFrame(
        {
            "amount": np.where(rng.random(rows) < 0.1, np.nan, rng.lognormal(7, 1, rows)),
            "same": 1.0,
            "empty": np.nan,
            "purpose": text(PURPOSES, 0.1),
            "one": text(["yes"], 0),
            "blank": text(["never"], 1),
            "grade": text(["low", "mid", "high"], 0.1),
            "void": text(["a"], 1),
        }
    )
    return frame, (rng.random(rows) < 0.35).astype(int)


def pipeline(encoder="onehot", resample="none", params=PARAMS, smallest=30):
    candidate = {"encoder": encoder, "resample": resample}
    settings = candidate_params(Recipe(FEATURES, params), candidate, {"C": 0.5}, (90, smallest))
    return build_pipeline(LogisticRegression(max_iter=2000)).set_params(**settings)


def encoded(fitted, frame):
    steps = fitted.named_steps
    return steps["encode"].transform(steps["impute"].transform(frame))


# One of them alone, each with a common partner: the two choices do not meet in the code.
CHOICES = [(encoder, "none") for encoder in ENCODERS]
CHOICES += [("onehot", resample) for resample in RESAMPLERS if resample != "none"]


@pytest.mark.parametrize("params", [PARAMS, FREQUENT], ids=["level", "most frequent"])
@pytest.mark.parametrize(("encoder", "resample"), CHOICES)
def test_every_entry_fits_and_predicts_rows_as_bad_as_they_come(encoder, resample, params):
    frame, bad = applicants()
    fitted = pipeline(encoder, resample, params).fit(frame, bad)
    new, _ = applicants(30, seed=5)
    new.loc[0, "purpose"] = "a boat"  # a level that nobody has seen
    new.loc[1, "grade"] = "none of these"
    new.loc[2] = np.nan
    pds = fitted.predict_proba(new)[:, 1]
    assert np.isfinite(pds).all()
    assert ((pds >= 0) & (pds <= 1)).all()
    assert pds.std() > 0


@pytest.mark.parametrize(("encoder", "resample"), CHOICES)
def test_prediction_of_a_row_hangs_on_no_other_row(encoder, resample):
    frame, bad = applicants()
    fitted = pipeline(encoder, resample).fit(frame, bad)
    new, _ = applicants(25, seed=6)
    new.loc[3, "purpose"] = "a boat"
    together = fitted.predict_proba(new)[:, 1]
    alone = np.concatenate([fitted.predict_proba(new.iloc[[i]])[:, 1] for i in range(25)])
    assert alone == pytest.approx(together, abs=1e-12)
    order = np.random.default_rng(0).permutation(25)
    assert fitted.predict_proba(new.iloc[order])[:, 1] == pytest.approx(together[order], abs=1e-12)
    # Nor on the order of the columns: they are taken by name.
    assert np.array_equal(fitted.predict_proba(new[new.columns[::-1]])[:, 1], together)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_leaves_finite_numbers_and_no_text(encoder):
    frame, bad = applicants()
    values = np.asarray(encoded(pipeline(encoder).fit(frame, bad), frame), dtype="float64")
    assert np.isfinite(values).all()
    assert len(values) == len(frame)


@pytest.mark.parametrize("encoder", ["onehot", "binary"])
def test_nominal_levels_become_columns_of_zeros_and_ones(encoder):
    # category_encoders, left to guess, encodes nothing after an imputer has changed the types.
    frame, bad = applicants()
    values = encoded(pipeline(encoder).fit(frame, bad), frame)
    # Five purposes and missing make six codes; one and blank are constant.
    width = {"onehot": 6 + 1 + 1, "binary": 3 + 1 + 1}[encoder]
    assert values.shape[1] == 3 + width + 2
    codes = np.asarray(values, dtype="float64")[:, 3 : 3 + width]
    assert set(np.unique(codes)) == {0.0, 1.0}
    purposes = frame["purpose"].fillna("missing")
    patterns = {level: {tuple(row) for row in codes[purposes == level]} for level in set(purposes)}
    assert all(len(rows) == 1 for rows in patterns.values())  # a level is one code
    assert len({next(iter(rows)) for rows in patterns.values()}) == 6  # and no other's


def test_missing_level_is_told_apart_only_where_it_is_asked_for():
    frame, bad = applicants()
    row = frame.iloc[[0]].assign(purpose="car")
    void = row.assign(purpose=pd.Series([None], index=row.index, dtype="str"))
    most = frame["purpose"].mode()[0]
    level, frequent = (pipeline(params=p).fit(frame, bad) for p in (PARAMS, FREQUENT))
    assert encoded(level, void).tolist() != encoded(level, row.assign(purpose=most)).tolist()
    assert encoded(frequent, void).tolist() == encoded(frequent, row.assign(purpose=most)).tolist()


def test_ordinals_are_ranked_in_the_schemas_order():
    frame, bad = applicants()
    ranks = encoded(pipeline().fit(frame, bad), frame)[:, -2]
    means = pd.Series(ranks).groupby(frame["grade"]).mean()
    assert means["low"] < means["mid"] < means["high"]


@pytest.mark.parametrize("encoder", ["woe", "target"])
def test_supervised_encoders_learn_the_outcome_and_the_others_do_not(encoder):
    frame, bad = applicants()
    flipped = 1 - bad
    codes = [encoded(pipeline(encoder).fit(frame, y), frame) for y in (bad, flipped)]
    assert not np.allclose(*codes)
    plain = [encoded(pipeline("binary").fit(frame, y), frame) for y in (bad, flipped)]
    assert np.allclose(*plain)


@pytest.mark.parametrize("resample", [r for r in RESAMPLERS if r != "none"])
def test_every_resampler_evens_the_classes_out_in_the_fit_alone(resample):
    frame, bad = applicants()
    fitted = pipeline("onehot", resample).fit(frame, bad)
    step = "resample_mixed" if resample in MIXED else "resample"
    before = encoded(fitted, frame)
    rows = fitted.named_steps["impute"].transform(frame) if resample in MIXED else before
    _, outcome = clone(fitted.named_steps[step]).fit_resample(rows, bad)
    share = np.mean(outcome)
    assert abs(share - 0.5) < abs(bad.mean() - 0.5) / 3
    assert len(fitted.predict_proba(frame)) == len(frame)


@pytest.mark.parametrize("resample", RESAMPLERS)
def test_resamplers_look_at_no_more_neighbours_than_there_are(resample):
    frame, bad = applicants(60)
    bad = np.zeros(60, dtype=int)
    bad[:4] = 1
    pipeline("onehot", resample, smallest=4).fit(frame, bad)


class Loader(pickle.Unpickler):
    """Loads a pickle and notes the modules that it asks for."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.modules = set()

    def find_class(self, module, name):
        self.modules.add(module)
        return super().find_class(module, name)


@pytest.mark.parametrize(("encoder", "resample"), CHOICES)
def test_fitted_pipelines_pickle_with_public_classes_only(encoder, resample):
    frame, bad = applicants()
    fitted = pipeline(encoder, resample).fit(frame, bad)
    data = pickle.dumps(fitted)
    assert b"creditrisk" not in data
    loader = Loader(data)
    again = loader.load()
    roots = {module.split(".")[0] for module in loader.modules}
    assert {"sklearn", "imblearn"} <= roots
    assert "creditrisk" not in roots
    assert roots <= {
        "sklearn", "imblearn", "category_encoders", "numpy", "pandas", "pyarrow", "scipy",
        "builtins", "collections", "copyreg", "_codecs", "functools",
    }  # fmt: skip
    assert np.array_equal(again.predict_proba(frame), fitted.predict_proba(frame))

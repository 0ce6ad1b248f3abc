"""Missing values: indicators, numbers left as they are, monotone constraints, samples of rows."""

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.modeling.blocks import grid, relevant_candidates
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.registry import algorithm, names
from creditrisk.train.calibrate import raw_scores
from tests.support.champions import PARAMS, pipeline

pytestmark = pytest.mark.slow

FEATURES = {
    "numeric": ["income", "age"],
    "nominal": ["home"],
    "ordinal": {"grade": ["low", "mid", "high"]},
    "missing": ["income", "grade"],
}
COLUMNS = ["income", "age", "home", "grade"]
SINGLE = [name for name in names() if algorithm(name).family == "single"]
# A few rounds, so that a fit takes no time.
QUICK = {
    "rf": {"n_estimators": 10},
    "et": {"n_estimators": 10},
    "xgb": {"n_estimators": 20, "max_depth": 2},
    "lgbm": {"n_estimators": 20},
    "ebm": {"max_rounds": 100, "outer_bags": 1, "interactions": 0},
    "mlp": {"hidden_layer_sizes": [4], "solver": "lbfgs", "alpha": 1.0, "max_iter": 500},
    "scorecard": {"encoder": "woe", "bins": 5},
}


def applicants(rows=1500, seed=0):
    """Those who leave out their income are riskier than anybody who states it."""
    rng = np.random.default_rng(seed)
    income, age = rng.lognormal(8, 0.5, rows), rng.uniform(20, 70, rows)
    grade = pd.Series(rng.choice(["low", "mid", "high"], rows), dtype="str")
    absent = rng.random(rows) < 0.25
    risk = np.where(absent, 0.7, 0.15 + 0.1 * (income < 2500))
    frame = pd.DataFrame(
        {
            "income": np.where(absent, np.nan, income),
            "age": age,
            "home": pd.Series(rng.choice(["own", "rent"], rows), dtype="str"),
            "grade": grade.mask(rng.random(rows) < 0.1),
        }
    )
    return frame, (rng.random(rows) < risk).astype(int)


def fitted(algo, features=FEATURES, **values):
    frame, bad = applicants()
    return pipeline(algo, QUICK.get(algo, {}) | values, features).fit(frame, bad)


def gap(model):
    """How much riskier an applicant is for leaving out the income, on average."""
    frame, _ = applicants(seed=1)
    known = frame[frame["income"].notna()]
    scores = [raw_scores(model, rows)[0] for rows in (known, known.assign(income=np.nan))]
    return float(np.mean(scores[1] - scores[0]))


def encoded(model, frame):
    steps = model.named_steps
    return np.asarray(steps["encode"].transform(steps["impute"].transform(frame)), dtype=float)


@pytest.mark.parametrize("algo", [n for n in SINGLE if algorithm(n).handles_missing])
def test_estimators_that_handle_missing_numbers_get_them_as_they_are(algo):
    model = fitted(algo)
    frame, _ = applicants()
    numbers = encoded(model, frame)
    assert np.isnan(numbers).sum() == frame[["income", "grade"]].isna().sum().sum()
    assert gap(model) > 0.2


@pytest.mark.parametrize("algo", [n for n in SINGLE if not algorithm(n).handles_missing])
def test_the_others_learn_it_from_an_indicator(algo):
    if algo == "scorecard":
        assert gap(fitted(algo)) > 0.2  # missing is a bin
        return
    plain, told = (fitted(algo, missing_indicator=on) for on in (False, True))
    width = [encoded(model, applicants()[0]).shape[1] for model in (plain, told)]
    assert width[1] == width[0] + 2
    assert gap(told) > 0.2
    assert gap(told) > gap(plain) + 0.1


@pytest.mark.parametrize("resample", ["smote", "smotenc", "adasyn", "nearmiss"])
def test_where_distances_are_measured_missing_numbers_are_imputed(resample):
    assert not np.isnan(encoded(fitted("xgb", resample=resample), applicants()[0])).any()


def test_auto_searches_indicators_only_where_they_can_help():
    params = PreprocessParams(**PARAMS["preprocess"])
    block = {"C": [0.1, 1.0]}

    def count(algo, block, features=FEATURES, **changed):
        some = params.model_copy(update=changed)
        handles = algorithm(algo).handles_missing
        return relevant_candidates(grid(algo, block, 1), features, some, handles)

    assert len(count("lr", block)) == 4
    assert len(count("lr", block, FEATURES | {"missing": []})) == 2
    assert len(count("lr", block, FEATURES | {"missing": ["home"]})) == 2  # a level of its own
    assert len(count("lr", block | {"bins": 4})) == 2
    assert len(count("lr", block | {"missing_indicator": False})) == 2
    assert len(count("xgb", {"max_depth": [2, 3]})) == 2
    assert len(count("xgb", {"resample": ["none", "smote"]})) == 1 + 2
    assert all(c["missing_indicator"] for c in count("xgb", {}, missing_indicator=True))
    assert not any(c["missing_indicator"] for c in count("lr", block, missing_indicator=False))


@pytest.mark.parametrize("encoder", ["onehot", "woe"])
@pytest.mark.parametrize("algo", ["xgb", "lgbm", "ebm"])
@pytest.mark.parametrize("way", [1, -1])
def test_the_risk_goes_the_way_that_the_schema_says(algo, way, encoder):
    rng = np.random.default_rng(3)
    frame, _ = applicants()
    bad = (rng.random(len(frame)) < 0.1 + 0.5 * np.abs(frame["age"] - 45) / 25).astype(int)
    features = FEATURES | {"monotone": {"age": way}, "levels": {"home": ["own", "rent"]}}
    model = pipeline(algo, QUICK[algo] | {"encoder": encoder}, features).fit(frame, bad)
    free = pipeline(algo, QUICK[algo] | {"encoder": encoder}, FEATURES).fit(frame, bad)
    ages = pd.concat([frame.iloc[[5]]] * 60, ignore_index=True).assign(age=np.linspace(20, 70, 60))
    steps = np.diff(model.predict_proba(ages)[:, 1])
    assert (way * steps >= -1e-9).all()
    assert (way * steps).max() > 0
    assert (way * np.diff(free.predict_proba(ages)[:, 1])).min() < -1e-3


@pytest.mark.parametrize("algo", ["knn", "svc", "lr"])
def test_a_fit_takes_no_more_rows_than_it_is_told(algo):
    frame, bad = applicants()
    blank = pipeline(algo, {}, FEATURES, fit_rows=300, classes=(900, 300))
    sampled = blank.fit(frame, bad)
    rows, outcomes = sampled.named_steps["sample"].fit_resample(frame, bad)
    assert len(rows) == 300
    assert outcomes.mean() == pytest.approx(bad.mean(), abs=0.01)
    assert set(rows.index) <= set(frame.index)
    assert rows["home"].dtype == frame["home"].dtype
    # A fold may have fewer rows than are asked for: all are taken.
    part = blank.fit(frame[:250], bad[:250])
    rows, _ = part.named_steps["sample"].fit_resample(frame[:250], bad[:250])
    assert len(rows) == 250
    few = pipeline(algo, {}, FEATURES, fit_rows=300, classes=(200, 100))
    assert few.named_steps["sample"] == "passthrough"


def test_a_nominal_column_that_loses_its_missing_values_has_an_indicator():
    features = FEATURES | {"missing": ["home"]}
    frame, bad = applicants()
    frame["home"] = frame["home"].mask(frame["income"].isna())
    asked = {"nominal_impute": "most_frequent"}
    for algo in ("lr", "rf"):
        params = PreprocessParams(**PARAMS["preprocess"] | asked)
        block = grid(algo, QUICK.get(algo, {}), 1)
        found = relevant_candidates(block, features, params, algorithm(algo).handles_missing)
        assert [c["missing_indicator"] for c in found] == [False, True]
    told = pipeline("lr", {"missing_indicator": True}, features, **asked).fit(frame, bad)
    not_told = pipeline("lr", {"missing_indicator": False}, features, **asked).fit(frame, bad)
    rows = frame[["income", "age", "home", "grade"]].assign(income=3000.0, home="own")
    for model, higher in ((told, True), (not_told, False)):
        gone = model.predict_proba(rows.assign(home=pd.Series([np.nan] * len(rows), dtype="str")))
        assert ((gone - model.predict_proba(rows))[:, 1].mean() > 0.2) == higher


@pytest.mark.parametrize("algo", ["xgb", "lgbm", "ebm"])
def test_a_level_that_is_called_missing_is_the_level_of_missing_values(algo):
    frame, bad = applicants()
    frame["home"] = frame["home"].mask(frame["home"] == "own", "missing")
    features = FEATURES | {"monotone": {"age": 1}, "levels": {"home": ["missing", "rent"]}}
    model = pipeline(algo, QUICK[algo] | {"encoder": "onehot"}, features).fit(frame, bad)
    gone = frame.assign(home=frame["home"].mask(frame["home"] == "missing"))
    assert np.array_equal(model.predict_proba(gone), model.predict_proba(frame))


@pytest.mark.parametrize(
    ("block", "features", "words"),
    [
        ({"encoder": "binary"}, {}, "encoder: binary does not go with `monotone` in the schema"),
        ({"many_levels": "merge"}, {"many": ["home"]}, "many_levels: merge does not go with"),
    ],
)
def test_an_encoder_whose_width_is_not_known_is_refused_with_directions(block, features, words):
    directed = {"monotone": {"age": 1}, "levels": {"home": ["own", "rent"]}} | features
    with pytest.raises(InputError, match=words):
        pipeline("xgb", block, FEATURES | directed)
    pipeline("xgb", block, FEATURES | features)


def test_ordinal_numbers_the_codes_as_numbers_if_they_are_numbers():
    rng = np.random.default_rng(4)
    codes = [str(n) for n in range(12)]
    home = pd.Series(rng.choice(codes, 600), dtype="str")
    frame = pd.DataFrame({"home": home})
    features = {
        "numeric": [],
        "nominal": ["home"],
        "ordinal": {},
        "levels": {"home": sorted(codes)},
    }
    model = pipeline("dt", {"encoder": "ordinal"}, features).fit(frame, home.astype(int) > 5)
    one_of_each = pd.DataFrame({"home": pd.Series([*codes, None, "99"], dtype="str")})
    numbers = model[:-1].transform(one_of_each).ravel()
    assert numbers.tolist() == [*range(13), -1]


def collinear(rows=3000, seed=6):
    """The debt says nothing that the income does not say better, so its free weight is negative."""
    rng = np.random.default_rng(seed)
    income = rng.normal(size=rows)
    debt = income + 0.5 * rng.normal(size=rows)
    bad = rng.random(rows) < 1 / (1 + np.exp(1 - 2.5 * income + 1.2 * debt))
    few = rng.random(rows) < 0.01
    return pd.DataFrame({"income": income, "debt": np.where(few, np.nan, debt)}), bad.astype(int)


@pytest.mark.parametrize("encoder", ["woe", "target"])
def test_a_scorecard_has_no_merit_in_risk_or_silence(encoder):
    frame, bad = collinear()
    features = {"numeric": ["income", "debt"], "nominal": [], "ordinal": {}}
    block = {"encoder": encoder, "bins": 6}
    directed = features | {"monotone": {"debt": 1}}
    model = pipeline("scorecard", block, directed).fit(frame, bad)
    free = pipeline("scorecard", block, directed).set_params(model__positive=False).fit(frame, bad)
    debts = pd.DataFrame({"income": 0.0, "debt": [*np.linspace(-3, 3, 61), np.nan]})
    pds, free_pds = (m.predict_proba(debts)[:, 1] for m in (model, free))
    assert (np.diff(pds[:-1]) >= 0).all()
    assert pds[-1] >= pds[:-1].max()
    assert np.diff(free_pds[:-1]).min() < -0.01
    assert free_pds[-1] < free_pds[:-1].max()

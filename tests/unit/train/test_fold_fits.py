"""All candidates of a fold at once: bit for bit what scikit-learn's search says of each alone."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from creditrisk.core.workers import workers
from creditrisk.modeling.fits import FitFailed, quiet_fits
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.registry import algorithm
from creditrisk.train import fold_fits, grown
from creditrisk.train.calibrate import raw_scores
from creditrisk.train.out_of_fold import lines, out_of_fold
from creditrisk.train.params import TrainParams
from creditrisk.train.search import GridFits
from creditrisk.train.spec import SearchSpec

FEATURES = {
    "numeric": ["amount", "age"],
    "nominal": ["purpose", "town"],
    "ordinal": {"grade": ["low", "mid", "high"]},
    "missing": ["amount", "grade"],
    "many": ["town"],
}
PREPROCESS = PreprocessParams(
    numeric_impute="median", nominal_impute="level", ordinal_impute="most_frequent",
    power_transform=True, scale_ordinal=True,
)  # fmt: skip
# Every algorithm; encoders, resamplers, bins and samples of rows between them.
GRIDS = {
    "lr": {"encoder": ["onehot", "woe", "binary"],
           "resample": ["none", "smotenc", "random_over"], "C": [0.1, 1]},
    "scorecard": {"encoder": "woe", "bins": [3, 5], "monotone": "auto", "C": [0.1, 1]},
    "dt": {"encoder": "target", "resample": "smote", "many_levels": ["merge", "target"],
           "max_depth": [2, 4]},
    "rf": {"encoder": "ordinal", "n_estimators": [3, 8], "max_depth": [3, 5]},
    "et": {"bootstrap": True, "max_samples": 0.5, "n_estimators": [9, 4, 2]},
    "xgb": {"n_estimators": [6, 15], "subsample": 0.7, "colsample_bytree": 0.5},
    "lgbm": {"n_estimators": [6, 15], "subsample": 0.7, "subsample_freq": 1},
    "ebm": {"max_rounds": [20, 40], "outer_bags": 2, "interactions": 0},
    "knn": {"resample": ["none", "smote"], "n_neighbors": [5, 9]},
    "mlp": {"hidden_layer_sizes": [[4]], "alpha": [1.0, 5.0], "max_iter": 60},
    "svc": {"C": [0.5, 2.0], "missing_indicator": [False, True]},
}  # fmt: skip


def applicants(count: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    numbers = np.arange(count)
    frame = pd.DataFrame(
        {
            "amount": np.where(numbers % 7, rng.lognormal(7, 1, count), np.nan),
            "age": rng.normal(40, 10, count),
            "purpose": pd.Series(rng.choice(["car", "tv", "school"], count), dtype="str"),
            "town": pd.Series(rng.integers(0, 40, count).astype(str), dtype="str"),
            "grade": pd.Series(rng.choice(["low", "mid", "high"], count), dtype="str"),
        }
    )
    frame["grade"] = frame["grade"].mask(numbers % 9 == 0)
    risk = -0.7 + 0.05 * (frame["age"] - 40) + (frame["purpose"] == "car")
    return frame.assign(bad=(rng.random(count) < 1 / (1 + np.exp(-risk))).astype("int8"))


def candidates_of(name: str) -> list[dict]:
    values = {"encoder": "onehot", "resample": "none"} | GRIDS[name]
    axes = {key: one if isinstance(one, list) else [one] for key, one in values.items()}
    return [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]


def spec_of(name: str, scoring: str = "roc_auc", fit_rows: int | None = None) -> SearchSpec:
    train = TrainParams(
        folds=3, repeats=1, scoring=scoring, calibration="auto", nested=False, outer_folds=2,
        inner_folds=2,
    )  # fmt: skip
    candidates = candidates_of(name)
    return SearchSpec(name, candidates, FEATURES, PREPROCESS, train, seed=1, fit_rows=fit_rows)


def both(spec: SearchSpec, parts: int = 1) -> tuple[GridSearchCV, GridFits, GridSearchCV]:
    """The search of scikit-learn, ours, and what ours hands to whoever records searches."""
    frame = applicants()
    rows, bad = frame[spec.columns], frame["bad"].to_numpy()
    folds = make_folds(bad, np.arange(len(frame)), 3, 1, 1)
    seen: list[GridSearchCV] = []
    with workers((rows, bad)) as pool:
        fits = GridFits(spec, pool, (rows, bad), np.arange(len(frame)), folds, parts)
        fits.best(lambda grid, *_: seen.append(grid))
    alone = GridSearchCV(
        spec.pipeline(),
        [{key: [value] for key, value in setting.items()} for setting in fits.settings],
        scoring=fits.scoring, cv=[(fold.train, fold.test) for fold in folds], refit=False,
        error_score="raise",
    )  # fmt: skip
    with quiet_fits():
        alone.fit(rows, bad)
    return alone, fits, seen[0]


@pytest.mark.slow
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("name", GRIDS)
def test_search_is_bit_for_bit_the_one_of_scikit_learn(name: str, parts: int):
    alone, _, ours = both(spec_of(name, fit_rows=120 if name in ("knn", "mlp") else None), parts)
    compared = [key for key in alone.cv_results_ if "score" in key and "time" not in key]
    assert {"mean_test_score", "std_test_score", "rank_test_score", "split2_test_score"} < {
        *compared
    }
    for key in compared:
        assert ours.cv_results_[key].tobytes() == alone.cv_results_[key].tobytes(), key
        assert ours.cv_results_[key].dtype == alone.cv_results_[key].dtype
    assert ours.best_index_ == alone.best_index_
    assert ours.best_score_ == alone.best_score_
    assert ours.best_params_ == ours.cv_results_["params"][alone.best_index_]
    times = {key for key in alone.cv_results_ if "time" in key}
    assert times == {key for key in ours.cv_results_ if "time" in key}


@pytest.mark.parametrize("scoring", ["average_precision", "neg_brier_score", "neg_log_loss"])
@pytest.mark.parametrize("name", ["lr", "svc", "rf"])
def test_other_scores_are_those_of_scikit_learn_too(name: str, scoring: str):
    alone, _, ours = both(spec_of(name, scoring))
    assert (ours.cv_results_["mean_test_score"] == alone.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("name", ["lr", "rf", "svc"])
def test_best_candidate_need_not_be_fitted_again_to_know_what_it_says_out_of_fold(name: str):
    spec = spec_of(name)
    frame = applicants()
    rows, bad = frame[spec.columns], frame["bad"].to_numpy()
    folds = make_folds(bad, np.arange(len(frame)), 3, 1, 1)
    with workers((rows, bad)) as pool:
        fits = GridFits(spec, pool, (rows, bad), np.arange(len(frame)), folds)
        best = fits.best()
    known, _ = fits.out_of_fold(best)
    again, _ = out_of_fold(spec.candidate_pipeline(best.candidate, bad, folds), rows, bad, folds)
    pd.testing.assert_frame_equal(known, again, check_exact=True)
    model = clone(spec.candidate_pipeline(best.candidate, bad, folds))
    model.fit(rows.iloc[folds[1].train], bad[folds[1].train])
    score, pds = raw_scores(model, rows.iloc[folds[1].test])
    here = known["fold"] == 1
    assert (known.loc[here, "score"] == score).all()
    assert known.loc[here, "probability"].equals(pd.Series(pds, index=known.index[here]))


def test_each_step_runs_once_for_all_candidates_that_share_it(monkeypatch: pytest.MonkeyPatch):
    ran: list[str] = []
    whole = fold_fits._after

    def counted(step, part, candidate):
        if step != "passthrough":
            ran.append(type(step).__name__)
        return whole(step, part, candidate)

    monkeypatch.setattr(fold_fits, "_after", counted)
    both(spec_of("lr"))
    # In each of 3 folds: of "none" and "random_over" one imputer that all encoders share, of
    # "smotenc" its own; three encoders of each; "random_over" after each encoder.
    assert ran.count("SMOTENC") == 3
    assert ran.count("RandomOverSampler") == 9
    assert ran.count("ColumnTransformer") == 3 * (2 + 3 + 3)


@pytest.mark.parametrize("name", ["rf", "et", "xgb", "lgbm"])
def test_of_models_that_differ_in_trees_alone_the_largest_is_grown(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    spec = spec_of(name)
    kind = type(algorithm(name).build(1))
    fitted: list[int] = []
    fit = kind.fit

    def counted(self, *args, **options):
        fitted.append(self.n_estimators)
        return fit(self, *args, **options)

    monkeypatch.setattr(kind, "fit", counted)
    frame = applicants(80)
    rows, bad = frame[spec.columns], frame["bad"].to_numpy()
    folds = make_folds(bad, np.arange(80), 3, 1, 1)
    with workers((rows, bad)) as pool:
        GridFits(spec, pool, (rows, bad), np.arange(80), folds).best()
    most = max(one["n_estimators"] for one in spec.candidates)
    others = {one.get("max_depth") for one in spec.candidates}
    assert fitted == [most] * 3 * len(others)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("lgbm", {"boosting_type": "dart"}), ("xgb", {"booster": "dart"}),
        ("xgb", {"early_stopping_rounds": 3}), ("xgb", {"num_parallel_tree": 2}),
        ("rf", {"warm_start": True}), ("dt", {}), ("lr", {}),
    ],
)  # fmt: skip
def test_where_later_trees_change_earlier_ones_each_model_is_fitted(name: str, params: dict):
    model = algorithm(name).build(1).set_params(**params)
    assert grown.grow_key(model) != grown.grow_key(clone(model))


class Odd(StandardScaler):
    """Warns, or fails, as a library might."""

    def __init__(self, problem: str = ""):
        super().__init__()
        self.problem = problem

    def fit(self, X, y=None, sample_weight=None):
        if self.problem == "error":
            raise RuntimeError("too odd")
        if self.problem:
            kind = ConvergenceWarning if self.problem == "stopped" else UserWarning
            warnings.warn(self.problem, kind, stacklevel=2)
        return super().fit(X, y)


def odd(problem: str) -> dict[int, fold_fits.FoldScore]:
    frame = applicants(60)[["age"]]
    bad = np.tile([0, 1], 30)
    fold = make_folds(bad, np.arange(60), 3, 1, 1)[0]
    plain = Pipeline([("scale", Odd()), ("model", RandomForestClassifier(2, random_state=0))])
    other = clone(plain).set_params(scale__problem=problem)
    return fold_fits.fit_fold((frame, bad), [(4, plain), (7, other)], fold, "roc_auc", False)


def test_a_step_that_stops_early_marks_the_candidates_that_use_it():
    assert {number: one.stopped for number, one in odd("stopped").items()} == {4: False, 7: True}


def test_a_fit_that_fails_names_its_candidate():
    with pytest.raises(FitFailed) as failed:
        odd("error")
    assert (failed.value.candidate, failed.value.problem) == (7, "RuntimeError: too odd")


def test_other_warnings_are_shown():
    with pytest.warns(UserWarning, match="very odd"):
        odd("very odd")


def test_scores_that_nobody_asked_for_are_not_kept():
    assert all(one.score.size == 0 for one in odd("").values())
    with pytest.raises(ValueError, match="length"):
        lines(list(odd("").values()), make_folds(np.tile([0, 1], 30), np.arange(60), 3, 1, 1)[:2],
              np.tile([0, 1], 30))  # fmt: skip

"""Special codes and columns with very many levels, in models, scorecard, importance and reasons."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.baseline import baseline_applicant
from creditrisk.champion.contributions import Explainer
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.predict import Predictor
from creditrisk.champion.scorecard import scorecard
from creditrisk.core.columns import NO_CODE
from creditrisk.eda.adjust import EdaParams, learn
from creditrisk.featurize import FeaturizeParams, manifest
from creditrisk.modeling.blocks import grid, relevant_candidates
from creditrisk.modeling.encode import ENCODERS
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.resample import RESAMPLERS
from creditrisk.schema import parse_schema
from creditrisk.score.reasons import Cells, main_reasons, reasons_texts, value_formatter
from tests.support.champions import PARAMS, baseline_row, default_pd, pipeline

pytestmark = pytest.mark.slow

SCALE = ScorecardParams(base_points=600, base_odds=50, pdo=20, digits=None)
SCHEMA = parse_schema(
    {
        "name": "t",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {
            "late": {
                "name": "late",
                "kind": "numeric",
                "special": {"96": "other", "98": "refused"},
            },
            "x": {"name": "x", "kind": "numeric"},
            "job": {"name": "job", "kind": "nominal"},
            "home": {"name": "home", "kind": "nominal", "levels": ["own", "rent"]},
            "url": {"name": "url", "kind": "nominal"},
        },
    },
    "t.yaml",
)


@cache
def applicants(count: int = 1500) -> pd.DataFrame:
    """Codes are riskier than numbers; some of 300 jobs are riskier than others."""
    rng = np.random.default_rng(4)
    late = rng.choice([0.0, 1.0, 2.0, np.nan], count)
    codes = np.where(rng.random(count) < 0.2, rng.choice(["96", "98"], count), NO_CODE)
    late[codes != NO_CODE] = np.nan
    job = rng.integers(0, 300, count)
    risk = -1.5 + (codes == "98") * 1.5 + (job % 3 == 0) * 1.0 + rng.normal(size=count)
    return pd.DataFrame(
        {
            "late": late,
            "x": rng.normal(size=count),
            "job": pd.Series([f"job {number}" for number in job], dtype="str"),
            "home": pd.Series(rng.choice(["own", "rent"], count), dtype="str"),
            "special.late": pd.Series(codes, dtype="str"),
            "url": pd.Series([f"u{i}" for i in range(count)], dtype="str"),
            "bad": (risk > 0).astype(int),
        }
    )


FEATURES = manifest(SCHEMA, FeaturizeParams(derived={}), applicants())
COLUMNS = [*FEATURES["numeric"], *FEATURES["nominal"], *FEATURES["ordinal"]]


def fitted(algo="lr", encoder="onehot", resample="none", bins=None, many=None, **values):
    candidate = values | {"encoder": encoder, "resample": resample}
    candidate |= {"bins": bins} if bins else {}
    candidate |= {"many_levels": many} if many else {}
    rows = applicants()
    return pipeline(algo, candidate, FEATURES).fit(rows[COLUMNS], rows["bad"])


def test_a_unique_text_is_no_feature_unless_forced():
    assert "url" not in COLUMNS
    assert FEATURES["many"] == ["job"]
    assert "1,500 different texts in 1,500" in FEATURES["left_out"]["url"]
    tree = SCHEMA.model_dump(exclude_defaults=True)
    tree["columns"]["url"]["force"] = "true"
    forced = manifest(parse_schema(tree, "t.yaml"), FeaturizeParams(derived={}), applicants())
    assert "url" in forced["many"]


def test_columns_with_rare_levels_only_are_left_to_the_models():
    assert "job" not in learn(applicants(), SCHEMA, EdaParams())["merges"]


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("many", ["target", "merge"])
def test_many_levels_are_few_columns_under_any_encoder(encoder, many):
    model = fitted(encoder=encoder, many=many)
    rows = applicants()[COLUMNS].head(20)
    assert len(model[-1].coef_.ravel()) <= 60
    unseen = rows.assign(job=pd.Series(["a new job"] * 20, dtype="str"))
    assert np.isfinite(model.predict_proba(unseen)).all()
    # The tables by distinct texts give the same as the pipeline.
    assert default_pd(model, rows) == pytest.approx(model.predict_proba(rows)[:, 1], abs=1e-12)


@pytest.mark.parametrize("resample", RESAMPLERS)
def test_many_levels_go_with_any_resampler(resample):
    assert np.isfinite(fitted(resample=resample).predict_proba(applicants()[COLUMNS])).all()


def test_the_search_tries_both_only_where_it_makes_a_difference():
    candidates = grid("lr", {"C": [0.1, 1.0], "many_levels": ["target", "merge"]}, 42)
    common = (PreprocessParams(**PARAMS["preprocess"]), True)
    assert len(relevant_candidates(candidates, FEATURES, *common)) == 4
    few = relevant_candidates(candidates, FEATURES | {"many": []}, *common)
    assert len(few) == 2
    assert all("many_levels" not in candidate for candidate in few)


def line_of(lines, row, name):
    """Find the line of an applicant as a clerk would, by the table alone."""
    code = row["special.late"] if name == "late" else NO_CODE
    if code != NO_CODE:
        fits = lines[lines["code"] == code]
    elif pd.isna(row[name]):
        fits = lines[lines["bin"] == "missing"]
    elif isinstance(row[name], str):
        fits = lines[lines["code"] == row[name]]
        rare = lines["bin"].str.endswith("rare levels")
        fits = (
            fits if len(fits) else lines[rare if rare.any() else lines["bin"] == "any other level"]
        )
    else:
        fits = lines[~(lines["low"] > row[name]) & ~(lines["high"] <= row[name])]
        fits = fits[(fits["bin"] != "missing") & (fits["code"] == "")]
    assert len(fits) == 1, (name, row[name], fits)
    return float(fits["points"].iloc[0])


@pytest.mark.parametrize("encoder", ["woe", "onehot"])
@pytest.mark.parametrize("many", [None, "target"])
def test_the_lines_of_the_scorecard_add_up(encoder, many):
    model = fitted("scorecard", encoder, bins=3, many=many, C=0.3)
    rows = applicants()
    card = scorecard(model, rows, FEATURES, SCHEMA, SCALE)
    assert list(card["variable"].unique()) == ["late", "x", "job", "home"]
    own = card[card["variable"] == "late"].set_index("bin")
    assert own.loc["refused", "code"] == "98"
    assert own.loc["refused", "rows"] == (rows["special.late"] == "98").sum()
    assert own.loc["refused", "points"] < own.loc["other", "points"]  # riskier: fewer points
    missing = rows["late"].isna() & (rows["special.late"] == NO_CODE)
    assert own.loc["missing", "rows"] == missing.sum()
    assert set(card.groupby("variable")["rows"].sum()) == {len(rows)}
    some = rows.head(150)
    found = SCALE.points(default_pd(model, some[COLUMNS]))
    by_hand = [
        sum(
            line_of(card[card["variable"] == name], row, name)
            for name in ("late", "x", "job", "home")
        )
        for row in some.to_dict("records")
    ]
    assert by_hand == pytest.approx(found, abs=1e-8)


def test_a_reason_names_the_code_by_its_meaning():
    model = fitted(C=1.0)
    rows = applicants()[COLUMNS]
    baseline = baseline_row(baseline_applicant(applicants(), FEATURES), rows)
    some = rows[applicants()["special.late"] == "98"].head(5)
    found = Explainer(Predictor(model), baseline).contributions(some)
    assert list(found.shares) == ["late", "x", "job", "home"]
    total = found.shares.sum(axis=1) + found.base
    odds = np.log(default_pd(model, some) / (1 - default_pd(model, some)))
    assert total.to_numpy() == pytest.approx(odds)
    columns = {name: some[name].to_numpy(dtype=object) for name in some}
    causes = {"late": np.full(len(some), "special", dtype=object)}
    refused = np.array([True] * 5)
    describe = value_formatter(SCHEMA, {})
    reasons = main_reasons(found, Cells(columns, columns, causes), refused, describe, 4)
    texts = reasons_texts(reasons, found, refused, 0.2)
    assert all("late: refused raises the risk" in text for text in texts)

"""The scorecard: a table of points that by hand gives each applicant's score."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from creditrisk.champion.log_odds import log_odds
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.predict import transform_rows
from creditrisk.champion.reason_codes import reason_codes
from creditrisk.champion.scorecard import exact_edges, format_number, linear, scorecard
from creditrisk.core.files import write_csv
from creditrisk.eda.adjust import apply
from creditrisk.eda.describe import levels
from creditrisk.modeling.encode import ENCODERS
from creditrisk.train.calibrate import choose_calibration
from tests.support.champions import columns, default_pd, model, part, pipeline, resampled, rows
from tests.support.small_data import DEFAULT

pytestmark = pytest.mark.slow

# Not rounded: the tests of the card round.
SCALE = ScorecardParams(base_points=600, base_odds=50, pdo=20, digits=None)
KINDS = ("scorecard", "scorecard platt")


@cache
def carded(encoder, bins=4, resample="none", **changed):
    """A scorecard of the default data with any encoder."""
    candidate = {"encoder": encoder, "resample": resample, "bins": bins, "C": 0.3}
    blank = pipeline("scorecard", candidate, rows()[1], **changed)
    return blank.fit(part("train")[columns()], part("train")["bad"])


def table(kind):
    return of(model(kind))


def of(fitted):
    return scorecard(fitted, part("train"), rows()[1], DEFAULT, SCALE)


def line_of(lines, value):
    """Find the one line of a variable that a value belongs to, as a clerk would."""
    if pd.isna(value):
        fits = lines[lines["bin"] == "missing"]
    elif isinstance(value, str):
        fits = lines[lines["code"] == value]
        fits = fits if len(fits) else lines[lines["bin"] == "any other level"]
    else:
        within = ~(lines["low"] > value) & ~(lines["high"] <= value)
        fits = lines[within & (lines["bin"] != "missing")]
    assert len(fits) == 1
    return fits.index[0]


def by_hand(card, frame):
    """Add up the lines, from what the table says alone."""
    totals = np.zeros(len(frame))
    for name, lines in card.groupby("variable"):
        places = {value: line_of(lines, value) for value in frame[name].unique()}
        totals += card["points"].to_numpy()[frame[name].map(places, na_action=None)]
    return totals


@pytest.mark.parametrize("kind", KINDS)
def test_points_by_hand_are_the_log_odds_of_every_row(kind):
    known = part("test")[columns()]
    found = SCALE.points(default_pd(model(kind), known))
    totals = by_hand(table(kind), known)
    assert totals == pytest.approx(found, abs=1e-9)
    assert (np.rint(totals) == np.rint(found)).all()


@pytest.mark.parametrize("resample", ["none", "smotenc"])
@pytest.mark.parametrize("impute", ["level", "most_frequent"])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_points_by_hand_are_the_log_odds_with_every_encoder(encoder, impute, resample):
    fitted = carded(encoder, resample=resample, nominal_impute=impute)
    card, frame = of(fitted), resampled(200, 8)
    frame.loc[:5, ["purpose", "job"]] = "no such level"
    assert by_hand(card, frame) == pytest.approx(SCALE.points(default_pd(fitted, frame)), abs=1e-9)
    # A variable whose weight would be negative has none, so all its lines have the same points.
    kept = card[card["coefficient"] != 0]
    assert kept.groupby("variable")["points"].nunique().min() > 1
    assert kept["variable"].nunique() > 10


def test_missing_numbers_and_levels_have_their_line():
    frame = resampled(200, 8)
    frame.loc[199] = np.nan
    frame.loc[:5, ["purpose", "job", "installment_rate"]] = "no such level"
    # Derived columns are imputed on their own: not from what stands for their operands.
    frame.loc[6:9, "amount"] = np.nan
    card = table("scorecard")
    assert (card[card["bin"] == "missing"]["variable"] == columns()).all()
    found = SCALE.points(default_pd(model("scorecard"), frame))
    assert by_hand(card, frame) == pytest.approx(found, abs=1e-9)


def test_level_without_a_line_counts_as_those_that_it_is_merged_with():
    train, raw = part("train"), part("test")[columns()]
    merges = {"purpose": {"into": "rare levels", "kept": ["0", "1", "2", "3", "9"]}}
    adjustments = {"caps": {}, "merges": merges}
    merged = clone(carded("woe"))
    merged.fit(apply(train, adjustments)[columns()], train["bad"])
    card = scorecard(merged, apply(train, adjustments), rows()[1], DEFAULT, SCALE, merges)
    found = SCALE.points(default_pd(merged, apply(raw, adjustments)))
    assert by_hand(card, raw) == pytest.approx(found, abs=1e-9)
    assert by_hand(card, apply(raw, adjustments)) == pytest.approx(found, abs=1e-9)


def test_file_sorts_numbers_as_the_model_does_right_at_an_edge(tmp_path):
    fitted = carded("woe", bins=7)
    write_csv(exact_edges(of(fitted)), tmp_path / "scorecard.csv")
    card = pd.read_csv(tmp_path / "scorecard.csv", dtype={"code": str}, keep_default_na=False,
                       na_values={"low": "", "high": ""})  # fmt: skip
    edges = card.loc[card["variable"] == "monthly_burden", "low"].dropna()
    around = [f(edge, up) for edge in edges for f, up in
              ((np.nextafter, -np.inf), (max, edge), (np.nextafter, np.inf))]  # fmt: skip
    frame = pd.concat([part("test")[columns()].head(1)] * len(around), ignore_index=True)
    frame["monthly_burden"] = around
    found = SCALE.points(default_pd(fitted, frame))
    assert by_hand(card, frame) == pytest.approx(found, abs=1e-6)
    # A person reads the edges: the burden has ten digits and more, they have two.
    assert all(len(f"{edge:g}".strip("0").replace(".", "")) <= 2 for edge in edges)
    # The words are the edges.
    burden = card[(card["variable"] == "monthly_burden") & (card["bin"] != "missing")]
    said = {float(line.split()[-1]) for line in burden["bin"][:-1]}
    assert said == set(edges)


def test_numbers_in_digits():
    assert format_number(1066820.0) == "1066820"
    assert format_number(12.0) == "12"
    assert format_number(-0.0) == "0"
    assert format_number(2486412.55, 9) == "2486412.55"
    assert format_number(0.00012345678, 3) == "0.000123"
    for value in (932 / 9, 1 / 3, 2486412.55, 1e22, -1e-9, 5e-324):
        assert float(format_number(value)) == value


def test_lines_count_the_training_rows_and_their_woe():
    card, train = table("scorecard"), part("train")
    for name, lines in card.groupby("variable"):
        assert lines["rows"].sum() == len(train), name
        assert lines["bad_rate"].fillna(0) @ lines["rows"] == pytest.approx(train["bad"].sum())
        own = train[name].map(lambda value, lines=lines: line_of(lines, value), na_action=None)
        assert (
            lines["rows"].to_dict()
            == own.value_counts().reindex(lines.index, fill_value=0).to_dict()
        )
    line = card[(card["variable"] == "status") & (card["code"] == "1")].iloc[0]
    here = train["status"] == "1"
    assert line["bin"] == "no checking account"
    assert line["rows"] == here.sum()
    # Counts raised by 1, and by 2 in all: category_encoders' regularisation.
    bad, good = train["bad"] == 1, train["bad"] == 0
    woe = np.log(((here & good).sum() + 1) / (good.sum() + 2)) - np.log(
        ((here & bad).sum() + 1) / (bad.sum() + 2)
    )
    assert line["woe"] == pytest.approx(woe)
    assert woe < 0  # nearly half of those without an account are bad
    # The signs agree with each other: a safer line has a higher WoE and more points.
    for _, lines in card[card["coefficient"] != 0].groupby("variable"):
        steps = -SCALE.factor * lines["woe"] * lines["coefficient"]
        assert (lines["points"] - steps).to_numpy() == pytest.approx(
            lines["points"].iloc[0] - steps.iloc[0]
        )


def test_the_table_has_the_sign_of_woe_that_eda_has():
    card, described = table("scorecard"), levels(part("train"), DEFAULT)
    both = card.merge(described, on=["variable", "code"], suffixes=("", "_eda"))
    both = both[(both["rows_eda"] > 30) & (both["woe_eda"].abs() > 0.1)]
    assert len(both) > 20
    assert (np.sign(both["woe"]) == np.sign(both["woe_eda"])).all()


@pytest.mark.parametrize("digits", [0, 2])
def test_lines_are_rounded_and_keep_their_exact_points(digits):
    scale = SCALE.model_copy(update={"digits": digits})
    card = scorecard(model("scorecard"), part("train"), rows()[1], DEFAULT, scale)
    assert (card["points"] == card["points_exact"].round(digits)).all()
    assert (card["points"] != card["points_exact"]).any()
    # A variable that says nothing has rounded points: its error would be in every score.
    useless = card[card["coefficient"] == 0]
    assert len(useless)
    assert (useless["points"] == useless["points_exact"]).all()


def test_each_line_has_the_code_of_its_variable_in_the_reasons():
    card = table("scorecard")
    codes = reason_codes(columns())
    assert dict(zip(card["variable"], card["reason_code"], strict=True)) == codes
    assert codes["duration"] == "R01"
    assert reason_codes(["late", "special.late", "x"]) == {"late": "R01", "x": "R02"}


@pytest.mark.parametrize("kind", ["lr", "lr platt", *KINDS])
def test_linear_models_are_seen_as_such(kind):
    found, frame = linear(model(kind)), resampled(50, 9)
    odds = transform_rows(found.pipeline, frame) @ found.weights + found.intercept
    assert odds == pytest.approx(log_odds(default_pd(model(kind), frame)), abs=1e-9)


@pytest.mark.parametrize("kind", ["xgb", "rf", "dt", "vote"])
def test_other_models_are_not(kind):
    assert linear(model(kind)) is None


def test_no_isotonic_steps_for_a_scorecard():
    rng = np.random.default_rng(1)
    score = rng.uniform(-3, 3, 4000)
    share = np.select([score < -2, score < 2], [0.01, 0.5], 0.99)  # no sigmoid
    oof = pd.DataFrame({"repeat": 0, "fold": np.arange(4000) % 4, "score": score,
                        "bad": (rng.random(4000) < share).astype(int),
                        "probability": 1 / (1 + np.exp(-score))})  # fmt: skip
    assert choose_calibration("auto", oof) == "isotonic"
    assert choose_calibration("auto", oof, ("none", "platt")) == "platt"
    assert choose_calibration("isotonic", oof, ("none", "platt")) == "platt"
    assert choose_calibration("none", oof, ("none", "platt")) == "none"

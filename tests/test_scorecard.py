"""The scorecard: a table of points that by hand gives each applicant's score."""

import numpy as np
import pandas as pd
import pytest
from champions import columns, model, part, resampled, rows

from creditrisk.calibration import log_odds
from creditrisk.points import Scale
from creditrisk.predict import default_pd, encoded
from creditrisk.scorecard import linear, scorecard
from creditrisk.train.calibrate import choose_calibration
from tests.small_data import DEFAULT

SCALE = Scale(base_points=600, base_odds=50, pdo=20)
KINDS = ("scorecard", "scorecard platt")


def table(kind):
    return scorecard(model(kind), part("train"), rows()[1], DEFAULT, SCALE)


def by_hand(card, frame):
    """Add up the lines, as a clerk would, from what the table says alone."""
    totals = np.zeros(len(frame))
    medians = part("train")[rows()[1]["numeric"]].median()
    for name, lines in card.groupby("variable"):
        for place, value in enumerate(frame[name]):
            if name in medians.index:
                value = medians[name] if pd.isna(value) else value
                fits = lines[~(lines["low"] > value) & ~(lines["high"] <= value)]
            elif pd.isna(value):
                fits = lines[lines["bin"] == "missing"]
            else:
                fits = lines[lines["code"] == value]
                fits = fits if len(fits) else lines[lines["bin"] == "any other level"]
            assert len(fits) == 1
            totals[place] += fits["points"].iloc[0]
    return totals


@pytest.mark.parametrize("kind", KINDS)
def test_points_by_hand_are_the_log_odds_of_every_row(kind):
    known = part("test")[columns()]
    found = SCALE.points(default_pd(model(kind), known))
    totals = by_hand(table(kind), known)
    assert totals == pytest.approx(found, abs=1e-9)
    assert (np.rint(totals) == np.rint(found)).all()


def test_missing_numbers_and_levels_have_their_line():
    frame = resampled(200, 8)
    assert frame.isna().any().sum() > 10
    frame.loc[:5, ["purpose", "job", "installment_rate"]] = "no such level"
    totals = by_hand(table("scorecard"), frame)
    found = SCALE.points(default_pd(model("scorecard"), frame))
    assert totals == pytest.approx(found, abs=1e-9)


def test_lines_count_the_training_rows_and_their_woe():
    card, train = table("scorecard"), part("train")
    for name, lines in card.groupby("variable"):
        assert lines["rows"].sum() == len(train), name
        assert lines["bad_rate"].fillna(0) @ lines["rows"] == pytest.approx(train["bad"].sum())
    line = card[(card["variable"] == "status") & (card["code"] == "1")].iloc[0]
    here = train["status"] == "1"
    assert line["bin"] == "no checking account"
    assert line["rows"] == here.sum()
    # Counts raised by 1, and by 2 in all: category_encoders' regularisation.
    bad, good = train["bad"] == 1, train["bad"] == 0
    woe = np.log(((here & bad).sum() + 1) / (bad.sum() + 2)) - np.log(
        ((here & good).sum() + 1) / (good.sum() + 2)
    )
    assert line["woe"] == pytest.approx(woe)


@pytest.mark.parametrize("kind", ["lr", "lr platt", *KINDS])
def test_linear_models_are_seen_as_such(kind):
    found, frame = linear(model(kind)), resampled(50, 9)
    odds = encoded(found.pipeline, frame) @ found.weights + found.intercept
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


def test_select_writes_the_table(built):
    card = pd.read_csv(built.folder / "plots/scorecard.csv")
    assert set(card["algorithm"]) == {"scorecard"}
    assert set(card["variable"]) == set(columns())

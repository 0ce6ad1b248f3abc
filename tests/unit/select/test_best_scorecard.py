"""The table of points is that of the best model that can have one."""

import pandas as pd

from creditrisk.champion.points import ScorecardParams
from creditrisk.modeling.persistence import dump_model, sha256
from creditrisk.select.best_scorecard import best_scorecard
from creditrisk.select.contenders import Contender, CvMetrics
from creditrisk.train.out_of_fold import out_of_fold
from tests.support import champions
from tests.support.calibrated import fit_calibrated
from tests.support.small_data import DEFAULT

SCALE = ScorecardParams(base_points=600, base_odds=50, pdo=20)


def contender(folder, name, model, bins):
    place = folder / name
    place.mkdir()
    (place / "model.joblib").write_bytes(dump_model(model))
    return Contender(
        name=name, label=name, family="single", simplicity=1, folder=place,
        summary={"best_params": {"bins": bins}},
        model_sha256=sha256((place / "model.joblib").read_bytes()),
        oof=pd.DataFrame(), cv=CvMetrics(0.25, {}, {}, {}),
    )  # fmt: skip


def isotonic():
    """A linear model with bins, whose PDs are not linear in the log-odds."""
    train, columns = champions.part("train"), champions.columns()
    candidate = {"encoder": "woe", "bins": 4, "C": 0.3}
    blank = champions.pipeline("lr", candidate, champions.rows()[1])
    bad = train["bad"].to_numpy()
    folds = champions.make_folds(bad, train["applicant"].to_numpy(), 3, 1, 1)
    oof, _ = out_of_fold(blank, train[columns], bad, folds)
    return fit_calibrated(blank, "isotonic", train[columns], bad, oof)


def test_bins_in_a_model_that_is_not_linear_give_no_table_of_points(tmp_path):
    train, features = champions.part("train"), champions.rows()[1]
    block = {"encoder": "woe", "bins": 4, "n_estimators": 5}
    forest = champions.pipeline("rf", block, features).fit(train[champions.columns()], train["bad"])
    found = {
        "rf": contender(tmp_path, "rf", forest, 4),
        "lr": contender(tmp_path, "lr", isotonic(), 4),
        "no bins": contender(tmp_path, "no bins", champions.model("lr"), None),
    }
    common = (train, features, DEFAULT, SCALE, champions.rows()[2])
    best = best_scorecard(pd.DataFrame({"algorithm": list(found)}), found, *common)
    assert best.points.empty
    assert best.card is None
    found["card"] = contender(tmp_path, "card", champions.model("scorecard"), 4)
    best = best_scorecard(pd.DataFrame({"algorithm": list(found)}), found, *common)
    assert set(best.points["algorithm"]) == {"card"}
    assert best.points["points"].notna().all()
    # The card says the same, with the cut-off of its own model.
    assert (best.card.algorithm, best.card.threshold) == ("card", 0.25)
    lines = [line for variable in best.card.variables for line in variable.lines]
    assert [line.points for line in lines] == best.points["points"].to_list()
    assert best.card.by_name["duration"].cap_high == 60

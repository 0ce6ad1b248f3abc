"""`from creditrisk import load_champion`: scores as commands.score does, and explains."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import creditrisk
from creditrisk import load_champion
from creditrisk.champion.log_odds import log_odds
from creditrisk.core.errors import InputError
from tests.support.asgi import applicants, champion_model
from tests.support.champions import project, raw_lines

ROW = {"laufkont": "2", "laufzeit": 48, "hoehe": 5951, "alter": 22}


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    return load_champion(project(tmp_path_factory.mktemp("api") / "p", "scorecard"))


def test_frames_and_mappings_texts_and_numbers_are_one(champion):
    rows = applicants(50, spoiled=False)
    found = champion.score(rows)
    assert list(found) == ["pd", "score", "decision", "reasons", "missing", "problem"]
    assert found["pd"].notna().all()
    texts = pd.DataFrame(rows)
    numbers = texts.astype("int64").set_axis(range(100, 150))
    names = {source: column.name for source, column in champion.schema.columns.items()}
    for frame in (
        texts,
        numbers,
        texts.rename(columns=names),
        numbers.astype("float64"),
        numbers.assign(kredit=1, other="x"),
    ):
        again = champion.score(frame)
        assert again["pd"].tolist() == found["pd"].tolist()
        assert again.index.equals(frame.index)
    assert champion.score(ROW)["pd"].tolist() == champion.score([ROW])["pd"].tolist()
    missing = champion.score([ROW | {"alter": value} for value in (None, np.nan, pd.NA, "")])
    assert (missing["pd"] == missing["pd"][0]).all()
    assert missing["missing"].str.contains("age: empty").all()
    assert champion.score([]).empty


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"agee": 1}, "unknown name"),
        ({"alter": True}, "a truth value"),
        ({"alter": float("inf")}, "not a finite number"),
        ({"alter": [1]}, "a list"),
        ({"alter": 1, "status": "2"}, "mixture"),
        ({"kredit": 1}, "outcome"),
    ],
)
def test_what_is_no_applicant_is_named(champion, row, words):
    with pytest.raises(InputError, match=words) as caught:
        champion.score([ROW, row])
    assert "row 2" in str(caught.value)
    assert str(row) not in caught.value.for_log


def test_the_contributions_add_up_and_have_the_points_of_a_scorecard(champion):
    found = champion.explain(ROW)
    assert found.pd == champion.score(ROW)["pd"][0]
    assert found.decision == "refer"  # the row lacks fields that every training row has
    lines = found.contributions
    difference = log_odds(np.array([found.pd, found.base_pd]))
    assert lines["log_odds"].sum() == pytest.approx(difference[0] - difference[1], abs=1e-9)
    points = champion.scale.points(np.array([found.pd, found.base_pd]))
    assert lines["points"].sum() == pytest.approx(points[0] - points[1], abs=1e-7)
    assert lines["log_odds"].abs().is_monotonic_decreasing
    status = lines.set_index("variable").loc["status"]
    assert status["value"] == "below 0 DM"
    assert found.reasons.startswith("credit history: not given; no training row lacked it")
    header, lines = raw_lines()
    whole = dict(zip(header.split(","), lines[0].split(","), strict=True))
    del whole["kredit"]
    assert " the risk" in champion.explain(whole).reasons
    assert "points" not in champion_model("xgb").explain(ROW).contributions


def test_only_one_readable_applicant_is_explained(champion):
    for wrong in ([ROW, ROW], {"alter": "x"}):
        with pytest.raises(InputError):
            champion.explain(pd.DataFrame(wrong) if isinstance(wrong, list) else wrong)


def test_a_champion_that_is_not_the_recorded_one_is_refused(tmp_path):
    folder = project(tmp_path / "p")
    with (folder / "models/champion.joblib").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="not the file that"):
        load_champion(folder)
    with pytest.raises(InputError, match="not found"):
        load_champion(tmp_path)


def test_the_package_loads_from_any_folder_and_loads_nothing_before_it_is_asked(tmp_path):
    code = (
        "import sys, creditrisk; early = {'pandas', 'sklearn'} & set(sys.modules); "
        "creditrisk.load_champion; print(early, 'sklearn' in sys.modules, 'mlflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set() True False"
    with pytest.raises(AttributeError):
        creditrisk.nothing  # noqa: B018

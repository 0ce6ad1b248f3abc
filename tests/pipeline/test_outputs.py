"""What a whole run writes fits together, from one stage to the next."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from creditrisk.core.columns import feature_columns, original_columns
from tests.support.champions import columns, raw_lines
from tests.support.project import Project


def test_raw_test_rows_of_a_whole_run_give_the_metrics_of_evaluate(built, tmp_path):
    header, lines = raw_lines()
    test = pd.read_parquet(built.folder / "data/processed/test.parquet")
    # Outside the project, which other tests are copying.
    new, out = tmp_path / "new.csv", tmp_path / "new.parquet"
    new.write_text("\n".join([header, *(lines[i - 1] for i in test.row_id)]))
    done = built.command("score", f"--input={new}", f"--output={out}", "--reasons=0")
    assert done.code == 0, done.err
    pds = pd.read_parquet(out)["pd"].to_numpy()
    metrics = json.loads((built.folder / "metrics/evaluate.json").read_text())
    bad = test["bad"].to_numpy()
    assert np.mean((pds - bad) ** 2) == pytest.approx(metrics["test"]["brier"], rel=1e-9)
    assert np.mean(pds) == pytest.approx(metrics["calibration"]["mean_pd"], rel=1e-9)


def test_select_records_the_scale(built):
    described = json.loads((built.folder / "models/champion.json").read_text())
    params = yaml.safe_load((built.folder / "params.yaml").read_text())
    assert described["scorecard"] == params["scorecard"]


def test_select_writes_the_table(built):
    card = pd.read_csv(built.folder / "plots/scorecard.csv")
    assert set(card["algorithm"]) == {"scorecard"}
    assert set(card["variable"]) == set(columns())


def test_the_frames_keep_the_original_values_of_capped_columns(built: Project):
    data = built.folder / "data"
    clean = pd.read_parquet(data / "interim/clean.parquet").set_index("row_id")
    for side in ("train", "test"):
        frame = pd.read_parquet(data / f"processed/{side}.parquet").set_index("row_id")
        assert original_columns(frame) == ["original.duration", "original.amount"]
        assert (frame["original.amount"] == clean["amount"][frame.index]).all()
        assert (frame["original.amount"] > frame["amount"]).any()
        features = json.loads((data / "processed/features.json").read_text())
        names = [*features["numeric"], *features["nominal"], *features["ordinal"]]
        assert feature_columns(frame.reset_index()) == names

"""Champions of the default data, fitted in seconds, and a project's files around one."""

import hashlib
import shutil
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import yaml

from creditrisk.champion.description import describe_champion, parse_description
from creditrisk.champion.predict import Predictor
from creditrisk.champion.referral import learn_rules
from creditrisk.core.files import json_text, write_json
from creditrisk.eda.adjust import EdaParams, apply, learn
from creditrisk.featurize import FeaturizeParams, derive, manifest
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_csv
from creditrisk.metrics.costs import DecisionParams
from creditrisk.modeling.blocks import model_params
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.params import PreprocessParams
from creditrisk.modeling.persistence import dump_model, sha256
from creditrisk.modeling.pipeline import Recipe, build_pipeline, candidate_params
from creditrisk.modeling.registry import algorithm
from creditrisk.modeling.resample import row_sampler
from creditrisk.train.ensemble import Combination, combined_model, soft_vote
from creditrisk.train.out_of_fold import out_of_fold
from tests.support.calibrated import fit_calibrated
from tests.support.defects import ROOT
from tests.support.small_data import DEFAULT, DEFAULT_CSV, clean

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
THRESHOLD = 1 / 6
KINDS = {
    "lr": ({"encoder": "onehot", "resample": "smote", "C": 0.1}, "none"),
    "lr platt": ({"encoder": "binary", "resample": "none", "C": 0.1}, "platt"),
    "scorecard": ({"encoder": "woe", "resample": "none", "bins": 4, "C": 0.3}, "none"),
    "scorecard platt": ({"encoder": "woe", "resample": "none", "bins": 5, "C": 0.3}, "platt"),
    "dt": ({"encoder": "binary", "resample": "smotenc", "max_depth": 4}, "isotonic"),
    # More trees than `trees.FEW_ROWS`: one row walks through all of them at once.
    "rf": ({"encoder": "target", "resample": "none", "n_estimators": 30}, "platt"),
    "xgb": ({"encoder": "ordinal", "resample": "none", "n_estimators": 20, "max_depth": 3}, "none"),
    "et": ({"encoder": "woe", "resample": "none", "n_estimators": 30}, "none"),
    "lgbm": ({"encoder": "onehot", "resample": "none", "n_estimators": 20}, "isotonic"),
    "ebm": ({"encoder": "ordinal", "resample": "none", "outer_bags": 2, "interactions": 2},
            "platt"),
    "knn": ({"encoder": "onehot", "resample": "none", "n_neighbors": 31}, "platt"),
    "knn apart": ({"encoder": "onehot", "resample": "none", "n_neighbors": 21, "p": 1,
                   "weights": "distance"}, "none"),
    "mlp": ({"encoder": "onehot", "resample": "none", "hidden_layer_sizes": [4], "alpha": 10.0,
             "solver": "lbfgs"}, "none"),
    "svc": ({"encoder": "woe", "resample": "none", "C": 1.0}, "platt"),
}  # fmt: skip
LINEAR = ("lr", "lr platt", "scorecard", "scorecard platt")
TREES = ("dt", "rf", "et", "xgb", "lgbm")


@cache
def rows():
    """The default data up to featurize: the frame, features.json and the adjustments."""
    data = DataParams(source="x", schema_="y")
    frame = clean(read_csv(DEFAULT_CSV, data, DEFAULT).frame, DEFAULT).clean
    adjustments = learn(frame[frame["split"] == "train"], DEFAULT, EdaParams())
    derived = PARAMS["featurize"]["derived"]
    features = manifest(DEFAULT, FeaturizeParams(derived=derived))
    return derive(apply(frame, adjustments), features["derived"]), features, adjustments


def columns():
    features = rows()[1]
    return [*features["numeric"], *features["nominal"], *features["ordinal"]]


def part(split):
    frame = rows()[0]
    return frame[frame["split"] == split].reset_index(drop=True)


@cache
def model(kind):
    """A fitted candidate, made as train makes it; `vote` and `stack` are of three of them."""
    train = part("train")
    if kind == "stack":
        names = ["lr", "lgbm", "mlp"]
        weights = Combination("weights", names, np.array([0.5, 0.4, 0.2]), -0.1)
        return combined_model(weights, {k: model(k) for k in names}, train, columns())
    if kind == "vote":
        return soft_vote({k: model(k) for k in ("lr", "xgb", "mlp")}, train, columns())
    candidate, calibration = KINDS[kind]
    features = rows()[1]
    bad = train["bad"].to_numpy()
    blank = pipeline(kind.split()[0], candidate, features)
    folds = make_folds(bad, train["applicant"].to_numpy(), 3, 1, 42)
    oof, _ = out_of_fold(blank, train[columns()], bad, folds)
    return fit_calibrated(blank, calibration, train[columns()], bad, oof)


def pipeline(algo, candidate, features, seed=42, fit_rows=None, classes=(100, 100), **changed):
    """An unfitted pipeline of a candidate, with the default `preprocess` but for the changes."""
    params = PreprocessParams(**(PARAMS["preprocess"] | changed))
    entry = algorithm(algo)
    recipe = Recipe(features, params, seed, entry.handles_missing, entry.constraints)
    candidate = {"encoder": "onehot", "resample": "none"} | candidate
    settings = candidate_params(
        recipe,
        candidate,
        model_params(candidate),
        classes,
        row_sampler(fit_rows, sum(classes), seed),
    )
    return build_pipeline(entry.build(seed)).set_params(**settings)


def description(path):
    """What select would write of a model file."""
    return _describe(joblib.load(path), sha256(path.read_bytes())).to_json()


@cache
def described(kind):
    """The description of a model that has no file."""
    found = _describe(model(kind), "0" * 64).to_json()
    return parse_description(json_text(found), "champion.json")


def _describe(fitted, model_sha256):
    _, features, adjustments = rows()
    train, summary = part("train"), {"best_params": {}, "calibration": "none"}
    return describe_champion(
        fitted, summary, train, features, DEFAULT,
        algorithm="x",
        label="x in words",
        threshold=THRESHOLD,
        scorecard=PARAMS["scorecard"],
        referral=learn_rules(train, features, DEFAULT, DecisionParams(**PARAMS["decision"])),
        metrics={"cv": {}, "cv_se": {}},
        adjustments=adjustments,
        data_sha256="d" * 64,
        model_sha256=model_sha256,
    )  # fmt: skip


def project(folder: Path, kind: str = "lr") -> Path:
    """Lay out what score reads: models/, dvc.lock, params.yaml."""
    (folder / "models").mkdir(parents=True)
    shutil.copy(ROOT / "params.yaml", folder)
    write_model(folder, kind)
    return folder


def write_model(folder: Path, kind: str) -> None:
    """Write a champion and the dvc.lock that records it."""
    (folder / "models/champion.joblib").write_bytes(dump_model(model(kind)))
    write_json(description(folder / "models/champion.joblib"), folder / "models/champion.json")
    record(folder)


def record(folder: Path) -> None:
    """Write a dvc.lock of the model files as they are."""
    names = ("models/champion.joblib", "models/champion.json", "models/reference.json")
    outs = [
        {"path": name, "md5": hashlib.md5((folder / name).read_bytes()).hexdigest()}
        for name in names
        if (folder / name).exists()
    ]
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": {"select": {"outs": outs}}}))


def default_pd(fitted, frame):
    """The PDs of a fitted model; shape (n,)."""
    return Predictor(fitted).pd(frame)


def baseline_row(row, frame):
    """The baseline applicant as a frame of one row, with the dtypes of another frame."""
    return pd.DataFrame({n: pd.Series([row[n]], dtype=frame[n].dtype) for n in frame})


def raw_lines():
    """Header and data lines of the default file."""
    header, *lines = DEFAULT_CSV.read_text().splitlines()
    return header, lines


def resampled(count, seed):
    """Feature rows of the default data, drawn with some cells missing and some unseen levels."""
    rng = np.random.default_rng(seed)
    drawn = rows()[0][columns()].iloc[rng.integers(0, 1000, count)].reset_index(drop=True)
    for name in columns():
        drawn[name] = drawn[name].mask(rng.random(count) < 0.03)
    return pd.DataFrame(drawn)

"""The default data with two columns for audit only, from the raw rows to a scorer."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.description import describe_champion, parse_description
from creditrisk.champion.referral import learn_rules
from creditrisk.core.columns import feature_columns, keep_originals
from creditrisk.core.files import json_text
from creditrisk.core.yaml_text import parse_yaml
from creditrisk.eda.adjust import EdaParams, apply, learn
from creditrisk.featurize import FeaturizeParams, feature_frame, manifest
from creditrisk.metrics.costs import DecisionParams
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.clean import Prepared
from creditrisk.schema import Schema, parse_schema
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import Scorer
from tests.support.champions import PARAMS, THRESHOLD, pipeline
from tests.support.defects import ROOT
from tests.support.small_data import DEFAULT_CSV, clean, ingest

NOTATION = Notation.of(".", ",", ["?", "na"])
AUDITED = ["age", "foreign_worker"]
# An age of 19 stands for `not stated`: a code, as files have them.
CODE = "19"


def tree() -> dict[str, Any]:
    """The default schema, in which age and foreign worker are for audit only."""
    path = ROOT / "data/schema/german_credit.yaml"
    found = parse_yaml(path.read_bytes(), path, as_text=True)
    found["columns"]["alter"] |= {"audit": "true", "special": {CODE: "not stated"}}
    found["columns"]["gastarb"] |= {"audit": "true"}
    return found


@cache
def schema() -> Schema:
    return parse_schema(tree(), "audited.yaml")


@cache
def prepared() -> Prepared:
    return clean(ingest(DEFAULT_CSV.read_bytes(), schema()).frame, schema())


@cache
def explored() -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows as eda writes them, and the adjustments."""
    frame = prepared().clean
    adjustments = learn(frame[frame["split"] == "train"], schema(), EdaParams())
    changed = [*adjustments["caps"], *adjustments["merges"]]
    return keep_originals(apply(frame, adjustments), frame, changed), adjustments


@cache
def featured() -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows as featurize writes them, and features.json."""
    rows = explored()[0]
    derived = {"burden": {"op": "ratio", "of": ["amount", "duration"]},
               "per_year": {"op": "ratio", "of": ["amount", "age"]}}  # fmt: skip
    train = rows[rows["split"] == "train"]
    features = manifest(schema(), FeaturizeParams.model_validate({"derived": derived}), train)
    return feature_frame(rows, features), features


@cache
def scorer() -> Scorer:
    frame, features = featured()
    train = frame[frame["split"] == "train"].reset_index(drop=True)
    bad = train["bad"].to_numpy()
    counts = tuple(np.bincount(bad).tolist())
    fitted = pipeline("lr", {"encoder": "onehot", "C": 0.1}, features, classes=counts)
    fitted.fit(train[feature_columns(train)], bad)
    described = describe_champion(
        fitted, {"best_params": {}, "calibration": "none"}, train, features, schema(),
        algorithm="lr", label="x", threshold=THRESHOLD, scorecard=PARAMS["scorecard"],
        referral=learn_rules(train, features, schema(), DecisionParams(**PARAMS["decision"])),
        metrics={"cv": {}, "cv_se": {}}, adjustments=explored()[1], data_sha256="d" * 64,
        model_sha256="0" * 64,
    ).to_json()  # fmt: skip
    return Scorer(Champion(fitted, parse_description(json_text(described), "x.json")), NOTATION)


def raw() -> pd.DataFrame:
    """The default applicants as text, without their outcomes."""
    return pd.read_csv(DEFAULT_CSV, dtype=str).drop(columns="kredit")

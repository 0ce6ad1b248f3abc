"""Champions of the default data whose schema says what applicants can change."""

from functools import cache

import numpy as np

from creditrisk.champion.description import describe_champion, parse_description
from creditrisk.champion.referral import learn_rules
from creditrisk.core.files import json_text
from creditrisk.ingest.params import DataParams
from creditrisk.metrics.costs import DecisionParams
from creditrisk.schema import Schema, parse_schema
from creditrisk.score.api import ChampionModel
from creditrisk.score.load_champion import Champion
from tests.support.champions import PARAMS, THRESHOLD, model, part, rows
from tests.support.small_data import DEFAULT

MUTABLE = {
    "duration": True,
    "amount": "down",
    "savings": True,
    "other_debtors": True,
    "employment_duration": "up",
}


def schema_with(mutable: dict, **labels: dict) -> Schema:
    """The default schema, where these variables can change; with other labels of levels."""
    tree = DEFAULT.model_dump(exclude_defaults=True)
    for column in tree["columns"].values():
        column.pop("mutable", None)
        if column["name"] in mutable:
            column["mutable"] = mutable[column["name"]]
        if column["name"] in labels:
            column["levels"] |= labels[column["name"]]
    return parse_schema(tree, "schema.yaml")


def champion_with(
    kind: str, mutable: dict = MUTABLE, threshold: float = THRESHOLD, labels: dict | None = None,
    **decision,
) -> ChampionModel:  # fmt: skip
    """A champion with such a schema, as `load_champion` gives it; `decision` changes the rules."""
    _, features, adjustments = rows()
    train, schema = part("train"), schema_with(mutable, **(labels or {}))
    params = DecisionParams(**(PARAMS["decision"] | decision))
    rules = learn_rules(train, features, schema, params).at(threshold, params, train)
    described = describe_champion(
        model(kind), {"best_params": {}, "calibration": "none"}, train, features, schema,
        algorithm="x", label="x in words", threshold=threshold, scorecard=PARAMS["scorecard"],
        referral=rules, metrics={"cv": {}, "cv_se": {}}, adjustments=adjustments,
        data_sha256="d" * 64, model_sha256="0" * 64,
    )  # fmt: skip
    champion = Champion(model(kind), parse_description(json_text(described.to_json()), "x"))
    return ChampionModel(
        champion, DataParams(source="x", schema_="y"), PARAMS["prepare"]["null_words"]
    )


@cache
def default_champion(kind: str) -> ChampionModel:
    """A champion of one kind, with `MUTABLE`."""
    return champion_with(kind)


def texts(applicants: list[dict]) -> dict[str, np.ndarray]:
    """Applicants as columns of texts, under the names of the source."""
    return {
        name: np.array([row[name] for row in applicants], dtype=object) for name in applicants[0]
    }

"""The champion's description: the content of models/champion.json as a typed object."""

import json
import platform
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sklearn.base import BaseEstimator

from creditrisk.champion.baseline import baseline_applicant
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.referral import ReferralRules
from creditrisk.champion.self_check import SelfCheck, make_self_check
from creditrisk.champion.substitute import usual_values
from creditrisk.core.environment import LIBRARIES, library_version
from creditrisk.core.errors import InputError, from_validation
from creditrisk.core.jsonable import to_jsonable
from creditrisk.schema import Schema, parse_schema


class CvSummary(BaseModel):
    """The champion's metrics over the CV folds.

    Attributes:
        cv: mean of each metric, None if unknown.
        cv_se: standard error of each mean, None if unknown.
    """

    cv: dict[str, float | None]
    cv_se: dict[str, float | None]


class ChampionDescription(BaseModel):
    """The content of models/champion.json.

    Attributes:
        algorithm: the name in the registry.
        label: the name in words.
        params: parameters of the best candidate, by the names in params.yaml.
        calibration: `none`, `platt` or `isotonic`.
        threshold: the cut-off; applicants are refused if their PD reaches it.
        scorecard: the scale of the points.
        metrics: metrics over the CV folds.
        features: the content of features.json.
        adjustments: caps and merged levels, the content of adjustments.json.
        schema_: the content of the schema file that it was trained with (JSON key `schema`).
        referral: who is referred to a person.
        usual: of each variable that an applicant can change, usual values.
        baseline: the baseline applicant, feature to value.
        self_check: made-up applicants and their PDs, see `self_check`.
        training_rows: number of rows that it was fitted on.
        data_sha256: hash of the source file.
        model_sha256: hash of models/champion.joblib.
        created_by: versions of Python and of `LIBRARIES`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    algorithm: str
    label: str
    params: dict[str, Any]
    calibration: str
    threshold: float
    scorecard: ScorecardParams
    metrics: CvSummary
    features: dict[str, Any]
    adjustments: dict[str, Any]
    schema_: dict[str, Any] = Field(alias="schema")
    referral: ReferralRules
    usual: dict[str, list[Any]]
    baseline: dict[str, Any]
    self_check: SelfCheck
    training_rows: int
    data_sha256: str
    model_sha256: str
    created_by: dict[str, str]

    @cached_property
    def schema_contract(self) -> Schema:
        """The schema that the model was trained with."""
        return parse_schema(self.schema_, "models/champion.json")

    @property
    def columns(self) -> list[str]:
        """The features, in the model's order."""
        return [*self.features["numeric"], *self.features["nominal"], *self.features["ordinal"]]

    def without_gain(self) -> "ChampionDescription":
        """Return the description without the rule `gain`, as out-of-fold decisions are made."""
        rules = self.referral.model_copy(update={"gain": {}})
        return self.model_copy(update={"referral": rules})

    def to_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        return self.model_dump(by_alias=True)


def describe_champion(
    model: BaseEstimator,
    summary: Mapping[str, Any],
    frame: pd.DataFrame,
    features: dict[str, Any],
    schema: Schema,
    **chosen: Any,
) -> ChampionDescription:
    """Build the description of the model that select has chosen.

    Args:
        model: the model.
        summary: the content of metrics/train/ALGO.json.
        frame: the training rows: `bad` and the features.
        features: the content of features.json.
        schema: the schema.
        chosen: the other fields of `ChampionDescription`.
    """
    versions = {library: library_version(library) or "none" for library in LIBRARIES}
    return ChampionDescription(
        params=summary["best_params"],
        calibration=summary["calibration"],
        features=features,
        schema_=schema.model_dump(exclude_defaults=True),
        usual=to_jsonable({n: usual_values(frame, n) for n in mutable_variables(schema, features)}),
        baseline=baseline_applicant(frame, features),
        self_check=make_self_check(model, frame, features),
        training_rows=len(frame),
        created_by={"python": platform.python_version()} | versions,
        **chosen,
    )


def mutable_variables(schema: Schema, features: Mapping[str, Any]) -> list[str]:
    """List the variables of the model that an applicant can change (`mutable` in the schema)."""
    every = {*features["numeric"], *features["nominal"], *features["ordinal"]}
    return [name for name, one in schema.variables.items() if one.mutable and name in every]


def parse_description(
    content: str | bytes | Mapping[str, Any], path: str | Path
) -> ChampionDescription:
    """Check the content of models/champion.json.

    Args:
        content: parsed JSON, or its text.
        path: the file, for error lines.

    Raises:
        InputError: an older version wrote it, or it is not what select writes.
    """
    tree = json.loads(content) if isinstance(content, str | bytes) else content
    try:
        return ChampionDescription.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "missing":
            name = ".".join(map(str, first["loc"]))
            problem = "missing, because an older version wrote the file"
            raise InputError(path, name, problem, "Run `dvc repro` to make it again.") from None
        raise from_validation(path, error, ChampionDescription.model_fields) from None

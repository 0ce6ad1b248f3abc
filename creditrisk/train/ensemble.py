"""The soft vote: the mean PD of several trained models, which are not fitted again."""

from typing import Any

import pandas as pd
from pydantic import ValidationError
from sklearn.base import BaseEstimator
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator

from creditrisk.core.errors import InputError, from_validation, nearest
from creditrisk.core.params import Strict
from creditrisk.train.trained_model import TrainedModel


class VoteParams(Strict):
    """The block of an ensemble in params.yaml.

    Attributes:
        members: the algorithms that vote.
    """

    members: list[str]


def members_of(name: str, block: dict[str, Any], single: list[str]) -> list[str]:
    """Check the block of an ensemble and return its members.

    Args:
        name: the name of the ensemble.
        block: its block of params.yaml.
        single: the algorithms that may vote.

    Raises:
        InputError: an unknown parameter or member, a member that is listed twice, or no member.
    """
    location = f"algorithms.{name}"
    try:
        members = VoteParams.model_validate(block).members
    except ValidationError as error:
        raise from_validation("params.yaml", error, VoteParams.model_fields, location) from None
    for member in members:
        if member not in single:
            problem = f"{member} can't be a member"
            raise InputError("params.yaml", f"{location}.members", problem, nearest(member, single))
    if not members or len(set(members)) < len(members):
        problem, hint = "no member, or one is listed twice", "List at least one member, each once."
        raise InputError("params.yaml", f"{location}.members", problem, hint)
    return members


def train_vote(
    members: dict[str, TrainedModel], frame: pd.DataFrame, columns: list[str]
) -> TrainedModel:
    """Combine models that were trained on the same folds.

    Args:
        members: name to trained model.
        frame: the training rows: `bad` and the features.
        columns: the features that the members take.
    """
    trained = list(members.values())
    nested_keys = ["outer", "role", "repeat", "fold", "row_id"]
    return TrainedModel(
        model=soft_vote({name: member.model for name, member in members.items()}, frame, columns),
        oof=mean_pd([member.oof for member in trained], ["repeat", "fold", "row_id"]),
        nested=mean_pd([member.nested for member in trained], nested_keys),
        trials=pd.DataFrame({"members": [" ".join(members)]}),
        best_params={"members": list(members)},
        calibration="none",
        unconverged=sum(member.unconverged for member in trained),
    )


def soft_vote(
    models: dict[str, BaseEstimator], frame: pd.DataFrame, columns: list[str]
) -> VotingClassifier:
    """Build a voting classifier from fitted models.

    Args:
        models: name to fitted model.
        frame: the training rows: `bad` and the features.
        columns: the features that the models take.
    """
    frozen = [(name, FrozenEstimator(model)) for name, model in models.items()]
    # Frozen members are not fitted again: `fit` only learns the classes.
    return VotingClassifier(frozen, voting="soft").fit(frame[columns], frame["bad"].to_numpy())


def mean_pd(parts: list[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    """Average the PDs of the same rows in the same folds.

    Args:
        parts: frames with the columns `keys` and `pd`.
        keys: the columns that identify a row.

    Raises:
        InputError: the parts hold different rows or folds.
    """
    aligned = [part.sort_values(keys, ignore_index=True) for part in parts]
    first = aligned[0]
    if not all(part[keys].equals(first[keys]) for part in aligned):
        problem = "they were trained on different rows or folds, so there is no mean"
        hint = "Run `dvc repro`, which trains all of them again."
        raise InputError("data/candidates", "members of the vote", problem, hint)
    total = sum(part["pd"] for part in aligned[1:]) if len(aligned) > 1 else 0.0
    return first.assign(pd=(first["pd"] + total) / len(aligned))

"""The soft vote: the mean PD of the best of each kind, whose members are not fitted again."""

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
    """The block of an ensemble: the candidates that vote."""

    members: list[str]


def members_of(name: str, block: dict[str, Any], single: list[str]) -> list[str]:
    """Check an ensemble's block.

    Args:
        name: of the ensemble.
        block: of params.yaml.
        single: the candidates that may vote.

    Raises:
        InputError: an unknown parameter or member, a member twice, or none.
    """
    location = f"algorithms.{name}"
    try:
        members = VoteParams.model_validate(block).members
    except ValidationError as error:
        raise from_validation("params.yaml", error, VoteParams.model_fields, location) from None
    for member in members:
        if member not in single:
            problem = f"no single candidate {member}"
            raise InputError("params.yaml", f"{location}.members", problem, nearest(member, single))
    if not members or len(set(members)) < len(members):
        hint = "Name each member once."
        raise InputError("params.yaml", f"{location}.members", "a member twice, or none", hint)
    return members


def train_vote(
    members: dict[str, TrainedModel], frame: pd.DataFrame, columns: list[str]
) -> TrainedModel:
    """Combine candidates that were trained on the same folds.

    Args:
        members: name to candidate.
        frame: the training rows.
        columns: the columns that the members take.
    """
    parts = list(members.values())
    return TrainedModel(
        model=soft_vote({name: c.model for name, c in members.items()}, frame, columns),
        oof=mean_pd([c.oof for c in parts], ["repeat", "fold", "row_id"]),
        nested=mean_pd([c.nested for c in parts], ["outer", "role", "repeat", "fold", "row_id"]),
        trials=pd.DataFrame({"members": [" ".join(members)]}),
        best_params={"members": list(members)},
        calibration="none",
        unconverged=sum(c.unconverged for c in parts),
    )


def soft_vote(
    models: dict[str, BaseEstimator], frame: pd.DataFrame, columns: list[str]
) -> VotingClassifier:
    """Make a voting classifier of fitted models."""
    frozen = [(name, FrozenEstimator(model)) for name, model in models.items()]
    # Fitting a frozen member does nothing: only the classes are learned here.
    return VotingClassifier(frozen, voting="soft").fit(frame[columns], frame["bad"].to_numpy())


def mean_pd(parts: list[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    """Average the PDs of the same rows in the same folds.

    Raises:
        RuntimeError: the parts hold different rows or folds, which is a bug of ours.
    """
    aligned = [part.sort_values(keys, ignore_index=True) for part in parts]
    first = aligned[0]
    if not all(part[keys].equals(first[keys]) for part in aligned):
        raise RuntimeError("the members of a vote were trained on different folds")
    total = sum(part["pd"] for part in aligned[1:]) if len(aligned) > 1 else 0.0
    return first.assign(pd=(first["pd"] + total) / len(aligned))

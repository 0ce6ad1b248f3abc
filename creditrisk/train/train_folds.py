"""The folds of a search and of a nested estimate, as the block `train` asks for them."""

import pandas as pd

from creditrisk.core.columns import APPLICATION_DATE
from creditrisk.core.errors import InputError
from creditrisk.modeling.folds import Fold, make_folds, make_time_folds
from creditrisk.train.params import TrainParams

# Added to the seed, so that the outer folds differ from the folds of the search.
OUTER_SEED = 1000


def search_folds(frame: pd.DataFrame, train: TrainParams, seed: int) -> list[Fold]:
    """Make the folds of the search on all training rows.

    Args:
        frame: the training rows: `applicant`, `bad`, with folds by time also `application_date`.
        train: the block `train`.
        seed: random seed.

    Raises:
        InputError: there are too few applicants or dates for the folds, or no dates at all.
    """
    return _folds(frame, train, train.folds, train.repeats, seed, "train.folds")


def nested_folds(
    frame: pd.DataFrame, train: TrainParams, seed: int
) -> list[tuple[Fold, list[Fold]]]:
    """Make the outer folds, and the inner folds of each outer fold's training rows.

    Args:
        frame: as for `search_folds`.
        train: the block `train`.
        seed: random seed.

    Raises:
        InputError: as for `search_folds`.
    """
    if not train.nested:
        return []
    outer = _folds(frame, train, train.outer_folds, 1, seed + OUTER_SEED, "train.outer_folds")
    return [
        (
            fold,
            _folds(frame.iloc[fold.train], train, train.inner_folds, 1, seed, "train.inner_folds"),
        )
        for fold in outer
    ]


def _folds(
    frame: pd.DataFrame, train: TrainParams, folds: int, repeats: int, seed: int, location: str
) -> list[Fold]:
    bad, applicant = frame["bad"].to_numpy(), frame["applicant"].to_numpy()
    if train.folds_by == "random":
        return make_folds(bad, applicant, folds, repeats, seed, location)
    if APPLICATION_DATE not in frame:
        hint = "Name the date column of the application in the schema, or set random."
        problem = "by time, but the schema names no application_date"
        raise InputError("params.yaml", "train.folds_by", problem, hint)
    return make_time_folds(bad, applicant, frame[APPLICATION_DATE], folds, location)

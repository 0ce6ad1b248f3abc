"""The parameters of train, checked where they enter."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from creditrisk.core.errors import nearest
from creditrisk.core.params import Strict
from creditrisk.metrics.performance import SCORING

Folds = Annotated[int, Field(ge=2)]


class TrainParams(Strict):
    """The block `train`.

    Attributes:
        folds: folds of the search and of the out-of-fold PDs.
        repeats: how often the folds are drawn anew.
        scoring: what the search maximises, by scikit-learn's name. For a model that gives no
            probabilities before it is calibrated (SVC), `roc_auc` replaces a score of PDs.
        calibration: how scores become PDs; `auto` takes the method of least out-of-fold log loss.
        nested: whether to estimate what the whole procedure is worth, by nested cross-validation.
        outer_folds: folds of the nested estimate, each left out in turn.
        inner_folds: folds of the search within each outer fold.
    """

    folds: Folds
    repeats: Annotated[int, Field(ge=1)]
    scoring: str
    calibration: Literal["auto", "none", "platt", "isotonic"]
    nested: bool
    outer_folds: Folds
    inner_folds: Folds

    @field_validator("scoring")
    @classmethod
    def _known(cls, scoring: str) -> str:
        if scoring not in SCORING:
            raise ValueError(f"no score that a search may use. {nearest(scoring, SCORING)}")
        return scoring

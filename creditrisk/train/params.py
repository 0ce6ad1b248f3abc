"""The block `train` of params.yaml."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from creditrisk.core.params import Strict
from creditrisk.metrics.performance import SCORING

# Rows, and rows of the rarer class, as far as there are so many. With fewer, the choice of a
# candidate would be luck.
LEAST_SAMPLE, LEAST_OF_CLASS = 1000, 100
# With more folds or repeats, the search only takes longer.
Folds = Annotated[int, Field(ge=2, le=1000)]


def _known(scoring: str) -> str:
    if scoring not in SCORING:
        raise ValueError(f"not one of {', '.join(SCORING)}")
    return scoring


# scikit-learn's name of a score that a search may maximise.
Scoring = Annotated[str, AfterValidator(_known)]


class TrainOverrides(Strict):
    """Values of the block `train` that hold for more training rows; see `TrainParams`."""

    folds: Folds | None = None
    repeats: Annotated[int, Field(ge=1, le=100)] | None = None
    outer_folds: Folds | None = None
    inner_folds: Folds | None = None


class TrainParams(Strict):
    """The block `train`.

    Attributes:
        folds: number of folds of the search and of the out-of-fold PDs.
        folds_by: `random`, or `time` for expanding windows, which are not repeated.
        repeats: how many times the rows are split into folds, each time differently.
        scoring: the score that the search maximises, by scikit-learn's name. `roc_auc` replaces a
            score of probabilities for a model that gives none before calibration (SVC).
        calibration: how scores become PDs; `auto` chooses the method with the least out-of-fold log
            loss.
        nested: whether to estimate the performance of the whole procedure by nested
            cross-validation.
        outer_folds: number of folds of the nested estimate.
        inner_folds: number of folds of the search within each outer fold.
        search_rows: with more training rows, the grid is searched, and the nested estimate made, on
            a stratified sample of so many. The best candidate is fitted, and its out-of-fold PDs
            are made, on all rows, which are then split into folds once.
        search_cells: the same for rows times features, so that a wide file takes no longer.
        final_fit: where the best candidate is fitted on all rows: `local`, on one machine; or
            `cluster`, on the workers of a Dask cluster, by the libraries that can do that.
        when_rows_above: number of training rows to values that hold if there are more, as in the
            blocks of the algorithms; for the numbers of folds and repeats.
    """

    folds: Folds
    folds_by: Literal["random", "time"] = "random"
    repeats: Annotated[int, Field(ge=1, le=100)]
    scoring: Scoring
    calibration: Literal["auto", "none", "platt", "isotonic"]
    nested: bool
    outer_folds: Folds
    inner_folds: Folds
    search_rows: Annotated[int, Field(ge=LEAST_SAMPLE)] = 10_000
    search_cells: Annotated[int, Field(ge=1)] = 300_000
    final_fit: Literal["local", "cluster"] = "local"
    when_rows_above: dict[Annotated[int, Field(ge=0)], TrainOverrides] = Field(default_factory=dict)

    def sample_rows(self, features: int, bad_rate: float) -> int:
        """Return the number of rows that a search takes at most.

        Args:
            features: number of features.
            bad_rate: share of bad training rows, between 0 and 1.
        """
        rows = max(LEAST_SAMPLE, min(self.search_rows, self.search_cells // max(1, features)))
        rarer = min(bad_rate, 1 - bad_rate)
        return max(rows, math.ceil(LEAST_OF_CLASS / rarer)) if rarer else rows

    def for_rows(self, rows: int) -> "TrainParams":
        """Return the parameters that hold for a number of training rows."""
        plain = self.model_dump(exclude={"when_rows_above"})
        for limit in sorted(self.when_rows_above):
            if rows > limit:
                plain |= self.when_rows_above[limit].model_dump(exclude_none=True)
        return TrainParams.model_validate(plain)

"""Points: the score scale of credit officers."""

from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.special import expit

from creditrisk.champion.log_odds import log_odds
from creditrisk.core.params import Number, Strict


class ScorecardParams(Strict):
    """The block `scorecard`.

    Attributes:
        base_points: points of an applicant whose odds are `base_odds`.
        base_odds: odds of good to bad.
        pdo: points to double the odds.
        digits: decimals of the points of a scorecard's lines; null leaves them unrounded.
    """

    # With these bounds, points are whole numbers of at most nine digits.
    base_points: Annotated[Number, Field(ge=-1e6, le=1e6)]
    base_odds: Annotated[Number, Field(ge=1e-9, le=1e9)]
    pdo: Annotated[Number, Field(ge=1e-6, le=1e6)]
    digits: Annotated[int, Field(ge=0, le=6)] | None = 0

    @property
    def factor(self) -> float:
        """Points that are lost per unit of log-odds of being bad."""
        return self.pdo / np.log(2)

    @property
    def offset(self) -> float:
        """Points at even odds."""
        return self.base_points - self.factor * np.log(self.base_odds)

    def points(self, pd_: np.ndarray) -> np.ndarray:
        """Turn PDs into points, not rounded; more points mean less risk (Siddiqi 2006)."""
        return self.offset - self.factor * log_odds(pd_)

    def pd(self, points: np.ndarray) -> np.ndarray:
        """Turn points back into PDs."""
        return expit((self.offset - points) / self.factor)

    def rounded(self, points: np.ndarray) -> np.ndarray:
        """Round points to `digits` decimals; -0 becomes 0."""
        return (points if self.digits is None else np.round(points, self.digits)) + 0.0

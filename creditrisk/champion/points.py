"""Points: the score scale of credit officers."""

from typing import Annotated

import numpy as np
from pydantic import Field

from creditrisk.champion.log_odds import log_odds
from creditrisk.core.params import Number, Strict


class ScorecardParams(Strict):
    """The block `scorecard`.

    Attributes:
        base_points: points of an applicant whose odds are `base_odds`.
        base_odds: odds of good to bad.
        pdo: points to double the odds.
    """

    # With these bounds, points are whole numbers of at most nine digits.
    base_points: Annotated[Number, Field(ge=-1e6, le=1e6)]
    base_odds: Annotated[Number, Field(ge=1e-9, le=1e9)]
    pdo: Annotated[Number, Field(ge=1e-6, le=1e6)]

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

"""Made-up applicants with their PDs: whoever loads the champion can check that it still gives them.

They go through all levels and through the range of each number, each by itself, so none of them is
a person whom the model was trained on.
"""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sklearn.base import BaseEstimator

from creditrisk.champion.predict import Predictor

ROWS = 16
# Another processor may compute a logarithm or an exponential with another last bit.
TOLERANCE = 1e-8


class SelfCheck(BaseModel):
    """Applicants and their PDs.

    Attributes:
        rows: feature to the values of the applicants; None for a missing one.
        pds: their PDs, of ten digits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: dict[str, list[float | str | None]]
    pds: list[float]

    def largest_difference(self, predictor: Predictor) -> float:
        """Return the largest difference between a PD and the stored one."""
        numeric = predictor.vocabulary.numeric
        rows = {
            name: np.array(values, dtype="float64" if name in numeric else object)
            for name, values in self.rows.items()
        }
        return float(np.abs(predictor.pd(rows) - self.pds).max())


def make_self_check(
    model: BaseEstimator, frame: pd.DataFrame, features: dict[str, Any]
) -> SelfCheck:
    """Make up applicants and compute their PDs.

    Args:
        model: the champion.
        frame: the training rows with the features.
        features: the content of features.json.
    """
    numeric = features["numeric"]
    rows: dict[str, list[Any]] = {}
    for place, name in enumerate([*numeric, *features["nominal"], *features["ordinal"]]):
        known = frame[name].dropna()
        values: list[Any] = [None] * ROWS
        if name in numeric and len(known):
            found = np.quantile(known.to_numpy(dtype="float64"), np.linspace(0, 1, ROWS))
            # As a JSON file keeps them. Each column has another step, or all would rise together.
            values = [float(f"{found[(row * (place + 1)) % ROWS]:.10g}") for row in range(ROWS)]
        elif len(known):
            levels = sorted(known.unique())
            values = [levels[(row + place) % len(levels)] for row in range(ROWS)]
        values[place % ROWS] = None
        rows[name] = values
    check = SelfCheck(rows=rows, pds=[0.0] * ROWS)
    arrays = {
        name: np.array(values, dtype="float64" if name in numeric else object)
        for name, values in check.rows.items()
    }
    pds = [float(f"{pd_:.10g}") for pd_ in Predictor(model).pd(arrays)]
    return SelfCheck(rows=rows, pds=pds)

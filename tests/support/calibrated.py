"""A model that is fitted on all rows and calibrated by a given method."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.train.calibrate import calibrated_model, fit_for_use


def fit_calibrated(
    model: BaseEstimator, method: str, rows: pd.DataFrame, bad: np.ndarray, oof: pd.DataFrame
) -> BaseEstimator:
    return calibrated_model(model, fit_for_use(model, rows, bad), method, rows, oof)

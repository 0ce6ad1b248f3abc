"""The baseline applicant, whom others are compared with: typical of those who paid back."""

from typing import Any

import numpy as np
import pandas as pd


def baseline_applicant(frame: pd.DataFrame, features: dict[str, Any]) -> dict[str, Any]:
    """Build the baseline applicant from the good training rows.

    Args:
        frame: the training rows: `bad` and the features.
        features: the content of features.json.

    Returns:
        Feature to value, ready for JSON: the median of a numeric feature, the most frequent level
        of any other; None if no good row has a value. The median is one of the column's values (the
        lower of two middle ones), so an integer stays an integer.
    """
    good = frame[frame["bad"] == 0]
    row: dict[str, Any] = {}
    for name in features["numeric"]:
        values = np.sort(good[name].dropna().to_numpy())
        row[name] = float(values[(len(values) - 1) // 2]) if len(values) else None
    for name in (*features["nominal"], *features["ordinal"]):
        counts = good[name].value_counts()
        most_frequent = sorted(counts.index[counts == counts.max()]) if len(counts) else [None]
        row[name] = most_frequent[0]
    return row

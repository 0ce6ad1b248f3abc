"""The applicant whom others are compared with: typical of those who paid back."""

from typing import Any

import numpy as np
import pandas as pd


def baseline_applicant(frame: pd.DataFrame, features: dict[str, Any]) -> dict[str, Any]:
    """Put together the typical good applicant of the training rows.

    Args:
        frame: training rows: `bad` and the features.
        features: features.json.

    Returns:
        Feature to value, ready for JSON: the median of a number, the most frequent level; None
        where no good row has a value. A median is one of the column's values, so an integer stays
        one.
    """
    good = frame[frame["bad"] == 0]
    row: dict[str, Any] = {}
    for name in features["numeric"]:
        values = np.sort(good[name].dropna().to_numpy())
        row[name] = float(values[(len(values) - 1) // 2]) if len(values) else None
    for name in (*features["nominal"], *features["ordinal"]):
        counts = good[name].value_counts()
        tops = sorted(counts.index[counts == counts.max()]) if len(counts) else [None]
        row[name] = tops[0]
    return row


def baseline_row(row: dict[str, Any], columns: pd.DataFrame) -> pd.DataFrame:
    """Make a frame of the reference, one row, typed as `columns`."""
    names = list(columns)
    return pd.DataFrame({n: pd.Series([row[n]], dtype=columns[n].dtype) for n in names})

"""Work that is done once per distinct text of a column."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

# Up to so many values, a loop over them is faster than to look for equal ones.
FEW = 200


def map_distinct(values: Any, function: Callable[[Any], Any], missing: Any) -> np.ndarray:
    """Apply a function to the values of a column.

    Args:
        values: texts, None or NaN where missing; an array or a series, shape (n,).
        function: takes a text; called once per distinct text if there are many values.
        missing: the result where a value is missing.

    Returns:
        Objects, shape (n,).
    """
    if len(values) <= FEW:
        out = np.empty(len(values), dtype=object)
        for place, value in enumerate(values):
            out[place] = missing if value is None or value != value else function(value)
        return out
    places, distinct = pd.factorize(values)
    table = np.empty(len(distinct) + 1, dtype=object)
    for place, value in enumerate(distinct):
        table[place] = function(value)
    table[-1] = missing  # a missing value has the place -1
    return table[places]

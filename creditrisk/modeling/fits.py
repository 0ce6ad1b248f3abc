"""One catcher round all fits: a library's exception becomes one line that names what to change.

The libraries under a pipeline raise exceptions of many classes. The parameters were checked before
(`registry.grid`), so a fit that fails mostly fails on the rows: then the column is named.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from creditrisk.core.errors import InputError

# The square of a larger number, summed over a billion rows, is no finite number.
LARGEST = 1e140


@contextmanager
def quiet_fits() -> Iterator[None]:
    """Keep the warnings quiet that say nothing new to whoever reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # counted in train/search.py
        # One per constant column, fold and candidate; eda names such columns once.
        warnings.filterwarnings("ignore", "Feature .* is constant")
        # EBM's own pictures, which nobody here looks at, show no missing values.
        warnings.filterwarnings("ignore", "Missing values detected")
        # The cache of the preprocessing on a slow disk.
        warnings.filterwarnings("ignore", "Persisting input arguments")
        yield


@contextmanager
def checked_fits(
    rows: pd.DataFrame, location: str, culprit: Callable[[], str] = lambda: ""
) -> Iterator[None]:
    """Turn whatever a library raises inside into an InputError, and keep known warnings quiet.

    Args:
        rows: the features that are fitted, shape (n, d).
        location: the parameter that is to blame if no column is, such as `algorithms.lr`.
        culprit: names the candidate that fails, for the error; called only then.

    Raises:
        InputError: a fit failed.
    """
    try:
        with quiet_fits():
            yield
    except InputError:
        raise
    except Exception as error:  # each library raises its own classes
        column = unusable_column(rows)
        if column is not None:
            name, problem = column
            hint = "Set `max` of the column in the schema, or correct the data."
            raise InputError(
                "data.source", f"column {name}", problem, hint, quotes_data=True
            ) from error
        where = culprit()
        problem = f"a fit failed{where}: {type(error).__name__}: {error}"
        hint = "Change or drop that value."
        raise InputError("params.yaml", location, problem, hint, quotes_data=True) from error


def unusable_column(rows: pd.DataFrame) -> tuple[str, str] | None:
    """Find a column that no model can be fitted on, and say why.

    Args:
        rows: the features, shape (n, d).

    Returns:
        The name and the problem; None if there is no such column.
    """
    for name in rows.select_dtypes("number"):
        values = rows[name].to_numpy(dtype="float64", na_value=np.nan)
        if np.isinf(values).any():
            return str(name), "has infinite values"
        largest = np.nanmax(np.abs(values), initial=0.0)
        if largest > LARGEST:
            return str(name), f"has values up to {largest:.3g}, too large to compute with"
    return None

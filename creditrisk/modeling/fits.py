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
        warnings.simplefilter("ignore", ConvergenceWarning)  # counted in train/fold_fits.py
        # One per constant column, fold and candidate; eda names such columns once.
        warnings.filterwarnings("ignore", "Feature .* is constant")
        # EBM's own pictures, which nobody here looks at, show no missing values.
        warnings.filterwarnings("ignore", "Missing values detected")
        yield


class FitFailed(Exception):
    """A fit failed; raised where it ran, which may be another process.

    Args:
        candidate: position of the candidate in the grid; None if there is only one.
        error: what the library raised, or its text.
    """

    def __init__(self, candidate: int | None, error: Exception | str):
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        super().__init__(candidate, text)  # what another process makes it of
        self.candidate, self.problem = candidate, text


@contextmanager
def one_candidate() -> Iterator[None]:
    """Turn whatever a library raises inside into a FitFailed of the only candidate."""
    try:
        yield
    except (FitFailed, InputError):
        raise
    except Exception as error:  # each library raises its own classes
        raise FitFailed(None, error) from error


@contextmanager
def checked_fits(
    rows: pd.DataFrame, location: str, words: Callable[[int], str] = str
) -> Iterator[None]:
    """Turn a failed fit inside into an InputError, and keep known warnings quiet.

    Args:
        rows: the features that are fitted, shape (n, d).
        location: the parameter that is to blame if no column is, such as `algorithms.lr`.
        words: names a candidate by its position, for the error.

    Raises:
        InputError: a fit failed.
    """
    try:
        with quiet_fits():
            yield
    except FitFailed as error:
        column = unusable_column(rows)
        if column is not None:
            name, problem = column
            hint = "Set `max` of the column in the schema, or correct the data."
            raise InputError(
                "data.source", f"column {name}", problem, hint, quotes_data=True
            ) from error
        where = "" if error.candidate is None else f" for {words(error.candidate)}"
        problem = f"a fit failed{where}: {error.problem}"
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

"""Adverse action reasons: why an applicant's log-odds differ from the baseline applicant's.

A variable's contribution is its Shapley value (Shapley 1953; Strumbelj and Kononenko 2010) for the
log-odds of the PD, where a variable that is left out has the baseline's value. It is an average
over a few fixed orders of the variables and their reverses. In each order, the variables change one
after the other from the baseline's value to the applicant's, and each contributes the change in
log-odds at its step. So for any model, the contributions to a row sum to its log-odds minus the
baseline's. If the log-odds are a sum over the variables, one order gives the exact values.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.champion.calibration import log_odds
from creditrisk.champion.predict import default_pd
from creditrisk.champion.scorecard import format_number, linear
from creditrisk.core.columns import NO_CODE, SPECIAL
from creditrisk.schema import Schema

ORDERS = 4  # the reverse of each is used too
RAISES, LOWERS = "raises the risk", "lowers the risk"
# Relative to the log-odds: smaller contributions are rounding errors (XGBoost: single precision).
NOISE = 1e-6


@dataclass(frozen=True)
class Contributions:
    """What each variable adds to the log-odds of being bad.

    Attributes:
        shares: one column per variable, shape (n, d); that of a variable with special codes is
            about the number and the code together.
        base: log-odds of the baseline applicant.
        base_pd: PD of the baseline applicant.
    """

    shares: pd.DataFrame
    base: float
    base_pd: float


@dataclass(frozen=True)
class Cells:
    """The values of n applicants.

    Attributes:
        original: the features from the values as they were read, shape (n, d).
        model_input: the features after the adjustments (caps, merged levels), shape (n, d).
        causes: why a cell of the source is missing, from `parse`, shape (n, columns).
    """

    original: pd.DataFrame
    model_input: pd.DataFrame
    causes: pd.DataFrame

    def __getitem__(self, rows: slice) -> "Cells":
        """Select some rows."""
        return Cells(self.original.iloc[rows], self.model_input.iloc[rows], self.causes.iloc[rows])


def contributions(
    model: BaseEstimator, rows: pd.DataFrame, baseline: pd.DataFrame, orders: int = ORDERS
) -> Contributions:
    """Split the log-odds of each row among the variables.

    Args:
        model: gives PDs.
        rows: the features, shape (n, d).
        baseline: the baseline applicant, one row with the same columns.
        orders: number of orders, each used with its reverse. With more orders, the contributions
            come nearer to the Shapley values.
    """
    names = [name for name in rows if not name.startswith(SPECIAL)]
    # A variable that has the baseline's value contributes nothing, so it needs no step.
    differs = np.column_stack(
        [
            np.any([_differs(rows[c], baseline[c].iloc[0]) for c in _columns_of(n, rows)], axis=0)
            for n in names
        ]
    )
    base_pd = default_pd(model, baseline)
    base = float(log_odds(base_pd)[0])
    total = np.zeros(differs.shape)
    sequences = _orders(len(names), 1 if linear(model) else orders)
    if linear(model):
        sequences = sequences[:1]
    for sequence in sequences:
        total += _steps(model, rows, baseline, differs, sequence, base)
    shares = pd.DataFrame(total / len(sequences), columns=names, index=rows.index)
    return Contributions(shares, base, float(base_pd[0]))


def _columns_of(name: str, rows: pd.DataFrame) -> list[str]:
    """List the columns of a variable: its own, and that of its special codes if it has any."""
    return [column for column in (name, SPECIAL + name) if column in rows]


def _differs(values: pd.Series, value: object) -> np.ndarray:
    if pd.isna(value):
        return values.notna().to_numpy()
    return ~(values == value).fillna(False).to_numpy(dtype=bool)


def _orders(count: int, pairs: int) -> list[np.ndarray]:
    # A fixed seed, since a row's reasons must not depend on the other rows in the batch.
    rng = np.random.default_rng(0)
    drawn = [rng.permutation(count) for _ in range(pairs)]
    return [sequence for order in drawn for sequence in (order, order[::-1])]


def _steps(
    model: BaseEstimator,
    rows: pd.DataFrame,
    baseline: pd.DataFrame,
    differs: np.ndarray,
    sequence: np.ndarray,
    base: float,
) -> np.ndarray:
    """Return the contributions for one order; all steps of all rows are scored in one call."""
    names, count = [name for name in rows if not name.startswith(SPECIAL)], len(rows)
    position = np.empty(len(names), dtype=int)
    position[sequence] = np.arange(len(names))
    # The steps at which something changes, by row and in order.
    row, step = np.nonzero(differs[:, sequence])
    columns = {}
    for i, name in enumerate(names):
        source = np.where(position[i] <= step, row, count)
        for column in _columns_of(name, rows):
            values = pd.concat([rows[column], baseline[column]], ignore_index=True)
            columns[column] = values.take(source).reset_index(drop=True)
    after = log_odds(default_pd(model, pd.DataFrame(columns)[list(rows)]))
    first = np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, dtype=bool)
    before = np.where(first, base, np.roll(after, 1))
    out = np.zeros(differs.shape)
    out[row, sequence[step]] = after - before
    return out


def reasons_text(
    found: Contributions,
    cells: Cells,
    refused: np.ndarray,
    threshold: float,
    describe: Callable[..., str],
    top: int,
) -> list[str]:
    """Write the main reasons of each row as text.

    A refusal is explained by the variables that raise the risk, the largest contribution first. An
    acceptance is explained by the largest contributions in either direction. If there are none, the
    text says so, and gives the PD of the baseline applicant.

    Args:
        found: contributions to n rows.
        cells: the values of these rows.
        refused: whether each applicant is refused, shape (n,).
        threshold: the cut-off; applicants are refused if their PD reaches it.
        describe: from `value_formatter`.
        top: maximum number of reasons per row.

    Returns:
        n texts.
    """
    values = found.shares.to_numpy()
    sizes = np.abs(values)
    noise = NOISE * (1 + abs(found.base) + sizes.max(axis=1, initial=0))[:, None]
    weight = np.where((sizes > noise) & ((values > 0) | ~refused[:, None]), sizes, 0)
    order = np.argsort(-weight, axis=1, kind="stable")[:, :top]
    names = list(found.shares)
    original, model_input, causes = (
        {name: _with_codes(frame, name) for name in frame}
        for frame in (cells.original, cells.model_input, cells.causes)
    )
    nothing = np.full(len(values), None)
    texts = []
    for row, columns in enumerate(order):
        parts = []
        for column in columns[weight[row, columns] > 0]:
            name = names[column]
            cause = causes.get(name, nothing)[row]
            words = describe(name, original[name][row], model_input[name][row], cause)
            parts.append(f"{words} {RAISES if values[row, column] > 0 else LOWERS}")
        lowered = bool((sizes[row] > noise[row]).any())
        texts.append("; ".join(parts) or _no_reason_text(found, refused[row], lowered, threshold))
    return texts


def _with_codes(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column's values, with a special code in the place of a number; shape (n,)."""
    values = frame[name].to_numpy(dtype=object)
    if SPECIAL + name not in frame:
        return values
    codes = frame[SPECIAL + name].to_numpy(dtype=object)
    return np.where(codes == NO_CODE, values, codes)


def _no_reason_text(found: Contributions, refused: bool, lowered: bool, threshold: float) -> str:
    """Say that no variable is a reason, and compare the baseline's PD with the cut-off."""
    reached = found.base_pd >= threshold
    side = "close to" if reached != refused else "not under" if reached else "under"
    start = (
        "nothing raises the risk above that of a typical applicant"
        if lowered
        else "nothing sets the applicant apart from a typical one"
    )
    base_pd, cut_off = (format_number(value, 3) for value in (found.base_pd, threshold))
    return f"{start} who paid back, whose own PD of {base_pd} is {side} the cut-off of {cut_off}"


def value_formatter(schema: Schema, derived: dict[str, dict]) -> Callable[..., str]:
    """Make a function that writes a variable with its value, such as `status: below 0 DM`.

    The function takes the name of the variable, the applicant's original value, the value in the
    model, and the cause if the value is missing.

    Args:
        schema: has the labels and the units.
        derived: name of each derived variable to its operation and operands, from features.json.
    """

    def value_text(name: str, value: object, cause: str | None) -> str:
        if pd.isna(value):
            if name in derived:
                return "no value"  # an operand is missing, or the divisor is 0
            return "not given" if cause in (None, "empty", "null_word") else "no valid value"
        if isinstance(value, float):
            column = schema.features.get(name)
            unit = f" {column.unit[0]}" if column and column.unit else ""
            # Six digits are enough for a ratio; a large amount has more, up to the cents.
            return format_number(value, max(6, len(str(int(abs(value)))) + 2)) + unit
        return schema.label(name, value)

    def describe(name: str, original: object, model_input: object, cause: str | None = None) -> str:
        words = name.replace("_", " ")
        if name in derived:
            of = [column.replace("_", " ") for column in derived[name]["of"]]
            words += f" ({derived[name]['op']} of {of[0]} and {of[1]})"
        text = counted = value_text(name, original, cause)
        if original != model_input:
            counted = value_text(name, model_input, cause)
        return f"{words}: {text}" + (f" (counted as {counted})" if counted != text else "")

    return describe

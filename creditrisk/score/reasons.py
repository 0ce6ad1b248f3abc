"""Reasons: what sets an applicant's log-odds apart from those of a typical good applicant.

A variable's contribution is its Shapley value (Shapley 1953; Strumbelj and Kononenko 2010) for the
log-odds of the PD, where a variable that is left out has the reference's value. It is taken over a
few fixed orders of the variables and their reverses: in each, the variables pass one after the
other from the reference's value to the applicant's, and each is charged the step that it makes. So
the contributions of a row always sum to its log-odds minus the reference's, whatever the model; and
where the log-odds are a sum over the variables, one order gives them exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from creditrisk.champion.calibration import log_odds
from creditrisk.champion.predict import default_pd
from creditrisk.champion.scorecard import format_number, linear
from creditrisk.schema import Schema

ORDERS = 4  # and as many reversed
RAISES, LOWERS = "raises the risk", "lowers the risk"
# Of the log-odds at hand: less is not a reason, but rounding (in single precision for XGBoost).
NOISE = 1e-6


@dataclass(frozen=True)
class Contributions:
    """What each variable adds to the log-odds of being bad.

    Attributes:
        shares: one column a variable, shape (n, d).
        base: log-odds of the reference.
        base_pd: its PD.
    """

    shares: pd.DataFrame
    base: float
    base_pd: float


@dataclass(frozen=True)
class Cells:
    """What stands in the rows of features.

    Attributes:
        original: the applicants' values as they were read, and what is derived of those, shape (n,
            d).
        model_input: the same with the adjustments (caps, merged levels): what the model saw.
        causes: why a cell of the source is missing, as `parse` gives it, shape (n, columns).
    """

    original: pd.DataFrame
    model_input: pd.DataFrame
    causes: pd.DataFrame

    def __getitem__(self, rows: slice) -> "Cells":
        """Cut out some rows."""
        return Cells(self.original.iloc[rows], self.model_input.iloc[rows], self.causes.iloc[rows])


def contributions(
    model: BaseEstimator, rows: pd.DataFrame, reference: pd.DataFrame, orders: int = ORDERS
) -> Contributions:
    """Share the log-odds of rows out among the variables.

    Args:
        model: gives PDs.
        rows: the features, shape (n, d).
        reference: one row of the same columns.
        orders: pairs of an order and its reverse; the more, the nearer to the Shapley value.
    """
    names = list(rows)
    # Variables in which a row is the reference's equal never make a step.
    differs = np.column_stack([_differs(rows[n], reference[n].iloc[0]) for n in names])
    base_pd = default_pd(model, reference)
    base = float(log_odds(base_pd)[0])
    total = np.zeros(differs.shape)
    sequences = _orders(len(names), 1 if linear(model) else orders)
    if linear(model):
        sequences = sequences[:1]
    for sequence in sequences:
        total += _steps(model, rows, reference, differs, sequence, base)
    shares = pd.DataFrame(total / len(sequences), columns=names, index=rows.index)
    return Contributions(shares, base, float(base_pd[0]))


def _differs(values: pd.Series, one: object) -> np.ndarray:
    if pd.isna(one):
        return values.notna().to_numpy()
    return ~(values == one).fillna(False).to_numpy(dtype=bool)


def _orders(count: int, pairs: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)  # always the same: a row's reasons don't hang on its company
    drawn = [rng.permutation(count) for _ in range(pairs)]
    return [order for one in drawn for order in (one, one[::-1])]


def _steps(
    model: BaseEstimator,
    rows: pd.DataFrame,
    reference: pd.DataFrame,
    differs: np.ndarray,
    sequence: np.ndarray,
    base: float,
) -> np.ndarray:
    """Let the variables pass over in one order; all stations of all rows are scored in one go."""
    names, count = list(rows), len(rows)
    place = np.empty(len(names), dtype=int)
    place[sequence] = np.arange(len(names))
    # Of each row the stations at which something changes, in order.
    who, step = np.nonzero(differs[:, sequence])
    columns = {}
    for at, name in enumerate(names):
        both = pd.concat([rows[name], reference[name]], ignore_index=True)
        columns[name] = both.take(np.where(place[at] <= step, who, count)).reset_index(drop=True)
    after = log_odds(default_pd(model, pd.DataFrame(columns)))
    first = np.r_[True, who[1:] != who[:-1]] if len(who) else np.zeros(0, dtype=bool)
    before = np.where(first, base, np.roll(after, 1))
    out = np.zeros(differs.shape)
    out[who, sequence[step]] = after - before
    return out


def reasons_text(
    found: Contributions,
    cells: Cells,
    refused: np.ndarray,
    threshold: float,
    describe: Callable[..., str],
    top: int,
) -> list[str]:
    """Word each row's main reasons.

    For a refused applicant those that raise the risk, the gravest first: what a refusal must be
    explained with. For an accepted one the largest in either direction. Where there is none, that
    is said, with the PD that the applicant shares with the reference.

    Args:
        found: contributions to n rows.
        cells: of these rows.
        refused: shape (n,).
        threshold: the cut-off; a PD that reaches it is refused.
        describe: from `describer`.
        top: how many at most.
    """
    values = found.shares.to_numpy()
    sizes = np.abs(values)
    noise = NOISE * (1 + abs(found.base) + sizes.max(axis=1, initial=0))[:, None]
    weight = np.where((sizes > noise) & ((values > 0) | ~refused[:, None]), sizes, 0)
    order = np.argsort(-weight, axis=1, kind="stable")[:, :top]
    names = list(found.shares)
    own, counted, causes = (
        {name: frame[name].to_numpy(dtype=object) for name in frame}
        for frame in (cells.original, cells.model_input, cells.causes)
    )
    nothing = np.full(len(values), None)
    texts = []
    for row, places in enumerate(order):
        parts = []
        for at in places[weight[row, places] > 0]:
            name = names[at]
            cause = causes.get(name, nothing)[row]
            words = describe(name, own[name][row], counted[name][row], cause)
            parts.append(f"{words} {RAISES if values[row, at] > 0 else LOWERS}")
        lowered = bool((sizes[row] > noise[row]).any())
        texts.append("; ".join(parts) or _no_reason(found, refused[row], lowered, threshold))
    return texts


def _no_reason(found: Contributions, refused: bool, lowered: bool, threshold: float) -> str:
    """Say that nothing speaks against an applicant but the PD of a typical one."""
    reached = found.base_pd >= threshold
    side = "close to" if reached != refused else "not under" if reached else "under"
    start = (
        "nothing raises the risk above that of a typical applicant"
        if lowered
        else "nothing sets the applicant apart from a typical one"
    )
    own, cut = (format_number(value, 3) for value in (found.base_pd, threshold))
    return f"{start} who paid back, whose own PD of {own} is {side} the cut-off of {cut}"


def value_formatter(schema: Schema, derived: dict[str, dict]) -> Callable[..., str]:
    """Make a function that words a variable with its value: `status: below 0 DM`.

    It takes the variable's name, the applicant's own value, the one that the model counted, and
    why a value is missing.
    """

    def worth(name: str, value: object, cause: str | None) -> str:
        if pd.isna(value):
            if name in derived:
                return "no value"  # an operand is missing, or a divisor 0
            return "not given" if cause in (None, "empty", "null_word") else "no valid value"
        if isinstance(value, float):
            column = schema.features.get(name)
            unit = f" {column.unit[0]}" if column and column.unit else ""
            # Six digits, as a ratio needs them, but an amount to the cent.
            return format_number(value, max(6, len(str(int(abs(value)))) + 2)) + unit
        return schema.label(name, value)

    def describe(name: str, own: object, counted: object, cause: str | None = None) -> str:
        words = name.replace("_", " ")
        if name in derived:
            of = [column.replace("_", " ") for column in derived[name]["of"]]
            words += f" ({derived[name]['op']} of {of[0]} and {of[1]})"
        said = worth(name, own, cause)
        seen = said if own == counted else worth(name, counted, cause)
        return f"{words}: {said}" + (f" (counted as {seen})" if seen != said else "")

    return describe

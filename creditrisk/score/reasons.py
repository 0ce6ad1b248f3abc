"""Adverse action reasons in words: which variables set an applicant apart, and in which direction.

How the contributions are computed: `creditrisk.champion.contributions`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from creditrisk.champion.contributions import Contributions
from creditrisk.champion.reason_codes import reason_codes
from creditrisk.champion.scorecard import format_number
from creditrisk.core.columns import NO_CODE, SPECIAL
from creditrisk.schema import Schema

RAISES, LOWERS = "raises the risk", "lowers the risk"
# Relative to the log-odds: smaller contributions are rounding errors (XGBoost: single precision).
NOISE = 1e-6
MOST_DIGITS = 15  # of the whole part of a number that is written out, as in format_number

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Cells:
    """The values of n applicants, as columns of n values.

    Attributes:
        original: the features from the values as they were read.
        model_input: the features after the adjustments (caps, merged levels).
        causes: why a cell of the source is missing, from `parse`; None where it is not.
    """

    original: Columns
    model_input: Columns
    causes: Columns


@dataclass(frozen=True)
class Reason:
    """A variable that sets an applicant apart from the baseline applicant.

    Attributes:
        variable: its name.
        code: its reason code, see `reason_codes`.
        label: its name in words, and of what it is derived.
        value: in words what the applicant gave.
        counted: in words what the model got instead (a cap, a merged level); else None.
        log_odds: its contribution.
    """

    variable: str
    code: str
    label: str
    value: str
    counted: str | None
    log_odds: float

    @property
    def words(self) -> str:
        """The variable with its value, such as `age: 19 years`."""
        counted = f" (counted as {self.counted})" if self.counted is not None else ""
        return f"{self.label}: {self.value}{counted}"

    @property
    def text(self) -> str:
        """The reason as a phrase, such as `age: 19 years raises the risk`."""
        return f"{self.words} {RAISES if self.log_odds > 0 else LOWERS}"


def main_reasons(
    found: Contributions, cells: Cells, refused: np.ndarray, describe: "Describe", top: int
) -> list[list[Reason]]:
    """Choose the main reasons of each row.

    A refusal is explained by the variables that raise the risk, the largest contribution first. An
    acceptance is explained by the largest contributions in either direction.

    Args:
        found: contributions to n rows.
        cells: the values of these rows.
        refused: whether each applicant is refused, shape (n,).
        describe: from `value_formatter`.
        top: maximum number of reasons per row.

    Returns:
        n lists, each perhaps empty.
    """
    values = found.by_variable
    sizes = np.abs(values)
    weight = np.where((sizes > _noise(found)) & ((values > 0) | ~refused[:, None]), sizes, 0)
    order = np.argsort(-weight, axis=1, kind="stable")[:, :top]
    codes = reason_codes(found.names)
    shown = {name for row in order for name in map(found.names.__getitem__, row)}
    original = {name: with_codes(cells.original, name) for name in shown}
    counted = {name: with_codes(cells.model_input, name) for name in shown}
    nothing = np.full(len(values), None)
    return [
        [
            describe(
                (name := found.names[column]),
                codes[name],
                original[name][row],
                counted[name][row],
                cells.causes.get(name, nothing)[row],
                float(values[row, column]),
            )
            for column in columns[weight[row, columns] > 0]
        ]
        for row, columns in enumerate(order)
    ]


def _noise(found: Contributions) -> np.ndarray:
    sizes = np.abs(found.by_variable).max(axis=1, initial=0)
    return NOISE * (1 + abs(found.base) + sizes)[:, None]


def reasons_texts(
    reasons: list[list[Reason]], found: Contributions, refused: np.ndarray, threshold: float
) -> list[str]:
    """Write the reasons of each row as text.

    Where there are none, the text says so, and gives the PD of the baseline applicant.

    Args:
        reasons: from `main_reasons`, n lists.
        found: contributions to the n rows.
        refused: whether each applicant is refused, shape (n,).
        threshold: the cut-off; applicants are refused if their PD reaches it.
    """
    apart = (np.abs(found.by_variable) > _noise(found)).any(axis=1)
    return [
        "; ".join(one.text for one in own)
        or _no_reason_text(found, bool(refused[row]), bool(apart[row]), threshold)
        for row, own in enumerate(reasons)
    ]


def with_codes(columns: Columns, name: str) -> np.ndarray:
    """Return a column's values, with a special code in the place of a number; shape (n,)."""
    values = np.asarray(columns[name], dtype=object)
    if SPECIAL + name not in columns:
        return values
    codes = np.asarray(columns[SPECIAL + name], dtype=object)
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


# Takes a variable's name and reason code, the applicant's original value, the value in the model,
# the cause if the value is missing, and the contribution.
Describe = Callable[[str, str, object, object, str | None, float], Reason]


def value_formatter(schema: Schema, derived: Mapping[str, dict]) -> Describe:
    """Make a function that says a reason in the words of the schema.

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
            # Six digits are enough for a ratio; a large amount has more, up to the cents. Beyond
            # what a float holds exactly, all digits would only be long: up to 309 of them.
            whole = len(str(int(abs(value))))
            return format_number(value, max(6, whole + 2) if whole <= MOST_DIGITS else 6) + unit
        return schema.label(name, value)

    def describe(
        name: str,
        code: str,
        original: object,
        model_input: object,
        cause: str | None = None,
        log_odds: float = 0.0,
    ) -> Reason:
        label = name.replace("_", " ")
        if name in derived:
            of = [column.replace("_", " ") for column in derived[name]["of"]]
            label += f" ({derived[name]['op']} of {of[0]} and {of[1]})"
        text = value_text(name, original, cause)
        counted = value_text(name, model_input, cause) if original != model_input else text
        return Reason(name, code, label, text, None if counted == text else counted, log_odds)

    return describe

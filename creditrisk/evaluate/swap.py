"""Swap sets: who would get another decision from another model, and how they turned out."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from creditrisk.evaluate.proportions import jeffreys, rate
from creditrisk.metrics.costs import ACCEPT, DECISIONS, REJECT

# Whether two sets of decisions can be compared.
COMPARED, NONE, OTHER_ROWS, OTHER_OUTCOMES = "compared", "none", "other_rows", "other_outcomes"
_COLUMNS = ["old", "new", "rows", "bad", "bad_rate", "bad_rate_low", "bad_rate_high"]


def swap_set(old: np.ndarray, new: np.ndarray, bad: np.ndarray) -> pd.DataFrame:
    """Count the rows, and the bad among them, by old and new decision.

    Args:
        old: texts of `DECISIONS`, shape (n,).
        new: the same of the same rows.
        bad: outcome, shape (n,).

    Returns:
        One row per pair of decisions, also where it has no applicant (`refer` only if somebody is
        referred): `old`, `new`, `rows`, `bad`, `bad_rate` and Jeffreys' 95% interval of it.
    """
    present = {ACCEPT, REJECT, *old, *new}
    lines = []
    for before in DECISIONS:
        for after in DECISIONS:
            if {before, after} <= present:
                here = (np.asarray(old) == before) & (np.asarray(new) == after)
                lines.append((before, after, int(here.sum()), int(np.asarray(bad)[here].sum())))
    found = pd.DataFrame(lines, columns=_COLUMNS[:4])
    low, high = jeffreys(found["bad"].to_numpy(), found["rows"].to_numpy())
    return found.assign(
        bad_rate=rate(found["bad"].to_numpy(), found["rows"].to_numpy()),
        bad_rate_low=low,
        bad_rate_high=high,
    )


def swap_tables(
    now: pd.DataFrame, others: Mapping[str, pd.DataFrame | None]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Compare the champion's decisions with those of other models.

    Args:
        now: the champion's decisions about the test rows: `row_id`, `bad`, `decision`.
        others: name of the other model (`former`, `scorecard`) to its decisions, with the same
            columns; None where there is no such model.

    Returns:
        The lines of `swap_set`, with `against` (the name) before them, where `old` are the other
        model's decisions. By name, `COMPARED`, or why not: `NONE`, `OTHER_ROWS` or
        `OTHER_OUTCOMES`, see `comparability`.
    """
    found = {name: comparability(now, other) for name, other in others.items()}
    parts = [pd.DataFrame(columns=["against", *_COLUMNS])]
    for name, other in others.items():
        if other is not None and found[name] == COMPARED:
            both = now.merge(other, on="row_id", suffixes=("_new", "_old"))
            swapped = swap_set(
                both["decision_old"].to_numpy(),
                both["decision_new"].to_numpy(),
                both["bad_new"].to_numpy(),
            )
            parts.append(swapped.assign(against=name)[["against", *_COLUMNS]])
    return pd.concat(parts[1:] or parts, ignore_index=True), found


def comparability(now: pd.DataFrame, other: pd.DataFrame | None) -> str:
    """Tell whether two sets of decisions are about the same applicants.

    Rows are the same if their `row_id`, the number of the row in the source, and the outcome are.
    Rows that only one side has are left out of the comparison. If a single outcome differs, the
    numbers count other rows.

    Returns:
        `COMPARED`; `NONE` if there are no other decisions; `OTHER_ROWS` if no row is in both, or a
        number occurs twice; `OTHER_OUTCOMES`.
    """
    if other is None:
        return NONE
    both = now.merge(other, on="row_id", suffixes=("_new", "_old"))
    if both.empty or both["row_id"].duplicated().any():
        return OTHER_ROWS
    return COMPARED if (both["bad_new"] == both["bad_old"]).all() else OTHER_OUTCOMES

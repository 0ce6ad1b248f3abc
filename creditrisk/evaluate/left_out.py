"""What refused applicants would gain by leaving out a field that training saw missing (Law 9)."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from creditrisk.champion.referral import ReferralRules, find_referrals, referred_rows
from creditrisk.champion.substitute import Columns, leave_out, take_rows
from creditrisk.core.columns import SPECIAL, is_missing
from creditrisk.metrics.costs import ACCEPT, REJECT, decide

COLUMNS = ("variable", "missing_in_training", "refused", "accepted_without", "bad")


def left_out_table(
    train: pd.DataFrame,
    test: pd.DataFrame,
    stated: Columns,
    model_input: Columns,
    decisions: np.ndarray,
    rules: ReferralRules,
    threshold: float,
    predict: Callable[[Columns], np.ndarray],
) -> pd.DataFrame:
    """Count the refused test applicants who would be accepted without one of their fields.

    Args:
        train: the training rows, which show what may be missing.
        test: the test rows: `bad`, shape (n,).
        stated: the features of the test rows as the applicants stated them.
        model_input: the same as the model takes them.
        decisions: the decisions on the test rows, shape (n,).
        rules: who is referred.
        threshold: the cut-off.
        predict: returns the PDs of features as the model takes them.

    Returns:
        A line per variable that can be left out without being referred for that: because some
        training row lacked it, or because the parameters refer nobody for it. `variable`,
        `missing_in_training` (share of the training rows), `refused` (refused test applicants who
        stated it), `accepted_without` (those of them who would be accepted), `bad` (those of these
        who went bad).
    """
    lines = []
    refused, bad = decisions == REJECT, test["bad"].to_numpy() == 1
    for name in model_input:
        if name.startswith(SPECIAL) or name in rules.derived:
            continue
        gaps = float(is_missing(train, name).mean())
        if not gaps and _always_referred(name, rules):
            continue
        rows = np.flatnonzero(refused & ~is_missing(test, name).to_numpy())
        without = decide_again(
            leave_out(take_rows(stated, rows), name, rules.derived),
            leave_out(take_rows(model_input, rows), name, rules.derived),
            rules, threshold, predict,
        )  # fmt: skip
        gained = rows[without == ACCEPT]
        lines.append((name, gaps, len(rows), len(gained), int(bad[gained].sum())))
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    return table.sort_values(
        ["accepted_without", "variable"], ascending=[False, True], ignore_index=True
    )


def decide_again(
    stated: Columns,
    model_input: Columns,
    rules: ReferralRules,
    threshold: float,
    predict: Callable[[Columns], np.ndarray],
) -> np.ndarray:
    """Decide about rows with other values, as the service would; texts of shape (n,)."""
    count = len(next(iter(model_input.values())))
    if not count:
        return np.empty(0, dtype=object)
    pds = predict(model_input)
    found = find_referrals(rules, stated, model_input, pds, threshold, predict)
    return decide(pds, threshold, referred_rows(found, count))


def _always_referred(name: str, rules: ReferralRules) -> bool:
    return name in rules.missing or name in rules.required or rules.most_missing == 0

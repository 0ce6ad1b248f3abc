"""What if the cut-off were another one: approvals of the groups over cut-offs, out of fold."""

from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.groups import FairnessParams
from creditrisk.evaluate.fairness import MIN_GROUP_ROWS, GroupSample, group_approvals
from creditrisk.metrics.ratios import ratio_of_proportions
from creditrisk.schema import Schema

CUTOFFS = tuple(float(cut) for cut in np.arange(2, 21) / 40)  # 5% to 50% in steps of 2.5 points
COLUMNS = (
    "variable", "group", "threshold", "in_use", "rows", "judged", "approval_rate",
    "equal_opportunity", "approval_ratio", "equal_opportunity_ratio",
)  # fmt: skip


def fairness_cutoffs(
    out_of_fold: GroupSample,
    reference: pd.DataFrame,
    threshold: float,
    params: FairnessParams,
    schema: Schema,
) -> pd.DataFrame:
    """Compare the groups' approvals at other cut-offs, and at the one in use.

    Who is referred to a person stays the same at every cut-off.

    Args:
        out_of_fold: the training rows with PDs of models that were fitted without them.
        reference: from `fairness`, whose reference groups are taken.
        threshold: the cut-off in use.
        params: the columns to group by.
        schema: has the labels of the levels.

    Returns:
        A line per variable, group and cut-off, ascending: `variable`, `group`, `threshold`,
        `in_use`, `rows`, `judged` (False for groups under `MIN_GROUP_ROWS` rows), `approval_rate`,
        `equal_opportunity` (the approval rate of those who paid back), and both over those of the
        reference: `approval_ratio` and `equal_opportunity_ratio`, 1 for the reference itself and
        missing if nobody of the reference is approved.
    """
    named = reference[reference["reference"].astype(bool)]
    largest = dict(zip(named["variable"], named["group"], strict=True))
    cuts = sorted({*CUTOFFS, threshold})
    every = group_approvals(out_of_fold, cuts, params, schema)
    at = every.set_index(["variable", "group", "threshold"]).to_dict("index")
    lines = [
        _line(str(variable), str(group), cut, at, largest) | {"in_use": cut == threshold}
        for (variable, group), part in every.groupby(["variable", "group"], sort=False)
        for cut in part["threshold"]
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _line(
    variable: str,
    group: str,
    cut: float,
    at: dict[Any, dict[str, float]],
    largest: dict[str, str],
) -> dict[str, Any]:
    one, base = at[variable, group, cut], at[variable, largest[variable], cut]
    counts = (one["approved"], one["rows"], base["approved"], base["rows"])
    of_good = (one["good_approved"], one["good"], base["good_approved"], base["good"])
    return {
        "variable": variable,
        "group": group,
        "threshold": cut,
        "rows": round(one["rows"]),
        "judged": round(one["rows"]) >= MIN_GROUP_ROWS,
        "approval_rate": one["approved"] / one["rows"],
        "equal_opportunity": one["good_approved"] / (one["good"] or np.nan),
        "approval_ratio": ratio_of_proportions(*counts).value,
        "equal_opportunity_ratio": ratio_of_proportions(*of_good).value,
    }

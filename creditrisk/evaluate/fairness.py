"""Fairness: approval and error rates by group of applicants, with counts and intervals."""

from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.groups import FairnessParams, groupings
from creditrisk.core.columns import SPECIAL, original_values
from creditrisk.metrics.intervals import wilson
from creditrisk.schema import Schema

# Smaller groups are shown but not judged.
MIN_GROUP_ROWS = 30


def fairness(
    frame: pd.DataFrame,
    pd_: np.ndarray,
    threshold: float,
    params: FairnessParams,
    schema: Schema,
) -> pd.DataFrame:
    """Measure the decisions by group.

    Args:
        frame: `bad` and the columns to group by, of which the original values are used; columns
            that it does not have are skipped.
        pd_: PDs, shape (n,).
        threshold: the cut-off; applicants are refused if their PD reaches it.
        params: the columns to group by.
        schema: has the labels of the levels.

    Returns:
        `variable`, `group`, `rows`, `bad`, `judged` (False for groups under `MIN_GROUP_ROWS` rows);
        then with `_low` and `_high` (95%, Wilson) `approval_rate`, `tpr` (the share of the bad that
        is refused), `fpr` (the share of the good that is refused) and `bad_rate`; then `mean_pd`,
        without an interval since it is an exact mean of these rows, and `calibration_gap`, mean PD
        minus bad rate, with an interval that comes from that of the bad rate.
    """
    bad, refused = frame["bad"].to_numpy() == 1, pd_ >= threshold
    lines: list[dict[str, Any]] = []
    values = {name: original_values(frame, name) for name in params if name in frame}
    codes = {name: frame[SPECIAL + name] for name in values if SPECIAL + name in frame}
    for name, labels in groupings(values, codes, params, schema).items():
        for group in labels.cat.categories:
            here = (labels == group).to_numpy()
            if here.any():
                lines.append({"variable": name} | _line(str(group), bad[here], refused[here],
                                                        pd_[here]))  # fmt: skip
    columns = ["variable", *_line("", np.zeros(0, bool), np.zeros(0, bool), np.zeros(0))]
    return pd.DataFrame(lines, columns=columns)


def _line(group: str, bad: np.ndarray, refused: np.ndarray, pd_: np.ndarray) -> dict[str, Any]:
    rows, bads = len(bad), int(bad.sum())
    line: dict[str, Any] = {
        "group": group, "rows": rows, "bad": bads, "judged": rows >= MIN_GROUP_ROWS,
    }  # fmt: skip
    line |= _share("approval_rate", int((~refused).sum()), rows)
    line |= _share("tpr", int((refused & bad).sum()), bads)
    line |= _share("fpr", int((refused & ~bad).sum()), rows - bads)
    line |= _share("bad_rate", bads, rows)
    mean = float(pd_.mean()) if rows else np.nan
    return line | {
        "mean_pd": mean,
        "calibration_gap": mean - line["bad_rate"],
        "calibration_gap_low": mean - line["bad_rate_high"],
        "calibration_gap_high": mean - line["bad_rate_low"],
    }


def _share(name: str, part: int, whole: int) -> dict[str, float]:
    low, high = wilson(np.array(part), np.array(whole))
    share = part / whole if whole else np.nan
    return {name: share, f"{name}_low": float(low), f"{name}_high": float(high)}


def to_nested_dict(table: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Convert the table for JSON: variable to group to figures."""
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for line in table.to_dict("records"):
        out.setdefault(line.pop("variable"), {})[line.pop("group")] = line
    return out

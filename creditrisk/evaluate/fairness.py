"""Fairness: decisions, their cost and PDs by group of applicants, out of fold and on test.

Groups are compared with the largest group of the same variable in the training rows, so that both
samples have the same one. 29 CFR 1607.4 D compares with the group that has the highest rate; the
highest of several rates is often that of a small group, by chance. Where the largest group itself
has the lower rate, `reference_below` of the other group says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.groups import MISSING, FairnessParams, frame_groupings
from creditrisk.metrics.costs import Sample, expected_cost
from creditrisk.metrics.intervals import wilson
from creditrisk.metrics.ratios import ratio_of_proportions
from creditrisk.schema import Schema

# Smaller groups are shown but not judged.
MIN_GROUP_ROWS = 30
OUT_OF_FOLD, TEST = "out_of_fold", "test"
RATIOS = ("approval_ratio", "equal_opportunity_ratio")
# The rate that each ratio compares.
RATES = {"approval_ratio": "approval_rate", "equal_opportunity_ratio": "equal_opportunity"}


@dataclass(frozen=True)
class GroupSample:
    """Applicants with their decisions.

    Attributes:
        frame: `row_id` and the columns to group by, of which the original values are used, shape
            (n, d). With repeated cross-validation a row is here once per repeat.
        sample: outcomes, PDs, costs and referrals of the same n rows.
    """

    frame: pd.DataFrame
    sample: Sample

    @property
    def repeats(self) -> float:
        """How often each applicant is here."""
        return len(self.frame) / self.frame["row_id"].nunique()


def out_of_fold_frame(oof: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Select the training rows that out-of-fold PDs belong to, in the order of these.

    Args:
        oof: `row_id`, `pd` and others, shape (m, k).
        train: the training rows, shape (n, d).

    Returns:
        Shape (m, d).
    """
    return train.set_index("row_id", drop=False).loc[oof["row_id"]].reset_index(drop=True)


def fairness(
    out_of_fold: GroupSample,
    test: GroupSample,
    threshold: float,
    params: FairnessParams,
    schema: Schema,
) -> pd.DataFrame:
    """Measure the decisions by group.

    Approved are those who are accepted: applicants who are referred to a person are neither
    approved nor refused. Out of fold, decisions are averaged over the repeats of the
    cross-validation, and each applicant counts once: the intervals take no repeat for a new
    applicant.

    Args:
        out_of_fold: the training rows with PDs of models that were fitted without them.
        test: the test rows with the champion's PDs.
        threshold: the cut-off; applicants are refused if their PD reaches it.
        params: the columns to group by, and the ratio below which a group is named; columns that
            the data does not have are skipped.
        schema: has the labels of the levels.

    Returns:
        A line per sample, variable and group: `sample` (`out_of_fold` or `test`), `variable`,
        `group`, `rows`, `bad`, `judged` (False for groups under `MIN_GROUP_ROWS` rows in the
        sample), `reference` (whether it is the largest group, see the module). Then with `_low` and
        `_high` (95%, Wilson) `approval_rate`, `tpr` (the share of the bad that is refused), `fpr`
        (the share of the good that is refused), `bad_rate` and `equal_opportunity` (the share of
        the good that is approved). `referral_rate`; `mean_pd`, without an interval since it is an
        exact mean of these rows; `calibration_gap`, mean PD minus bad rate, with an interval that
        comes from that of the bad rate; `expected_cost`, what the decisions cost per applicant of
        the group. With `_low` and `_high` (see `ratio_of_proportions`) `approval_ratio`, the
        approval rate over that of the reference, and `equal_opportunity_ratio` likewise (Hardt,
        Price and Srebro 2016, "Equality of Opportunity in Supervised Learning"); missing in the
        line of the reference. `flagged`: the group and the reference are judged, and one of the two
        ratios is below `min_ratio`; `certain`: for such a ratio the interval is below it as well;
        `reference_below`: the same the other way round, the reference has less than `min_ratio`
        times the group's rate; `min_ratio`.
    """
    lines: list[dict[str, Any]] = []
    largest = _largest(out_of_fold, params, schema)
    for name, part in ((OUT_OF_FOLD, out_of_fold), (TEST, test)):
        for variable, groups in _positions(part.frame, params, schema):
            found = {
                group: _line(part.sample.take(rows), part.repeats, threshold)
                for group, rows in groups.items()
            }
            base = found.get(largest.get(variable, ""))
            for group, line in found.items():
                first = {"sample": name, "variable": variable, "group": group}
                lines.append(first | line | _compared(line, base, params.min_ratio))
    if lines:
        return pd.DataFrame(lines).drop(columns=["approved", "good_approved"])
    return pd.DataFrame(columns=list(_columns()))


def group_approvals(
    part: GroupSample, thresholds: Sequence[float], params: FairnessParams, schema: Schema
) -> pd.DataFrame:
    """Count approvals by group at several cut-offs, for `fairness_cutoffs`.

    Returns:
        `threshold`, `variable`, `group`, `rows`, `approved`, `good`, `good_approved`; means over
        the repeats.
    """
    good = np.asarray(part.sample.bad) == 0
    names = ["threshold", "variable", "group", "rows", "approved", "good", "good_approved"]
    groups = list(_positions(part.frame, params, schema))
    lines = []
    for cut in thresholds:
        accepted = part.sample.accepted(cut)
        lines += [
            (cut, variable, group, len(rows), accepted[rows].sum(), good[rows].sum(),
             (accepted & good)[rows].sum())
            for variable, found in groups for group, rows in found.items()
        ]  # fmt: skip
    table = pd.DataFrame(lines, columns=names)
    return table.assign(**{name: table[name] / part.repeats for name in names[3:]})


def _positions(
    frame: pd.DataFrame, params: FairnessParams, schema: Schema
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield each variable with the positions of the rows of its groups."""
    for variable, labels in frame_groupings(frame, params.groups, schema).items():
        codes = labels.cat.codes.to_numpy()
        found = {
            str(group): np.flatnonzero(codes == place)
            for place, group in enumerate(labels.cat.categories)
        }
        yield variable, {group: rows for group, rows in found.items() if len(rows)}


def _largest(part: GroupSample, params: FairnessParams, schema: Schema) -> dict[str, str]:
    """Return the largest group of each variable; those without a value are a group at need only."""
    return {
        variable: max(groups, key=lambda group: (group != MISSING, len(groups[group])))
        for variable, groups in _positions(part.frame, params, schema)
        if groups
    }


def _line(sample: Sample, repeats: float, threshold: float) -> dict[str, Any]:
    """Measure one group; counts of decisions are means over the repeats."""
    bad = np.asarray(sample.bad) == 1
    accepted, refused = sample.accepted(threshold), sample.rejected(threshold)

    def count(where: np.ndarray) -> float:
        return int(where.sum()) / repeats

    rows, bads = round(len(bad) / repeats), round(count(bad))
    line: dict[str, Any] = {"rows": rows, "bad": bads, "judged": rows >= MIN_GROUP_ROWS}
    line |= {"approved": count(accepted), "good_approved": count(accepted & ~bad)}
    line |= _share("approval_rate", line["approved"], rows)
    line["referral_rate"] = count(~sample.decided) / rows if rows else np.nan
    line |= _share("tpr", count(refused & bad), bads)
    line |= _share("fpr", count(refused & ~bad), rows - bads)
    line |= _share("bad_rate", bads, rows)
    line |= _share("equal_opportunity", line["good_approved"], rows - bads)
    mean = float(sample.pd.mean()) if rows else np.nan
    return line | {
        "mean_pd": mean,
        "calibration_gap": mean - line["bad_rate"],
        "calibration_gap_low": mean - line["bad_rate_high"],
        "calibration_gap_high": mean - line["bad_rate_low"],
        "expected_cost": expected_cost(sample, threshold) if rows else np.nan,
    }


def _compared(
    line: Mapping[str, Any], base: Mapping[str, Any] | None, min_ratio: float
) -> dict[str, Any]:
    """Compare a group with the reference, which may have no row in this sample."""
    pairs = {
        "approval_ratio": ("approved", lambda one: one["rows"]),
        "equal_opportunity_ratio": ("good_approved", lambda one: one["rows"] - one["bad"]),
    }
    compared: dict[str, Any] = {"reference": line is base}
    below, surely, above = [], [], []
    judged = base is not None and base is not line and base["judged"] and line["judged"]
    for name, (part, whole) in pairs.items():
        ratio = (np.nan, np.nan, np.nan)
        if base is not None and base is not line:
            ratio = ratio_of_proportions(line[part], whole(line), base[part], whole(base))
        compared |= dict(zip((name, f"{name}_low", f"{name}_high"), map(float, ratio), strict=True))
        below.append(judged and ratio[0] < min_ratio)
        surely.append(below[-1] and ratio[2] < min_ratio)
        above.append(judged and ratio[0] * min_ratio > 1)
    return compared | {
        "flagged": any(below),
        "certain": any(surely),
        "reference_below": any(above),
        "min_ratio": min_ratio,
    }


def _columns() -> dict[str, Any]:
    nobody = Sample(np.zeros(0), np.zeros(0))
    line = _line(nobody, 1, 0.5) | _compared({}, None, 0.0)
    names = dict.fromkeys(("sample", "variable", "group"), "") | line
    return {
        name: value for name, value in names.items() if name not in ("approved", "good_approved")
    }


def _share(name: str, part: float, whole: int) -> dict[str, float]:
    low, high = wilson(np.array(part), np.array(whole))
    share = part / whole if whole else np.nan
    return {name: share, f"{name}_low": float(low), f"{name}_high": float(high)}

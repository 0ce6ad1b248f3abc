"""How groups of applicants fare: their ratios to the largest group, before and now."""

import math
from dataclasses import dataclass

import pandas as pd

from creditrisk.core.escape import markdown
from creditrisk.workflow.review.changes import Changes
from creditrisk.workflow.review.files import cut
from creditrisk.workflow.review.margins import MetricChange, of_two

# Ratio in plots/fairness.csv to what it compares with that of the largest group.
RATIOS = {
    "approval_ratio": "approval",
    "equal_opportunity_ratio": "approval of those who paid back",
}
# All training rows, not only the few of the test.
SAMPLE = "out_of_fold"


@dataclass(frozen=True)
class RatioChange:
    """The ratio of a group in the base and in the work tree.

    Attributes:
        ratio: its name in plots/fairness.csv.
        variable: the column that makes the groups.
        group: the group.
        moved: the ratios and the interval of their change.
        limit: the ratio below which a group is named.
        below: whether it is below in the base (None if not known) and in the work tree.
    """

    ratio: str
    variable: str
    group: str
    moved: MetricChange
    limit: float
    below: tuple[bool | None, bool]

    @property
    def name(self) -> str:
        """The group, in Markdown."""
        return f"{markdown(cut(self.variable))}: {markdown(cut(self.group))}"

    def word(self) -> str:
        """Say whether the ratio moved towards one, as far as the data can tell."""
        if not self.moved.is_sure or self.moved.old is None or self.moved.new is None:
            return self.moved.word("ratio")
        far, near = (abs(math.log(max(v, 1e-9))) for v in (self.moved.old, self.moved.new))
        return "**better**" if near < far else "**worse**"


def ratio_changes(changes: Changes) -> list[RatioChange]:
    """Compare the ratios of all groups that are judged here, the lowest first.

    Args:
        changes: the differences.

    Returns:
        Empty if the work tree has no such ratios.
    """
    old, new = (_judged(side) for side in changes.table("fairness"))
    found = []
    for key, line in new.items():
        before = old.get(key)
        for ratio in RATIOS:
            value = line[ratio]
            if not math.isfinite(value):
                continue
            limit = float(line.get("min_ratio", math.nan))
            was = before[ratio] if before is not None else math.nan
            moved = MetricChange(None, float(value))
            if before is not None and math.isfinite(was):
                ends = [[side[f"{ratio}_{end}"] for end in ("low", "high")]
                        for side in (before, line)]  # fmt: skip
                moved = of_two(float(was), float(value), ends[0], ends[1])
            below = (None if moved.old is None else moved.old < limit, bool(value < limit))
            found.append(RatioChange(ratio, str(key[0]), str(key[1]), moved, limit, below))
    return sorted(found, key=lambda each: each.moved.new or 0.0)


def lowest(found: list[RatioChange]) -> list[RatioChange]:
    """Take the lowest of each kind of ratio."""
    firsts = (next((each for each in found if each.ratio == ratio), None) for ratio in RATIOS)
    return [each for each in firsts if each is not None]


def _judged(table: pd.DataFrame | None) -> dict[tuple[str, str], pd.Series]:
    """Return the lines of the groups with enough rows, by variable and group."""
    needs = {"sample", "variable", "group", "judged", *RATIOS}
    needs |= {f"{ratio}_{end}" for ratio in RATIOS for end in ("low", "high")}
    if table is None or not needs <= set(table):
        return {}
    lines = table[(table["sample"] == SAMPLE) & table["judged"].astype(bool)]
    return {(line["variable"], line["group"]): line for _, line in lines.iterrows()}

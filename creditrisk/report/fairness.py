"""The report's sections on people: how groups fare, and the table of points that one can sign."""

import pandas as pd

from creditrisk.evaluate.fairness import MIN_GROUP_ROWS
from creditrisk.html.page import Block, bullets, table, text
from creditrisk.report.data import ReportData

RATES = {
    "approval_rate": "approved",
    "tpr": "bad refused",
    "fpr": "good refused",
    "bad_rate": "bad rate",
    "calibration_gap": "mean PD minus bad rate",
}


def fairness(data: ReportData) -> list[Block]:
    """How the decisions fall out by group."""
    found = data.curves.get("fairness")
    if found is None or not len(found):
        return [text("No column to group by (params.yaml, fairness) is in this data.")]
    return [
        text(
            "Test rows. In brackets the 95% interval (Wilson); that of the last column is that of "
            "the bad rate. Groups whose intervals overlap are not told apart by these rows; a "
            "difference can also come from what the group's applicants truly are."
        ),
        table(fairness_table(found), "Decisions and PDs by group"),
        bullets(fairness_notes(data)),
    ]


def fairness_table(found: pd.DataFrame) -> pd.DataFrame:
    """The groups as the page shows them: each rate with its interval, counts beside it."""
    shown = found[["variable", "group", "rows", "bad"]].assign(
        variable=found["variable"].str.replace("_", " ")
    )
    for name, words in RATES.items():
        ends = zip(found[name], found[f"{name}_low"], found[f"{name}_high"], strict=True)
        shown[words] = [
            "none" if pd.isna(value) else f"{value:.1%} ({low:.1%} to {high:.1%})"
            for value, low, high in ends
        ]
    shown.insert(len(shown.columns) - 1, "mean PD", [f"{value:.1%}" for value in found["mean_pd"]])
    return shown


def fairness_notes(data: ReportData) -> list[str]:
    """What to know when reading the groups."""
    found = data.curves["fairness"]
    notes = []
    small = found[~found["judged"].astype(bool)]
    if len(small):
        named = ", ".join(
            f"{v.replace('_', ' ')} {g} ({n})"
            for v, g, n in zip(small["variable"], small["group"], small["rows"], strict=True)
        )
        notes.append(f"Fewer than {MIN_GROUP_ROWS} rows, so shown and not judged: {named}.")
    for variable, part in found[found["judged"].astype(bool)].groupby("variable", sort=False):
        gaps = part[(part["calibration_gap_low"] > 0) | (part["calibration_gap_high"] < 0)]
        for line in gaps.to_dict("records"):
            way = "too high" if line["calibration_gap"] > 0 else "too low"
            notes.append(
                f"{variable.replace('_', ' ')} {line['group']}: the PDs are {way} "
                f"(mean {line['mean_pd']:.1%}, bad rate {line['bad_rate']:.1%})."
            )
    if "personal_status_sex" in data.schema.features:
        notes.append(
            "By sex nothing can be said: one code of personal status and sex holds both non-single "
            "women and single men."
        )
    return notes

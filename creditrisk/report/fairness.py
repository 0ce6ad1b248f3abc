"""The report's section on groups of applicants."""

import pandas as pd

from creditrisk.evaluate.fairness import MIN_GROUP_ROWS
from creditrisk.html.page import Block, bullets, table, text
from creditrisk.report.data import ReportData
from creditrisk.report.language import PLAIN, Language

RATES = {
    "approval_rate": "approved",
    "tpr": "bad refused",
    "fpr": "good refused",
    "bad_rate": "bad rate",
    "calibration_gap": "mean PD minus bad rate",
}


def fairness(data: ReportData) -> list[Block]:
    """Write the section: decisions and PDs by group."""
    found = data.curves.get("fairness")
    if found is None or not len(found):
        return [text("The data has none of the columns to group by (fairness in params.yaml).")]
    return [
        text(
            "Test rows. The brackets contain 95% intervals (Wilson); the interval of the last "
            "column comes from that of the bad rate. If the intervals of two groups overlap, these "
            "rows do not show a difference between the groups. If they do not overlap, the "
            "difference may still come from the risk of the applicants, not from the model."
        ),
        table(fairness_table(found), "Decisions and PDs by group"),
        bullets(fairness_notes(data, PLAIN)),
    ]


def fairness_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table of groups: counts, and each rate with its interval."""
    shown = found[["variable", "group", "rows", "bad"]].assign(
        variable=found["variable"].str.replace("_", " ")
    )
    for name, label in RATES.items():
        intervals = zip(found[name], found[f"{name}_low"], found[f"{name}_high"], strict=True)
        shown[label] = [
            "none" if pd.isna(value) else f"{value:.1%} ({low:.1%} to {high:.1%})"
            for value, low, high in intervals
        ]
    shown.insert(len(shown.columns) - 1, "mean PD", [f"{value:.1%}" for value in found["mean_pd"]])
    return shown


def fairness_notes(data: ReportData, language: Language) -> list[str]:
    """List what to consider when reading the table of groups."""
    found = data.curves["fairness"]
    notes = []

    def named(variable: str, group: object) -> str:
        return f"{language.data(variable.replace('_', ' '))} {language.data(group)}"

    small = found[~found["judged"].astype(bool)]
    if len(small):
        groups = ", ".join(
            f"{named(v, g)} ({n})"
            for v, g, n in zip(small["variable"], small["group"], small["rows"], strict=True)
        )
        notes.append(f"Fewer than {MIN_GROUP_ROWS} rows, so shown but not judged: {groups}.")
    for variable, part in found[found["judged"].astype(bool)].groupby("variable", sort=False):
        gaps = part[(part["calibration_gap_low"] > 0) | (part["calibration_gap_high"] < 0)]
        for line in gaps.to_dict("records"):
            direction = "too high" if line["calibration_gap"] > 0 else "too low"
            notes.append(
                f"{named(variable, line['group'])}: the PDs are {direction} "
                f"(mean {line['mean_pd']:.1%}, bad rate {line['bad_rate']:.1%})."
            )
    if "personal_status_sex" in data.schema.features:
        notes.append(
            "Nothing can be said about sex, because one code of personal status and sex stands for "
            "both non-single women and single men."
        )
    return notes

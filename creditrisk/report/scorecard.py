"""The section on the scorecard."""

import pandas as pd

from creditrisk.html.page import Block, table, text
from creditrisk.report.data import ReportData


def points(data: ReportData) -> list[Block]:
    """The table of points."""
    card = data.points
    if card is None or not len(card):
        return [text("No candidate is a scorecard (one with `bins` in params.yaml).")]
    return [
        text(points_words(data)),
        table(points_table(data), "Points by variable", {"bad rate": ".1%", "WoE": ".3f",
                                                          "coefficient": ".3f", "points": ".1f"},
              collapsed=True),
    ]  # fmt: skip


def points_words(data: ReportData) -> str:
    """Say what the table is, and whether it is the champion."""
    name = data.points["algorithm"].iloc[0]
    champion = name == data.champion.algorithm
    return (
        f"{'The champion is' if champion else 'Not the champion, but the best candidate that is'} "
        "a table which one can sign line by line: an applicant's score is the sum of one line a "
        "variable. WoE above 0: more bad applicants than on average. Bins hold about equally many "
        "training rows, so they need not be monotone; the bad rates show where they are."
    )


def points_table(data: ReportData) -> pd.DataFrame:
    """The lines as the page shows them."""
    card = data.points
    return pd.DataFrame(
        {
            "variable": card["variable"].str.replace("_", " "),
            "bin or level": card["bin"],
            "rows": card["rows"],
            "bad rate": card["bad_rate"],
            "WoE": card["woe"],
            "coefficient": card["coefficient"],
            "points": card["points"],
        }
    )

"""The section on the scorecard."""

import pandas as pd

from creditrisk.html.page import Block, table, text
from creditrisk.report.data import Inputs


def points(given: Inputs) -> list[Block]:
    """The table of points."""
    card = given.points
    if card is None or not len(card):
        return [text("No candidate is a scorecard (one with `bins` in params.yaml).")]
    return [
        text(points_words(given)),
        table(points_table(given), "Points by variable", {"bad rate": ".1%", "WoE": ".3f",
                                                          "coefficient": ".3f", "points": ".1f"},
              collapsed=True),
    ]  # fmt: skip


def points_words(given: Inputs) -> str:
    """Say what the table is, and whether it is the champion."""
    name = given.points["algorithm"].iloc[0]
    champion = name == given.champion["algorithm"]
    return (
        f"{'The champion is' if champion else 'Not the champion, but the best candidate that is'} "
        "a table which one can sign line by line: an applicant's score is the sum of one line a "
        "variable. WoE above 0: more bad applicants than on average. Bins hold about equally many "
        "training rows, so they need not be monotone; the bad rates show where they are."
    )


def points_table(given: Inputs) -> pd.DataFrame:
    """The lines as the page shows them."""
    card = given.points
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

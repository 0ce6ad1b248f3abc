"""The report's section on the scorecard."""

from collections.abc import Callable

import pandas as pd

from creditrisk.html.page import Block, table, text
from creditrisk.report.data import ReportData


def points(data: ReportData) -> list[Block]:
    """Write the section: the table of points."""
    card = data.points
    if card.empty:
        return [text("No model is a scorecard (a model with `bins` in params.yaml).")]
    return [
        text(points_words(data)),
        table(points_table(data), "Points by variable", {"bad rate": ".1%", "WoE": ".3f",
                                                          "coefficient": ".3f", "points": ".1f"},
              collapsed=True),
    ]  # fmt: skip


def points_words(data: ReportData, quote: Callable[[str], str] = str) -> str:
    """Explain the table of points, and say whether it is the champion.

    Args:
        data: what the page shows.
        quote: escapes the name of a variable for the language of the text.
    """
    name = data.points["algorithm"].iloc[0]
    subject = (
        "The champion is a scorecard"
        if name == data.champion.algorithm
        else "The champion is not a scorecard. This is the best model that is one"
    )
    return (
        f"{subject}, a table of points that can be checked line by line. An applicant's score is "
        "the sum of one line per variable. A WoE above 0 means more bad applicants than on "
        "average. Neighbouring bins of a number differ in their bad rates; where it costs little, "
        "these rise or fall steadily from bin to bin." + _useless(data.points, quote)
    )


def _useless(points: pd.DataFrame, quote: Callable[[str], str]) -> str:
    """Name the variables whose lines all have the same points, which say nothing."""
    by_name = points.groupby("variable", sort=False)["points"]
    spread = by_name.max() - by_name.min()
    names = [quote(name.replace("_", " ")) for name in spread.index[spread < 1e-9]]
    return f" Of no use, because all is one bin: {', '.join(names)}." if names else ""


def points_table(data: ReportData) -> pd.DataFrame:
    """Return the lines as the page shows them."""
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

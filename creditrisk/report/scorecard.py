"""The report's section on the scorecard."""

import pandas as pd

from creditrisk.champion.scorecard import UNSEEN
from creditrisk.html.page import Block, figure, text
from creditrisk.report import made
from creditrisk.report.bin_figures import bin_chart
from creditrisk.report.data import ReportData
from creditrisk.report.grids import grid
from creditrisk.report.language import PLAIN, Language

# Variables with a chart: those with the largest range of points.
CHARTS = 12


def points(data: ReportData) -> list[Block]:
    """Write the section: how to read the card, its charts and the table of points."""
    words = data.words
    if data.points.empty:
        return [text(words("scorecard.none"))]
    form = points_form(data)
    forms = {"bad_rate": ".1%", "woe": ".3f", "coefficient": ".3f", "points": form}
    shown = points_table(data)
    names, drawn = charted(data.points), data.points["kind"] != UNSEEN
    charts = [
        figure(
            bin_chart(words, shown[drawn & (data.points["variable"] == name)], form),
            words("scorecard.chart.title", variable=name.replace("_", " ")),
        )
        for name in names
    ]
    left = data.points["variable"].nunique() - len(names)
    return [
        text(f"{points_words(data, PLAIN)}\n\n{words('scorecard.files')}"),
        *charts,
        *([text(words("scorecard.chart.left", count=f"{left:,}"))] if left else []),
        grid(words, shown, "scorecard.table", forms, collapsed=True),
    ]


def points_form(data: ReportData) -> str:
    """Return how the points of a line are formatted."""
    digits = data.champion.scorecard.digits
    return ",.1f" if digits is None else f",.{digits}f"


def charted(points: pd.DataFrame) -> list[str]:
    """Choose the variables with the largest range of points, the largest first.

    Those whose lines all have the same points have no chart.
    """
    spread = _spread(points)
    some = spread[spread > 0].sort_values(ascending=False, kind="stable")
    return list(some.index[:CHARTS])


def points_words(data: ReportData, language: Language) -> str:
    """Explain the table of points, and say whether it is the champion: one or two paragraphs.

    Args:
        data: what the page shows.
        language: how the names of variables are written.
    """
    champion = data.points["algorithm"].iloc[0] == data.champion.algorithm
    said = [
        data.words("scorecard.champion" if champion else "scorecard.other"),
        data.words("scorecard.reading"),
    ]
    if useless := _useless(data.points, language):
        said.append(data.words("scorecard.useless", names=useless))
    return "\n\n".join(filter(None, [" ".join(said), " ".join(rounding_words(data))]))


def rounding_words(data: ReportData) -> list[str]:
    """Say which score is accepted, and what the rounding of the lines changes.

    The numbers are those under `scorecard` in metrics/select.json; nothing is said without them.
    """
    words, found = data.words, data.selected.get("scorecard")
    if not found:
        return []
    cutoff = f"{found['cutoff_points']:,.2f}"
    said = [words("scorecard.cutoff", points=cutoff, threshold=f"{found['threshold']:.2%}")]
    if found["digits"] is None:
        return [*said, words("scorecard.not_rounded")]
    whole = found["digits"] == 0
    to = words("scorecard.whole" if whole else "scorecard.decimals", count=found["digits"])
    measured = words(
        "scorecard.rounding",
        to=to,
        rows=f"{found['rows']:,}",
        largest=f"{found['largest_points']:,.2f}",
        mean=f"{found['mean_points']:,.2f}",
        pd=f"{found['largest_pd']:.2%}",
        changed=f"{found['decisions_changed']:,}",
    )
    return [*said, measured]


def _spread(points: pd.DataFrame) -> pd.Series:
    """Return the range of the points of each variable."""
    by_name = points.groupby("variable", sort=False)["points"]
    return by_name.max() - by_name.min()


def _useless(points: pd.DataFrame, language: Language) -> str:
    """Name the variables whose lines all have the same points, which say nothing."""
    spread = _spread(points)
    return ", ".join(language.data(n.replace("_", " ")) for n in spread.index[spread < 1e-9])


def points_table(data: ReportData) -> pd.DataFrame:
    """Return the lines as the page shows them."""
    card = data.points
    bins = [
        made.label(text, data.schema.features.get(name), data.words)
        for name, text in zip(card["variable"], card["bin"], strict=True)
    ]
    names = card["variable"].str.replace("_", " ")
    columns = ["rows", "bad_rate", "woe", "coefficient", "points", "reason_code"]
    return pd.DataFrame({"variable": names, "bin": bins}).join(card[columns])

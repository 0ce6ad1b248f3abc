"""The chart of a scorecard's variable: rows and bad rate of each line, and its points."""

import pandas as pd
import plotly.graph_objects as go

from creditrisk.html.page import SKY, VERMILION, label, styled
from creditrisk.report.words import Words

MOST_LINES = 25  # a variable with more shows those with the most rows


def bin_chart(words: Words, lines: pd.DataFrame, form: str) -> go.Figure:
    """Plot the lines of one variable: bars of rows, the bad rate as a line, from top to bottom.

    Args:
        words: the texts of the report.
        lines: `bin`, `rows`, `bad_rate` (missing for a line without rows), `points`.
        form: how points are formatted.
    """
    if len(lines) > MOST_LINES:
        kept = lines["rows"].nlargest(MOST_LINES).index
        lines = lines.loc[lines.index.isin(kept)]
    points = [format(value, form) for value in lines["points"]]
    names = [
        label(words("scorecard.chart.line", bin=name, points=own), width=28)
        for name, own in zip(lines["bin"], points, strict=True)
    ]
    places = list(range(len(lines)))
    known = lines["bad_rate"].notna()
    chart = go.Figure()
    chart.add_bar(
        x=lines["rows"].to_list(),
        y=places,
        orientation="h",
        marker={"color": SKY},
        name=words("scorecard.chart.rows"),
        customdata=points,
        hovertemplate=words("scorecard.chart.hover", rows="%{x:,}", points="%{customdata}")
        + "<extra></extra>",
    )
    chart.add_scatter(
        x=lines["bad_rate"][known].to_list(),
        y=[place for place, there in zip(places, known, strict=True) if there],
        xaxis="x2",
        mode="lines+markers",
        line={"color": VERMILION, "width": 1.5},
        marker={"color": VERMILION, "symbol": "diamond", "size": 9},
        name=words("scorecard.chart.bad_rate"),
        hovertemplate="%{x:.1%}",
    )
    height = 150 + sum(12 + 17 * (1 + name.count("<br>")) for name in names)
    styled(chart, x=words("scorecard.chart.rows"), height=height)
    chart.update_yaxes(tickvals=places, ticktext=names, autorange="reversed", zeroline=False)
    chart.update_xaxes(nticks=5, rangemode="tozero")
    second = {"overlaying": "x", "side": "top", "tickformat": ".0%", "rangemode": "tozero"}
    second["tickmode"] = "auto"  # else it has the ticks of the other axis
    title = {"text": words("scorecard.chart.bad_rate"), "standoff": 8}
    return chart.update_layout(
        xaxis2=second | {"title": title, "nticks": 5, "showgrid": False, "automargin": True},
        showlegend=True,
        hovermode="y",
        margin={"t": 84, "r": 26},
    )

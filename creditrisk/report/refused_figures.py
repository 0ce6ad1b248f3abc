"""The chart of the section on refused applicants."""

import pandas as pd
import plotly.graph_objects as go

from creditrisk.html.page import BLACK, BLUE, VERMILION, styled
from creditrisk.report.words import Words

_BAND_HEIGHT = 34  # pixels


def pd_bands(bands: pd.DataFrame, threshold: float, words: Words) -> go.Figure:
    """Plot the shares of both kinds of applicants by band of PDs, the lowest PDs on top.

    Args:
        bands: the part `bands` of a `refused_table`.
        threshold: the cut-off, which is an end of a band.
        words: the texts of the report.
    """
    places = list(range(len(bands)))
    labels = [
        words("refused.band", low=f"{low:.1%}", high=f"{high:.1%}")
        for low, high in zip(bands["low"], bands["high"], strict=True)
    ]
    chart = go.Figure()
    for name, colour, shape in (("accepted", BLUE, ""), ("refused", VERMILION, "/")):
        chart.add_bar(
            x=bands[f"{name}_share"].to_list(),
            y=places,
            orientation="h",
            name=words(f"refused.chart.{name}"),
            marker={"color": colour, "pattern": {"shape": shape}},
            customdata=labels,
            hovertemplate="PD %{customdata}: %{x:.1%}",
        )
    at = int((bands["low"] < threshold).sum()) - 0.5
    top = 1.05 * float(bands[["accepted_share", "refused_share"]].max().max())
    chart.add_scatter(
        x=[0, top],
        y=[at, at],
        mode="lines",
        line={"color": BLACK, "dash": "dot", "width": 2},
        name=words("refused.chart.cutoff", cutoff=f"{threshold:.1%}"),
        hoverinfo="skip",
    )
    chart.update_xaxes(tickformat=".0%", range=[0, top], nticks=6)
    chart.update_yaxes(tickvals=places, ticktext=labels, autorange="reversed")
    chart.update_layout(barmode="group", showlegend=True, margin={"t": 64})
    height = 130 + _BAND_HEIGHT * len(bands)
    return styled(chart, x=words("refused.chart.axis"), y="PD", height=height)

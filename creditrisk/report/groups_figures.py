"""The chart of groups of applicants: approval ratios over cut-offs."""

import pandas as pd
import plotly.graph_objects as go

from creditrisk.html.page import BLACK, GREY, PALETTE, label, styled
from creditrisk.report.words import Words

_DASHES = ("solid", "dash", "dashdot", "longdash")


def ratios_over_cutoffs(
    lines: dict[str, pd.DataFrame], min_ratio: float, threshold: float, words: Words
) -> go.Figure:
    """Plot the approval ratio of each group over cut-offs, the limit and the cut-off in use.

    Args:
        lines: name of a group to its `threshold` and `approval_ratio`.
        min_ratio: the limit.
        threshold: the cut-off in use.
        words: the texts of the report.
    """
    chart = go.Figure()
    top, end = 1.1, 0.5
    for place, (name, part) in enumerate(lines.items()):
        known = part.dropna(subset=["approval_ratio"])
        top = max(top, 1.05 * float(known["approval_ratio"].max()) if len(known) else 0)
        end = max(end, float(part["threshold"].max()))
        chart.add_scatter(
            x=known["threshold"].to_list(),
            y=known["approval_ratio"].to_list(),
            mode="lines+markers",
            line={"color": PALETTE[place % 6], "dash": _DASHES[place % 4], "width": 2},
            marker={"size": 5},
            name=label(name),
            hovertemplate="%{x:.1%}: %{y:.2f}",
        )
    limit = words("groups.chart.limit", min=f"{min_ratio:g}")
    cutoff = words("groups.chart.cutoff", threshold=f"{threshold:.1%}")
    for x, y, name, colour, dash in (
        ([0, end], [min_ratio, min_ratio], limit, GREY, "dash"),
        ([threshold, threshold], [0, top], cutoff, BLACK, "dot"),
    ):
        chart.add_scatter(
            x=x, y=y, mode="lines", line={"color": colour, "dash": dash, "width": 1.5}, name=name,
            hoverinfo="skip",
        )  # fmt: skip
    chart.update_xaxes(tickformat=".0%", range=[0, end * 1.02])
    chart.update_yaxes(range=[0, top])
    x_title, y_title = words("groups.chart.x"), words("groups.chart.y")
    drawn = styled(chart, x=x_title, y=y_title, height=360)
    return drawn.update_layout(margin={"r": 26}, showlegend=True)

"""The charts of the exploration page. They contain only aggregated numbers, no single rows."""

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from creditrisk.eda.adjust import fences
from creditrisk.eda.describe import FENCE
from creditrisk.html.page import BAD, BLACK, DIVERGING, GOOD, GREY, PALETTE, label, styled

CAUSES = ("empty", "null_word", "unparseable", "out_of_domain", "special")
MAX_BINS = 30
_FAR = 6  # interquartile ranges beyond the quartiles; values further out are not drawn
_ROW, _LINE = 26, 15  # height of a bar and of each further line of its label, in pixels


def bars(parts: dict[str, list[float]], names: list[str], x: str, form: str = ",") -> go.Figure:
    """Draw horizontal bars, the first name on top; several parts are stacked.

    Args:
        parts: maps the name of a part to its values, one per bar.
        names: labels of the bars, as plain text.
        x: title of the value axis.
        form: d3 format of the values.
    """
    ticks, height = _rows(names)
    chart = go.Figure(
        [
            go.Bar(
                x=values,
                y=list(range(len(names))),
                orientation="h",
                name=label(part),
                marker={"color": PALETTE[i], "line": {"color": "white", "width": 0.5}},
                customdata=ticks,
                hovertemplate="%{customdata}: %{x:" + form + "}",
            )
            for i, (part, values) in enumerate(parts.items())
        ]
    )
    chart.update_layout(barmode="stack", legend_traceorder="normal", showlegend=len(parts) > 1)
    chart.update_xaxes(tickformat=form, rangemode="tozero", nticks=6)
    _ticks(chart, ticks)
    return styled(chart, x=x, height=height + 70 + 24 * (len(parts) > 1))


def outcome(goods: int, bads: int) -> go.Figure:
    """Draw one bar that is split into good and bad rows."""
    chart = go.Figure(
        [
            go.Bar(x=[n], y=[""], orientation="h", name=name, marker={"color": color}, text=[n],
                   texttemplate="%{text:,}", insidetextanchor="middle", hoverinfo="skip",
                   textfont={"color": "white"})
            for name, n, color in (("good", goods, GOOD), ("bad", bads, BAD))
        ]
    )  # fmt: skip
    chart.update_layout(barmode="stack", legend_traceorder="normal")
    chart.update_xaxes(range=[0, goods + bads], nticks=5)
    return styled(chart, x="training rows", height=150)


def distribution(x: pd.Series, bad: pd.Series, title: str) -> tuple[go.Figure, int]:
    """Draw a histogram per outcome with box plots below; dotted lines are Tukey's fences.

    Args:
        x: numbers, shape (n,); missing ones are ignored.
        bad: outcome, 1 for a default, shape (n,).
        title: name and unit of the variable.

    Returns:
        The chart, and the number of rows outside the range that is drawn.
    """
    groups = {"good": x[(bad == 0) & x.notna()], "bad": x[(bad == 1) & x.notna()]}
    edges = _edges(x.dropna())
    chart = make_subplots(
        rows=2, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.04
    )
    for (name, values), color, fill in zip(
        groups.items(), (GOOD, BAD), ("rgba(0,114,178,0.25)", None), strict=True
    ):
        counts = np.histogram(values, edges)[0] / max(len(values), 1)
        steps = {"x": [edges[0], *edges], "y": [0, *counts, 0]}
        chart.add_scatter(
            **steps, name=name, mode="lines", fill="tozeroy" if fill else "none", fillcolor=fill,
            line={"shape": "hv", "color": color, "width": 2}, row=1, col=1,
            hovertemplate="from %{x:,}: %{y:.1%}",
        )  # fmt: skip
        if len(values):
            chart.add_box(**_box(values, name, color), row=2, col=1)
    for fence in fences(x, FENCE):
        if edges[0] < fence < edges[-1]:
            chart.add_vline(fence, line={"color": GREY, "dash": "dot", "width": 1.5})
    chart.update_layout(hovermode="x unified")
    styled(chart, height=340)
    chart.update_xaxes(title_text=label(title, 60), row=2, col=1)
    chart.update_xaxes(range=[edges[0], edges[-1]], tickformat=",", nticks=7)
    chart.update_yaxes(autorange="reversed", row=2, col=1)
    chart.update_yaxes(title_text="share of the outcome", tickformat=".0%", row=1, col=1)
    return chart, int(((x < edges[0]) | (x > edges[-1])).sum())


def bad_rates(described: pd.DataFrame, overall: float) -> go.Figure:
    """Draw the bad rate of each level with its 95% interval; a dashed line is the overall rate.

    Args:
        described: rows of `describe.levels` for one variable, the first on top.
        overall: bad rate of all training rows.
    """
    ticks, height = _rows(described["label"].to_list())
    positions = list(range(len(described)))
    chart = go.Figure(
        go.Scatter(
            x=described["bad_rate"],
            y=positions,
            mode="markers",
            marker={"color": BAD, "size": 9},
            cliponaxis=False,
            error_x={
                "type": "data",
                "array": described["high"] - described["bad_rate"],
                "arrayminus": described["bad_rate"] - described["low"],
                "color": BLACK,
                "thickness": 1.2,
                "width": 4,
            },
            customdata=np.column_stack([described[["rows", "low", "high", "woe"]]]),
            hovertemplate="%{x:.1%} bad of %{customdata[0]:,} rows<br>95%: %{customdata[1]:.1%} to "
            "%{customdata[2]:.1%}<br>WoE %{customdata[3]:.2f}<extra></extra>",
        )
    )
    chart.add_vline(overall, line={"color": GREY, "dash": "dash", "width": 1.5})
    side = {"xref": "paper", "x": 1.0, "xanchor": "left", "showarrow": False, "xshift": 6}
    notes = [{"y": i, "text": f"{n:,}"} for i, n in zip(positions, described["rows"], strict=True)]
    notes.append({"yref": "paper", "y": 1, "yanchor": "bottom", "text": "rows"})
    # All at once: plotly copies the list at each single one.
    chart.update_layout(annotations=[note | side for note in notes])
    _ticks(chart, ticks)
    top = min(1.0, max(1.05 * float(described["high"].max()), 0.05))
    chart.update_xaxes(tickformat=".0%", range=[0, top * 1.005], nticks=4)
    styled(chart, x="bad rate", height=max(height + 80, 140))
    return chart.update_layout(margin={"r": 58, "t": 24})


def heatmap(matrix: np.ndarray, names: list[str], signed: bool, measure: str) -> go.Figure:
    """Draw a heatmap of pairwise values, with numbers in the cells for up to six names.

    Args:
        matrix: values, shape (n, n); NaN where there is no value.
        names: labels as plain text, length n.
        signed: whether the values range from -1 to 1 instead of from 0 to 1.
        measure: name of the values.
    """
    n = len(names)
    ticks = [label(name, 18, 2) for name in names]
    # One line per label, because the columns are narrow on a phone.
    below = [label(name, 24, 1) for name in names]
    scale = DIVERGING if signed else [[0.0, "#FFFFFF"], [1.0, GOOD]]
    chart = go.Figure(
        go.Heatmap(
            z=[[None if math.isnan(v) else round(float(v), 4) for v in row] for row in matrix],
            x=list(range(n)),
            y=list(range(n)),
            zmin=-1 if signed else 0,
            zmax=1,
            colorscale=scale,
            xgap=1,
            ygap=1,
            customdata=[[f"{a} and {b}" for b in ticks] for a in ticks],
            hovertemplate="%{customdata}: %{z:.2f}<extra></extra>",
            texttemplate="%{z:.2f}" if n <= 6 else None,
            textfont={"size": 10},
            colorbar={
                "title": {"text": measure, "side": "top"},
                "orientation": "h",
                "y": 1.0,
                "yanchor": "bottom",
                "thickness": 10,
                "nticks": 5,
            },
        )
    )
    _ticks(chart, ticks)
    chart.update_xaxes(
        tickvals=list(range(n)), ticktext=below, tickangle=-90, showgrid=False, zeroline=False
    )
    styled(chart, height=200 + max(20, 34 - n // 2) * n)
    return chart


def _rows(names: list[str]) -> tuple[list[str], int]:
    """Return the labels of a chart's rows, and the height in pixels that their lines need."""
    ticks = [label(name) for name in names]
    return ticks, sum(_ROW + _LINE * tick.count("<br>") for tick in ticks)


def _ticks(chart: go.Figure, ticks: list[str]) -> None:
    # The axis has positions instead of names, because two long labels may be cut to the same text.
    chart.update_yaxes(
        tickvals=list(range(len(ticks))),
        ticktext=ticks,
        range=[len(ticks) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
    )


def _edges(x: pd.Series) -> np.ndarray:
    """Compute the edges of at most `MAX_BINS` bins; the width is an integer for integer values."""
    if x.empty:
        return np.array([0.0, 1.0])
    low, high = float(x.min()), float(x.max())
    near, far = fences(x, _FAR)
    # If there is no fence it is NaN, and Python's max and min then return their first argument.
    low, high = max(low, near), min(high, far)
    if (x == x.round()).all() and high < 2**52:
        low, high = math.floor(low), math.ceil(high)
        width = max(1, math.ceil((high - low + 1) / MAX_BINS))
        return low - 0.5 + width * np.arange(math.ceil((high - low + 1) / width) + 1)
    if high == low:
        return np.array([low - 0.5, low + 0.5])
    return np.linspace(low, high, MAX_BINS + 1)


def _box(x: pd.Series, name: str, color: str) -> dict[str, object]:
    """Make a box plot from its five numbers; whiskers end at the last value inside the fences."""
    q1, median, q3 = (float(v) for v in x.quantile([0.25, 0.5, 0.75]))
    inside = x[(x >= q1 - FENCE * (q3 - q1)) & (x <= q3 + FENCE * (q3 - q1))]
    return {
        "q1": [q1], "median": [median], "q3": [q3], "y": [name], "orientation": "h", "name": name,
        "lowerfence": [float(inside.min())], "upperfence": [float(inside.max())],
        "line": {"color": color}, "showlegend": False, "hoverinfo": "skip",
    }  # fmt: skip

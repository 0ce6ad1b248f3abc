"""The report's charts, each from the frame that is also written as a DVC plot.

The first argument of each is the texts of the report, for legends, axes and hover texts.
"""

from collections.abc import Iterable

import pandas as pd
import plotly.graph_objects as go

from creditrisk.html.page import BAD, BLACK, BLUE, GOOD, GREY, ORANGE, VERMILION, label, styled
from creditrisk.report.words import Words

_BAND = "rgba(0, 114, 178, 0.18)"  # BLUE, transparent
_ROW_HEIGHT = 26  # pixels per row of a horizontal chart
_LINE_HEIGHT = 13  # pixels that each further line of its name takes


def leaderboard(words: Words, board: pd.DataFrame, champion: str, score: str) -> go.Figure:
    """Plot the mean CV score of each model, one standard error to each side, best on top."""
    chart = go.Figure()
    for name, chosen, colour, symbol in (
        (words("figures.champion"), True, VERMILION, "diamond"),
        (words("figures.others"), False, BLUE, "circle"),
    ):
        part = board[(board["algorithm"] == champion) == chosen]
        if len(part):
            chart.add_scatter(
                x=part["score"].to_list(),
                y=[label(a) for a in part["label"]],
                error_x={"array": part["score_se"].to_list(), "thickness": 1.5, "width": 4},
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 10},
                name=name,
                hovertemplate="%{y}: %{x:.4f} \N{PLUS-MINUS SIGN} %{error_x.array:.4f}",
            )
    order = [label(a) for a in board["label"]]
    chart.update_yaxes(categoryorder="array", categoryarray=order[::-1])
    # All rows have the same height, so the longest name decides.
    lines = max(text.count("<br>") for text in order)
    height = 110 + (_ROW_HEIGHT + _LINE_HEIGHT * lines) * len(board)
    axis = words("figures.mean_cv", score=score)
    return styled(chart, x=axis, height=height).update_layout(showlegend=True)


def roc(words: Words, points: pd.DataFrame, at: tuple[float, float], threshold: float) -> go.Figure:
    """Plot the ROC curve, the diagonal of random guesses, and the point `at` the cut-off."""
    chart = go.Figure()
    _line(chart, points["fpr"], points["tpr"], words("figures.champion"), BLUE)
    _line(chart, [0, 1], [0, 1], words("figures.guessing"), GREY, "dash")
    _dot(words, chart, at, threshold)
    return _square(chart, words("figures.good_rejected"), words("figures.bad_rejected"))


def precision_recall(
    words: Words, points: pd.DataFrame, base: float, at: tuple[float, float], threshold: float
) -> go.Figure:
    """Plot precision over recall, the base rate of guesses, and the point `at` the cut-off."""
    chart = go.Figure()
    _line(chart, points["recall"], points["precision"], words("figures.champion"), BLUE)
    _line(chart, [0, 1], [base, base], words("figures.guessing_rate"), GREY, "dash")
    _dot(words, chart, at, threshold)
    return _square(chart, words("figures.recall"), words("figures.precision"))


def calibration(words: Words, curves: pd.DataFrame) -> go.Figure:
    """Plot observed bad rates over PDs: bins with intervals, a smooth curve with its band."""
    binned = curves[curves["curve"] == "binned"]
    smooth = curves[curves["curve"] == "smooth"]
    top = min(1.0, 1.05 * float(curves[["mean_pd", "bad_rate", "high"]].max().max()))
    chart = go.Figure()
    _line(chart, [0, top], [0, top], words("figures.perfect"), GREY, "dash")
    if len(smooth):
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        x = smooth["mean_pd"].to_list()
        chart.add_scatter(x=x, y=smooth["high"].to_list(), showlegend=False, **edge)
        band = {"fill": "tonexty", "fillcolor": _BAND, "name": words("figures.band")}
        chart.add_scatter(x=x, y=smooth["low"].to_list(), **band, **edge)
        _line(chart, smooth["mean_pd"], smooth["bad_rate"], words("figures.smooth"), BLUE)
    chart.add_scatter(
        x=binned["mean_pd"].to_list(),
        y=binned["bad_rate"].to_list(),
        error_y={
            "array": (binned["high"] - binned["bad_rate"]).to_list(),
            "arrayminus": (binned["bad_rate"] - binned["low"]).to_list(),
            "thickness": 1.2,
            "width": 3,
        },
        mode="markers",
        marker={"color": VERMILION, "size": 8},
        name=words("figures.bins"),
        customdata=binned["rows"].to_list(),
        hovertemplate=words(
            "figures.bin_hover", mean="%{x:.1%}", rate="%{y:.1%}", rows="%{customdata}"
        ),
    )
    return _square(chart, words("figures.mean_pd"), words("figures.observed"), top)


def scores(words: Words, shares: pd.DataFrame, threshold: float) -> go.Figure:
    """Plot the distributions of the PDs of the good and of the bad, and the cut-off."""
    chart = go.Figure()
    for name, colour in (("good", GOOD), ("bad", BAD)):
        chart.add_bar(
            x=shares["pd"].to_list(),
            y=shares[name].to_list(),
            name=words(f"figures.{name}"),
            marker={"color": colour, "opacity": 0.6, "pattern": {"shape": "/"}}
            if name == "bad"
            else {"color": colour, "opacity": 0.6},
            hovertemplate=words(f"figures.{name}_hover", pd="%{x:.1%}", share="%{y:.1%}"),
        )
    _cut(words, chart, threshold, 1.05 * float(shares[["good", "bad"]].max().max()))
    chart.update_layout(barmode="overlay", bargap=0)
    chart.update_yaxes(tickformat=".0%")
    return _percent(styled(chart, x=words("figures.pd"), y=words("figures.share")))


def costs(
    words: Words, points: pd.DataFrame, threshold: float, levels: dict[str, float], unit: str
) -> go.Figure:
    """Plot the cost a head over all cut-offs.

    Args:
        words: the texts of the report.
        points: `rows`, `threshold`, `expected_cost`.
        threshold: the chosen cut-off.
        levels: cost a head of the two decisions that need no model: `accept_all`, `reject_all`.
        unit: of the costs; empty for a cost matrix.
    """
    chart = _over_cutoffs(words, points, "expected_cost", ",.3f")
    for (name, value), dash in zip(levels.items(), ("dashdot", "6px,2px"), strict=True):
        _line(chart, [0, 1], [value, value], words(f"figures.{name}"), GREY, dash)
    _cut(words, chart, threshold, max(float(points["expected_cost"].max()), *levels.values()))
    axis = words("figures.cost_unit", unit=unit) if unit else words("figures.cost")
    return _percent(styled(chart, x=words("figures.cutoff_axis"), y=axis, height=360))


def approvals(words: Words, points: pd.DataFrame, threshold: float) -> go.Figure:
    """Plot the share of applicants that is accepted, over all cut-offs."""
    chart = _over_cutoffs(words, points, "approval_rate", ".1%")
    _cut(words, chart, threshold, 1.0)
    chart.update_yaxes(tickformat=".0%")
    return _percent(styled(chart, x=words("figures.cutoff_axis"), y=words("figures.accepted")))


def importance(words: Words, table: pd.DataFrame) -> go.Figure:
    """Plot the rows of a `tables.importance_table`, with two standard errors to each side."""
    chart = go.Figure()
    chart.add_bar(
        x=table["auc_lost"].to_list(),
        y=list(range(len(table))),
        orientation="h",
        marker={"color": BLUE},
        error_x={"array": (2 * table["se"]).to_list(), "thickness": 1.5, "width": 4},
        hovertemplate="%{x:.4f}<extra></extra>",
    )
    chart.update_xaxes(nticks=4)
    height = _name_rows(chart, table["variable"])
    return styled(chart, x=words("figures.auc_lost"), height=height)


def stability(words: Words, table: pd.DataFrame) -> go.Figure:
    """Plot the rows of a `tables.psi_table`, with the conventional limits 0.1 and 0.25."""
    chart = go.Figure()
    chart.add_bar(
        x=table["psi"].to_list(),
        y=list(range(len(table))),
        orientation="h",
        marker={"color": BLUE},
        hovertemplate="%{x:.4f}<extra></extra>",
    )
    for limit, colour in ((0.1, ORANGE), (0.25, VERMILION)):
        chart.add_vline(x=limit, line={"color": colour, "dash": "dash"})
    chart.update_xaxes(nticks=6, rangemode="tozero")
    return styled(chart, x=words("figures.psi"), height=_name_rows(chart, table["variable"]))


def _name_rows(chart: go.Figure, names: Iterable[str]) -> int:
    """Name the rows of a horizontal chart, the first on top, and return the height it needs.

    The rows are at positions instead of names, since two variables may have one name in words.
    """
    labels = [label(name) for name in names]
    chart.update_yaxes(tickvals=list(range(len(labels))), ticktext=labels, autorange="reversed")
    return max(160, 70 + sum(10 + 18 * (1 + text.count("<br>")) for text in labels))


def _over_cutoffs(words: Words, points: pd.DataFrame, column: str, form: str) -> go.Figure:
    chart = go.Figure()
    for rows, name, colour, dash in (
        ("oof", words("figures.oof"), BLUE, "solid"),
        ("test", words("figures.test"), VERMILION, "dash"),
    ):
        part = points[points["rows"] == rows]
        _line(chart, part["threshold"], part[column], name, colour, dash, form)
    return chart


def _line(chart, x, y, name, colour, dash="solid", form=".3f") -> None:
    chart.add_scatter(
        x=list(x),
        y=list(y),
        mode="lines",
        line={"color": colour, "dash": dash, "width": 2 if colour != GREY else 1.5},
        name=name,
        hovertemplate="%{x:.3f}, %{y:" + form + "}",
    )


def _cut(words: Words, chart: go.Figure, threshold: float, top: float) -> None:
    """Add a vertical line as a trace, so that the legend has an entry for it."""
    name = words("figures.cutoff", cutoff=words.number(threshold, ".1%"))
    _line(chart, [threshold, threshold], [0, top], name, BLACK, "dot")


def _dot(words: Words, chart: go.Figure, at: tuple[float, float], threshold: float) -> None:
    chart.add_scatter(
        x=[at[0]],
        y=[at[1]],
        mode="markers",
        marker={
            "color": ORANGE,
            "size": 11,
            "symbol": "diamond",
            "line": {"color": BLACK, "width": 1},
        },
        name=words("figures.at_cutoff", cutoff=words.number(threshold, ".1%")),
        hovertemplate="%{x:.1%}, %{y:.1%}",
    )


def _percent(chart: go.Figure) -> go.Figure:
    """Make the horizontal axis run from 0% to 100%, with room for its last label."""
    chart.update_xaxes(tickformat=".0%", range=[0, 1], dtick=0.2)
    return chart.update_layout(margin={"r": 26})


def _square(chart: go.Figure, x: str, y: str, top: float = 1.0) -> go.Figure:
    """Give both axes the same scale of shares, so that the diagonal has 45 degrees."""
    step = next((s for s in (0.01, 0.02, 0.05, 0.1) if top / s <= 6), 0.2)
    axis = {"tickformat": ".0%", "dtick": step, "range": [0, top * 1.01], "constrain": "domain"}
    # With automatic margins plotly never settles: the margins depend on the labels, the width on
    # the margins, and the lines of the legend on the width.
    axis["automargin"] = False
    chart.update_xaxes(**axis)
    chart.update_yaxes(scaleanchor="x", **axis)
    return styled(chart, x=x, y=y, height=460).update_layout(
        margin={"l": 62, "r": 26, "t": 36, "b": 48}
    )

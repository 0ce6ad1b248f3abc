"""The charts of the monitoring page."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from creditrisk.champion.reference import Distribution, Reference
from creditrisk.html.page import BLUE, GREY, ORANGE, VERMILION, label, styled
from creditrisk.monitor.counts import VariableCounts
from creditrisk.monitor.flow import Day
from creditrisk.monitor.judge import Verdict
from creditrisk.monitor.series import SCORE
from creditrisk.monitor.windows import Window

MAX_WINDOWS = 60  # the last ones are drawn
MAX_BARS = 15
_ROW = 24  # pixels of a series
_PSI = [[0.0, "#FFFFFF"], [0.4, ORANGE], [1.0, VERMILION]]
_TOP_PSI = 0.5  # and above: the darkest colour


def time_line(windows: Sequence[Window], verdicts: Sequence[Verdict]) -> go.Figure:
    """Plot the PSI of each series over the windows, with a mark at each alarm."""
    drawn = list(zip(windows, verdicts, strict=True))[-MAX_WINDOWS:]
    names = [SCORE, *(drawn[0][1].series if drawn else ())]
    rows = [[_psi(verdict, name) for _, verdict in drawn] for name in names]
    x = [window.number for window, _ in drawn]
    y = [label(name, 28, 1) for name in names]
    days = [[label(window.name, 40) for window, _ in drawn]] * len(names)
    chart = go.Figure(
        go.Heatmap(
            x=x, y=y, z=rows, customdata=days, zmin=0, zmax=_TOP_PSI, colorscale=_PSI,
            colorbar={"title": "PSI", "thickness": 10, "len": 0.6}, xgap=1, ygap=1,
            hovertemplate="%{y}, window %{x} (%{customdata}): PSI %{z:.3f}<extra></extra>",
        )
    )  # fmt: skip
    marks = [
        (window.number, label(name, 28, 1))
        for window, verdict in drawn
        for name in names
        if _alarm(verdict, name)
    ]
    chart.add_scatter(
        x=[mark[0] for mark in marks], y=[mark[1] for mark in marks], mode="markers",
        marker={"color": "#000000", "size": 6, "symbol": "diamond"}, name="alarm",
        hovertemplate="%{y}, window %{x}: alarm<extra></extra>",
    )  # fmt: skip
    chart.update_yaxes(categoryorder="array", categoryarray=y[::-1], showgrid=False)
    chart.update_xaxes(showgrid=False, tickformat="d", nticks=8)
    return styled(chart, x="window", height=110 + _ROW * len(names))


def _psi(verdict: Verdict, name: str) -> float | None:
    one = verdict.score if name == SCORE else verdict.series[name]
    return None if one["psi"] is None or np.isnan(one["psi"]) else float(one["psi"])


def _alarm(verdict: Verdict, name: str) -> bool:
    return bool((verdict.score if name == SCORE else verdict.series[name])["alarm"])


def moved(
    like: Distribution,
    rows: int,
    now: VariableCounts,
    of: int,
    words: Sequence[str],
    form: str = ".4g",
) -> go.Figure:
    """Plot a variable: its shares in training and in the window.

    Args:
        like: its distribution in training, of `rows` rows.
        rows: see `like`.
        now: its counts in the window, of `of` rows.
        of: see `now`.
        words: labels of the levels or special codes, in the order of both.
        form: of numbers.
    """
    numeric = like.kind == "numeric"
    bars = [*_bins(like, form), *words, "missing"] if numeric else [*words, "other", "missing"]
    specials = list(like.special)
    then = [*like.counts, *(like.special[code] for code in specials), like.missing]
    here = [*now.counts, *(now.special[code] for code in specials), now.missing]
    if not numeric:
        order = np.argsort([-value for value in then[: len(words)]], kind="stable")
        kept = [*order[:MAX_BARS], len(words), len(words) + 1]
        bars, then, here = ([side[i] for i in kept] for side in (bars, then, here))
    shown = [i for i in range(len(bars)) if then[i] or here[i]]
    chart = go.Figure()
    y = [label(bars[i], 20, 2) for i in shown]
    for side, total, colour, title in ((then, rows, GREY, "training"), (here, of, BLUE, "now")):
        chart.add_bar(
            y=y, x=[side[i] / total if total else 0 for i in shown], orientation="h", name=title,
            marker={"color": colour}, hovertemplate="%{y}: %{x:.1%}<extra>" + title + "</extra>",
        )  # fmt: skip
    chart.update_layout(barmode="group", bargap=0.25)
    chart.update_yaxes(autorange="reversed")
    chart.update_xaxes(tickformat=".0%", rangemode="tozero", nticks=6)
    return styled(chart, x="share of the rows", height=110 + 30 * len(shown))


def _bins(like: Distribution, form: str) -> list[str]:
    texts = [format(edge, form) for edge in like.edges]
    if not texts:
        return ["all values"]
    inner = [f"{a} to {b}" for a, b in pairwise(texts)]
    return [f"up to {texts[0]}", *inner, f"over {texts[-1]}"]


def scores(reference: Reference, counts: Sequence[int]) -> go.Figure:
    """Plot the shares of the PDs in the bins of the reference, in training and in the window."""
    like = Distribution(
        kind="numeric", edges=reference.score.edges, counts=reference.score.counts, missing=0
    )
    now = VariableCounts(counts=list(counts), special={}, missing=0, unseen=0)
    return moved(like, round(sum(reference.score.counts)), now, sum(counts), [], ".1%")


def approvals(windows: Sequence[Window], verdicts: Sequence[Verdict], then: float) -> go.Figure:
    """Plot the approval rate by window with its interval, and that of the training rows."""
    drawn = [
        (window.number, verdict.approvals, window.name)
        for window, verdict in zip(windows, verdicts, strict=True)
        if verdict.approvals["now"] is not None
    ][-MAX_WINDOWS:]
    x = [number for number, _, _ in drawn]
    chart = go.Figure()
    chart.add_scatter(
        x=x, y=[one["now"] for _, one, _ in drawn], mode="markers", name="accepted, 95% interval",
        marker={"color": BLUE, "size": 7},
        error_y={
            "array": [one["high"] - one["now"] for _, one, _ in drawn],
            "arrayminus": [one["now"] - one["low"] for _, one, _ in drawn],
            "thickness": 1.2, "width": 3,
        },
        customdata=[label(name, 40) for _, _, name in drawn],
        hovertemplate="window %{x} (%{customdata}): %{y:.1%}<extra></extra>",
    )  # fmt: skip
    if x:
        chart.add_scatter(
            x=[min(x) - 0.5, max(x) + 0.5], y=[then, then], mode="lines", name="training",
            line={"color": GREY, "dash": "dash"}, hoverinfo="skip",
        )  # fmt: skip
    chart.update_xaxes(tickformat="d", nticks=8)
    chart.update_yaxes(tickformat=".0%", rangemode="tozero")
    return styled(chart, x="window", y="approval rate")


def calibration(lines: Sequence[dict]) -> go.Figure:
    """Plot the bad rate of each grade with its interval, and what was promised."""
    chart = go.Figure()
    grades = [line["grade"] for line in lines]
    chart.add_scatter(
        x=grades, y=[line["promised"] for line in lines], mode="markers", name="promised",
        marker={"color": GREY, "symbol": "diamond-open", "size": 11, "line": {"width": 2}},
        hovertemplate="grade %{x}: %{y:.1%} promised<extra></extra>",
    )  # fmt: skip
    known = [line for line in lines if line["rows"]]
    chart.add_scatter(
        x=[line["grade"] for line in known], y=[line["bad_rate"] for line in known],
        error_y={
            "array": [line["high"] - line["bad_rate"] for line in known],
            "arrayminus": [line["bad_rate"] - line["low"] for line in known],
            "thickness": 1.2, "width": 4,
        },
        mode="markers", name="seen, 95% interval", marker={"color": VERMILION, "size": 8},
        customdata=[line["rows"] for line in known],
        hovertemplate="grade %{x}: %{y:.1%} of %{customdata} defaulted<extra></extra>",
    )  # fmt: skip
    chart.update_xaxes(categoryorder="array", categoryarray=grades)
    chart.update_yaxes(tickformat=".0%", rangemode="tozero")
    return styled(chart, x="grade, the least risky first", y="bad rate")


def flow(days: Sequence[Day]) -> go.Figure:
    """Plot the number of rows by day, and what is usual."""
    chart = go.Figure()
    chart.add_bar(
        x=[day.day for day in days], y=[day.rows for day in days], name="rows",
        marker={"color": BLUE}, hovertemplate="%{x}: %{y:,} rows<extra></extra>",
    )  # fmt: skip
    usual = [day for day in days if day.usual is not None]
    if usual:
        chart.add_scatter(
            x=[day.day for day in usual], y=[day.usual for day in usual], mode="lines",
            name="usual on such a day", line={"color": ORANGE}, hoverinfo="skip",
        )  # fmt: skip
    chart.update_xaxes(type="date")
    chart.update_yaxes(rangemode="tozero")
    return styled(chart, y="rows", height=260)

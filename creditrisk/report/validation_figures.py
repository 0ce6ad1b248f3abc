"""The charts of the validation sections, each from a frame that is also written as CSV."""

from collections.abc import Iterable

import pandas as pd
import plotly.graph_objects as go

from creditrisk.html.page import BLACK, BLUE, GREY, ORANGE, VERMILION, styled
from creditrisk.report.words import Words

# Colour, dash and symbol of the rows: a chart that is printed without colours can be read as well.
LOOKS = {
    "out_of_fold": (BLUE, "solid", "circle"),
    "test": (VERMILION, "dash", "square"),
}


def approvals(strategy: pd.DataFrame, words: Words) -> go.Figure:
    """Plot the bad rate among the approved over the approval rate, and the cut-off in use."""
    chart = go.Figure()
    hover = words(
        "validation.strategy.hover",
        accepted="%{x:.1%}",
        rate="%{y:.1%}",
        cutoff="%{customdata:.1%}",
    )
    for name, (colour, dash, _) in LOOKS.items():
        part = strategy[(strategy["sample"] == name) & (strategy["approved"] > 0)]
        chart.add_scatter(
            x=part["approval_rate"].to_list(),
            y=part["bad_rate_approved"].to_list(),
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2},
            name=words(f"validation.value.{name}"),
            customdata=part["threshold"].to_list(),
            hovertemplate=hover,
        )
    for name, (colour, _, symbol) in LOOKS.items():
        here = strategy[(strategy["sample"] == name) & strategy["in_use"]]
        here = here[here["approved"] > 0]
        chart.add_scatter(
            x=here["approval_rate"].to_list(),
            y=here["bad_rate_approved"].to_list(),
            error_y=_interval(here, "bad_rate_approved"),
            mode="markers",
            marker=_marker(colour, symbol),
            name=words("validation.strategy.in_use", rows=words(f"validation.value.{name}")),
            customdata=here["threshold"].to_list(),
            hovertemplate=hover,
        )
    chart.update_xaxes(tickformat=".0%", range=[0, 1.01], dtick=0.2)
    chart.update_yaxes(tickformat=".0%", rangemode="tozero")
    return _roomy(
        styled(
            chart,
            x=words("validation.column.approval_rate"),
            y=words("validation.column.bad_rate_approved"),
            height=400,
        )
    )


def grades(table: pd.DataFrame, words: Words) -> go.Figure:
    """Plot the mean PD and the bad rate with its interval, by grade and sample."""
    chart = go.Figure()
    names = list(dict.fromkeys(table["grade"]))
    for shift, (name, (colour, _, symbol)) in zip((-0.12, 0.12), LOOKS.items(), strict=True):
        part = table[(table["sample"] == name) & (table["rows"] > 0)]
        places = [names.index(grade) + shift for grade in part["grade"]]
        chart.add_scatter(
            x=places,
            y=part["expected"].to_list(),
            mode="markers",
            marker={"color": BLACK, "symbol": "line-ew-open", "size": 14, "line": {"width": 2}},
            name=words("validation.grades.expected"),
            showlegend=shift < 0,
            hovertemplate=words("validation.grades.expected") + ": %{y:.1%}<extra></extra>",
        )
        chart.add_scatter(
            x=places,
            y=part["observed"].to_list(),
            error_y=_interval(part, "observed"),
            mode="markers",
            marker=_marker(colour, symbol),
            name=words("validation.grades.observed", rows=words(f"validation.value.{name}")),
            hovertemplate="%{y:.1%}<extra></extra>",
        )
    chart.update_xaxes(tickvals=list(range(len(names))), ticktext=names, zeroline=False)
    chart.update_traces(cliponaxis=False)
    chart.update_yaxes(tickformat=".0%", range=[0, 1.01])
    return _roomy(
        styled(
            chart,
            x=words("validation.column.grade"),
            y=words("validation.grades.axis"),
            height=400,
        )
    )


def ks(points: pd.DataFrame, words: Words) -> go.Figure:
    """Plot both distribution functions of the PDs, and the greatest distance between them."""
    chart = go.Figure()
    for name, colour, dash in (("good", BLUE, "solid"), ("bad", VERMILION, "dash")):
        line = {"color": colour, "dash": dash, "width": 2, "shape": "hv"}
        _line(chart, points["pd"], points[name], words(f"validation.ks.{name}"), line)
    at = points[points["ks"]].iloc[0]
    line = {"color": BLACK, "dash": "dot", "width": 2}
    _line(chart, [at["pd"]] * 2, [at["bad"], at["good"]], words("validation.ks.distance"), line)
    chart.update_xaxes(tickformat=".0%", range=[0, 1], dtick=0.2)
    chart.update_yaxes(tickformat=".0%", range=[0, 1.01])
    return _roomy(styled(chart, x="PD", y=words("validation.ks.axis"), height=380))


def cap(points: pd.DataFrame, words: Words) -> go.Figure:
    """Plot the share of the bad that is found among the riskiest applicants."""
    chart = go.Figure()
    for name, colour, dash in (
        ("perfect", ORANGE, "dash"),
        ("model", BLUE, "solid"),
        ("random", GREY, "dot"),
    ):
        line = {"color": colour, "dash": dash, "width": 2}
        _line(chart, points["share"], points[name], words(f"validation.cap.{name}"), line)
    chart.update_xaxes(tickformat=".0%", range=[0, 1], dtick=0.2)
    chart.update_yaxes(tickformat=".0%", range=[0, 1.01])
    return _roomy(
        styled(chart, x=words("validation.cap.x"), y=words("validation.cap.y"), height=380)
    )


def folds(table: pd.DataFrame, mean: float, words: Words) -> go.Figure:
    """Plot the AUC of each fold, one colour and symbol per repeat, and the mean of all."""
    chart = go.Figure()
    symbols = ("circle", "square", "diamond", "cross", "triangle-up")
    colours = (BLUE, VERMILION, ORANGE, GREY, BLACK)
    for place, (repeat, part) in enumerate(table.groupby("repeat")):
        chart.add_scatter(
            x=part["fold"].to_list(),
            y=part["roc_auc"].to_list(),
            mode="markers",
            marker=_marker(colours[place % 5], symbols[place % 5]),
            name=words("validation.folds.repeat", repeat=repeat),
            hovertemplate="%{y:.3f}",
        )
    ends = [table["fold"].min() - 0.3, table["fold"].max() + 0.3]
    line = {"color": BLACK, "dash": "dot", "width": 1.5}
    _line(chart, ends, [mean, mean], words("validation.folds.mean"), line, ".3f")
    chart.update_xaxes(dtick=1)
    return _roomy(styled(chart, x=words("validation.column.fold"), y="AUC", height=320))


def _line(
    chart: go.Figure,
    x: Iterable[float],
    y: Iterable[float],
    name: str,
    line: dict[str, object],
    form: str = ".1%",
) -> None:
    chart.add_scatter(
        x=list(x),
        y=list(y),
        mode="lines",
        line=line,
        name=name,
        hovertemplate="%{x:.1%}, %{y:" + form + "}" if form != ".3f" else "%{y:.3f}",
    )


def _interval(frame: pd.DataFrame, name: str) -> dict[str, object]:
    """Error bars from the columns NAME_low and NAME_high."""
    return {
        "array": (frame[f"{name}_high"] - frame[name]).to_list(),
        "arrayminus": (frame[name] - frame[f"{name}_low"]).to_list(),
        "thickness": 1.5,
        "width": 4,
    }


def _marker(colour: str, symbol: str) -> dict[str, object]:
    return {"color": colour, "symbol": symbol, "size": 10, "line": {"color": BLACK, "width": 1}}


def _roomy(chart: go.Figure) -> go.Figure:
    """Leave room for the legend above the chart, whose lines wrap on a phone."""
    return chart.update_layout(showlegend=True, margin={"t": 64, "r": 26})

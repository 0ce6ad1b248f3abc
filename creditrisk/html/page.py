"""One self-contained HTML page: text, tables and plotly figures, nothing loaded from outside.

    page = Page("Exploration", "German Credit, 800 train rows")
    page.section("The data", facts({"rows": "1,000"}), text("Counts before the split."))
    page.section("Age", figure(styled(fig, x="age in years", y="applicants"), "Age by outcome"))
    html = page.html()

Every text is escaped here. Texts that go into a plotly figure (tick labels, trace names, hover
texts) pass plotly's own small markup, so wrap those that come from a user's file in `label`.
The same blocks give the same bytes: ids are counted, never drawn.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import pandas as pd
import plotly.graph_objects as go
import plotly.io
from plotly.offline import get_plotlyjs

from creditrisk.html.style import CSS, PRINT_SCRIPT

# Okabe and Ito (2008): told apart with every common form of colour blindness.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, SKY, PURPLE, BLACK, YELLOW)
GOOD, BAD = BLUE, VERMILION
GREY = "#666666"
DIVERGING = [[0.0, BLUE], [0.5, "#FFFFFF"], [1.0, VERMILION]]

# The page itself forbids what it doesn't need: no request leaves it, whatever a chart asks for.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
_CONFIG = {"displaylogo": False, "responsive": True, "displayModeBar": False}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Markup:
    """A block of finished, escaped HTML."""

    html: str


@dataclass(frozen=True)
class Figure:
    """A block with a chart; the page gives it its id."""

    chart: go.Figure
    title: str
    note: str = ""


Block = Markup | Figure


def text(words: str) -> Markup:
    """A paragraph; a blank line starts the next one."""
    parts = [p.strip() for p in words.split("\n\n") if p.strip()]
    return Markup("".join(f"<p>{escape(p)}</p>" for p in parts))


def bullets(items: list[str]) -> Markup:
    """A list of short texts."""
    return Markup("<ul>" + "".join(f"<li>{escape(i)}</li>" for i in items) + "</ul>")


def facts(values: Mapping[str, object]) -> Markup:
    """A row of big numbers, `{what it is: value}`; format the values before."""
    cells = "".join(
        f"<div><dd>{escape(str(v))}</dd><dt>{escape(k)}</dt></div>" for k, v in values.items()
    )
    return Markup(f'<dl class="facts">{cells}</dl>')


def table(
    frame: pd.DataFrame,
    caption: str = "",
    formats: Mapping[str, str] | None = None,
    limit: int = 500,
    collapsed: bool | None = None,
) -> Markup:
    """A table from a frame, without its index; numbers right-aligned, a missing cell as a dash.

    Args:
        frame: its column names are the header.
        caption: stands above the table, and is what one opens when it is collapsed.
        formats: by column, a format such as `.3f`, `,d` or `.1%`; by default integers with
            thousands' separators and floats with four significant digits.
        limit: rows shown at most; a note tells how many there are.
        collapsed: closed until opened (and open in print); by default when more than 15 rows.
    """
    formats = formats or {}
    shown = frame.head(limit)
    numeric = [pd.api.types.is_numeric_dtype(frame[c].dtype) for c in frame.columns]
    css = [' class="n"' if n else "" for n in numeric]
    head = "".join(
        f'<th scope="col"{c}>{escape(str(name))}</th>'
        for c, name in zip(css, frame.columns, strict=True)
    )
    columns = [[_cell(v, formats.get(str(c), "")) for v in shown[c]] for c in frame.columns]
    rows = "".join(
        "<tr>" + "".join(f"<td{c}>{v}</td>" for c, v in zip(css, row, strict=True)) + "</tr>"
        for row in zip(*columns, strict=True)
    )
    grid = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    if len(frame) > limit:
        grid += f"<p class=note>The first {limit:,} of {len(frame):,} rows.</p>"
    if len(shown) > 15 if collapsed is None else collapsed:
        title = escape(caption or "Table") + f" ({len(shown):,} rows)"
        return Markup(f"<details><summary>{title}</summary><div class=wide>{grid}</div></details>")
    title = f"<p class=caption>{escape(caption)}</p>" if caption else ""
    return Markup(f"{title}<div class=wide>{grid}</div>")


def figure(chart: go.Figure, title: str, note: str = "") -> Figure:
    """A chart under its title, with an optional note below.

    The title is the page's, not the chart's: it wraps on a narrow screen.
    """
    return Figure(chart, title, note)


def label(value: object, width: int = 22, lines: int = 3) -> str:
    """Make any text safe and short enough for a chart: escaped, wrapped, cut after `lines`."""
    words = " ".join(str(value).split()) or "(blank)"
    rows = textwrap.wrap(words, width, max_lines=lines, placeholder=" …") or ["…"]
    # A lone $...$ would be read as a formula, so the sign is spelled as an entity.
    return "<br>".join(escape(row).replace("$", "&#36;") for row in rows)


def styled(chart: go.Figure, x: str = "", y: str = "", height: int = 320) -> go.Figure:
    """Give a chart the pages' common look, its axis titles and its height in pixels."""
    chart.update_layout(
        template=_TEMPLATE,
        height=height,
        xaxis_title=label(x, 60) if x else None,
        yaxis_title=label(y, 40) if y else None,
    )
    return chart


_AXIS = {
    "automargin": True,
    "gridcolor": "#E3E3E3",
    "linecolor": "#8A8A8A",
    "zerolinecolor": "#8A8A8A",
    "ticks": "outside",
    "tickcolor": "#8A8A8A",
    "title": {"standoff": 8},
}
_TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": _FONT, "size": 12, "color": "#222222"},
        "colorway": PALETTE,
        "paper_bgcolor": "#FFFFFF",
        "plot_bgcolor": "#FFFFFF",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "xaxis": {**_AXIS, "tickangle": 0},
        "yaxis": _AXIS,
        # Above the chart and along it, so that a phone's width is the chart's own.
        "legend": {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        "hoverlabel": {"bgcolor": "#FFFFFF", "font": {"color": "#222222"}},
        "dragmode": False,
        "bargap": 0.15,
    }
)


@dataclass
class Page:
    """A page: a title, a line below it, and sections in order."""

    title: str
    subtitle: str = ""
    _sections: list[tuple[str, tuple[Block, ...]]] = field(default_factory=list)

    def section(self, heading: str, *blocks: Block) -> "Page":
        """Add a section; its heading becomes an anchor and an entry of the contents."""
        self._sections.append((heading, blocks))
        return self

    def html(self) -> str:
        """Write the page out."""
        anchors = _anchors([heading for heading, _ in self._sections])
        contents = "".join(
            f'<li><a href="#{a}">{escape(h)}</a></li>'
            for a, (h, _) in zip(anchors, self._sections, strict=True)
        )
        body, count = [], 0
        for anchor, (heading, blocks) in zip(anchors, self._sections, strict=True):
            body.append(f'<section id="{anchor}"><h2>{escape(heading)}</h2>')
            for block in blocks:
                if isinstance(block, Figure):
                    count += 1
                    body.append(_figure_html(block, f"figure-{count}"))
                else:
                    body.append(block.html)
            body.append("</section>")
        script = f"<script>{get_plotlyjs()}</script>" if count else ""
        subtitle = f"<p class=subtitle>{escape(self.subtitle)}</p>" if self.subtitle else ""
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<link rel="icon" href="data:,">\n<title>{escape(self.title)}</title>\n'
            f"<style>{CSS}</style>\n{script}\n</head>\n<body>\n"
            f"<header><h1>{escape(self.title)}</h1>{subtitle}</header>\n"
            f"<nav><ul>{contents}</ul></nav>\n<main>\n"
            + "\n".join(body)
            + f"\n</main>\n<script>{PRINT_SCRIPT}</script>\n</body>\n</html>\n"
        )


def _figure_html(block: Figure, name: str) -> str:
    chart = plotly.io.to_html(
        block.chart, config=_CONFIG, include_plotlyjs=False, full_html=False, div_id=name
    )
    note = f"<p class=note>{escape(block.note)}</p>" if block.note else ""
    return f"<figure><figcaption>{escape(block.title)}</figcaption>{chart}{note}</figure>"


def _cell(value: object, form: str) -> str:
    if pd.isna(value):
        return "\N{EN DASH}"
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not form:
        form = ".4g" if isinstance(value, float) and abs(value) < 1000 else ",.0f"
    return escape(format(value, form))


def _anchors(headings: list[str]) -> list[str]:
    found: list[str] = []
    for heading in headings:
        words = "".join(c if c.isascii() and c.isalnum() else " " for c in heading.lower()).split()
        anchor = stem = "-".join(words) or "section"
        number = 2
        while anchor in found:
            anchor, number = f"{stem}-{number}", number + 1
        found.append(anchor)
    return found

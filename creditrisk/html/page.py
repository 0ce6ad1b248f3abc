"""One self-contained HTML page: text, tables and plotly figures, nothing loaded from outside.

    page = Page("Exploration", "German Credit, 800 train rows")
    page.section("The data", facts({"rows": "1,000"}), text("Counts before the split."))
    page.section("Age", figure(styled(fig, x="age in years", y="applicants"), "Age by outcome"))
    html = page.html()

The own words of a page (the number of rows of a table) are in its `language`.

Every text is escaped by the templates (jinja2, autoescape). Plotly interprets a few HTML tags in
the texts of a figure (tick labels, trace names, hover texts), so wrap those that come from a user's
file in `label`. The same blocks give the same bytes: ids are sequential, never random.
"""

import base64
import hashlib
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup as Safe
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from creditrisk.html.language import PAGE_WORDS
from creditrisk.html.style import CSS, DRAW_SCRIPT, PRINT_SCRIPT

# Okabe and Ito (2008): can be told apart with every common form of colour blindness.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, SKY, PURPLE, BLACK, YELLOW)
GOOD, BAD = BLUE, VERMILION
GREY = "#666666"
DIVERGING = [[0.0, BLUE], [0.5, "#FFFFFF"], [1.0, VERMILION]]

# The page itself forbids what it doesn't need: only the scripts with these hashes run, and no
# request leaves it. Plotly writes styles into its drawings, so styles can't be listed.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src {scripts}; img-src data: blob:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)
_CONFIG = {"displaylogo": False, "responsive": True, "displayModeBar": False}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_LONG_TABLE = 15  # rows; a longer table is closed until opened


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )


def _block(macro: str, *values: Any) -> "Markup":
    return Markup(macro, values)


@dataclass(frozen=True)
class Markup:
    """A block of text, written by a macro of blocks.html, which escapes all values."""

    macro: str
    values: tuple[Any, ...]
    chart = None

    @property
    def html(self) -> Safe:
        """The HTML in English."""
        return self.write("en")

    def write(self, language: str) -> Safe:
        """Write the HTML, in one of the languages of `PAGE_WORDS`."""
        blocks = _environment().get_template("blocks.html").module
        return Safe(getattr(blocks, self.macro)(PAGE_WORDS[language], *self.values))


@dataclass(frozen=True)
class Figure:
    """A block with a chart; the page gives it its id."""

    chart: go.Figure
    title: str
    note: str = ""


Block = Markup | Figure


def text(words: str) -> Markup:
    """A paragraph; a blank line starts the next one."""
    return _block("text", [p.strip() for p in words.split("\n\n") if p.strip()])


def bullets(items: list[str]) -> Markup:
    """A list of short texts."""
    return _block("bullets", items)


def facts(values: Mapping[str, object]) -> Markup:
    """A row of big numbers, `{what it is: value}`; format the values before."""
    return _block("facts", list(values.items()))


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
        caption: shown above the table, and what one clicks to open a collapsed one.
        formats: by column, a format such as `.3f`, `,d` or `.1%`; by default integers with
            thousands' separators and floats with four significant digits.
        limit: rows shown at most; a note says how many there are.
        collapsed: closed until opened (and open in print); by default when it has more than 15
            rows.
    """
    formats = formats or {}
    shown = frame.head(limit)
    numeric = [pd.api.types.is_numeric_dtype(frame[c].dtype) for c in frame.columns]
    columns = [[_cell(v, formats.get(str(c), "")) for v in shown[c]] for c in frame.columns]
    rows = list(zip(*columns, strict=True))
    closed = len(shown) > _LONG_TABLE if collapsed is None else collapsed
    head = [str(name) for name in frame.columns]
    return _block("table", caption, closed, head, numeric, rows, len(frame))


def figure(chart: go.Figure, title: str, note: str = "") -> Figure:
    """A chart under its title, with an optional note below.

    The title is the page's, not the chart's: it wraps on a narrow screen.
    """
    return Figure(chart, title, note)


def label(value: object, width: int = 22, lines: int = 3) -> str:
    """Make any text safe and short enough for a chart: escaped, wrapped, cut after `lines`."""
    words = " ".join(str(value).split()) or "(blank)"
    rows = textwrap.wrap(words, width, max_lines=lines, placeholder=" …") or ["…"]
    # A lone $...$ would be read as a formula, so the sign is written as an entity.
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
    """A page: a title, a line below it, and sections in order.

    Attributes:
        title: of the page and its heading.
        subtitle: the line below it.
        language: of its texts, a key of `PAGE_WORDS`.
    """

    title: str
    subtitle: str = ""
    language: str = "en"
    _sections: list[tuple[str, tuple[Block, ...]]] = field(default_factory=list)

    def section(self, heading: str, *blocks: Block) -> "Page":
        """Add a section; its heading becomes an anchor and an entry of the contents."""
        self._sections.append((heading, blocks))
        return self

    def html(self) -> str:
        """Write the page out."""
        count = 0
        sections = []
        anchors = _anchors([heading for heading, _ in self._sections])
        for anchor, (heading, blocks) in zip(anchors, self._sections, strict=True):
            drawn: list[dict[str, Any]] = []
            for block in blocks:
                if isinstance(block, Figure):
                    count += 1
                    chart = _chart_html(block.chart, f"figure-{count}")
                    drawn.append({"chart": chart, "title": block.title, "note": block.note})
                else:
                    drawn.append({"chart": None, "html": block.write(self.language)})
            sections.append({"anchor": anchor, "heading": heading, "blocks": drawn})
        # Our own style and scripts, and plotly's: the only text that is not escaped.
        library = get_plotlyjs() if count else ""
        scripts = [library, DRAW_SCRIPT, PRINT_SCRIPT] if count else [PRINT_SCRIPT]
        return (
            _environment()
            .get_template("page.html")
            .render(
                page=self,
                sections=sections,
                policy=Safe(_POLICY.format(scripts=" ".join(map(_hash, scripts)))),
                css=Safe(CSS),
                plotly=Safe(library),
                scripts=[Safe(script) for script in scripts[-2:] if script != library],
            )
            + "\n"
        )


def _hash(script: str) -> str:
    """The source of a script for the policy: the SHA-256 of its text, as a browser takes it."""
    text = script.replace("\r\n", "\n").replace("\r", "\n")
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _chart_html(chart: go.Figure, name: str) -> Safe:
    """A place for a chart, and its data, which are no script: DRAW_SCRIPT reads and draws them."""
    # Plotly escapes <, > and / in the JSON, and `label` the texts in it. The engine is named: which
    # one is installed must not change the bytes.
    data = to_json_plotly(chart.to_plotly_json() | {"config": _CONFIG}, engine="json")
    height = chart.layout.height or 320
    return Safe(
        f'<div id="{name}" class="plotly-graph-div" style="height:{height}px"></div>'
        f'<script type="application/json" class="chart">{data}</script>'
    )


def _cell(value: object, form: str) -> str | bool:
    if pd.isna(value):
        return "\N{EN DASH}"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return value  # written in the language of the page
    if not form:
        form = ".4g" if isinstance(value, float) and abs(value) < 1000 else ",.0f"
    return format(value, form)


def _anchors(headings: list[str]) -> list[str]:
    found: list[str] = []
    for heading in headings:
        # Letters lose their accents: a section "Métricas" is at #metricas.
        letters = unicodedata.normalize("NFKD", heading.lower())
        plain = "".join(c for c in letters if not unicodedata.combining(c))
        words = "".join(c if c.isascii() and c.isalnum() else " " for c in plain).split()
        anchor = stem = "-".join(words) or "section"
        number = 2
        while anchor in found:
            anchor, number = f"{stem}-{number}", number + 1
        found.append(anchor)
    return found

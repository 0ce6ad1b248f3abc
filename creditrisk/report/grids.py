"""Frames as tables of the report and of the model card, with headers in the report's language."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.core.escape import markdown, markdown_table
from creditrisk.html.page import Markup, table
from creditrisk.report.words import Words


def headers(
    words: Words, frame: pd.DataFrame, where: str, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the header of each column.

    Args:
        words: the texts of the report.
        frame: its columns have short names, which are keys of the catalogue.
        where: the table in the catalogue, such as `data.split`.
        more: headers of columns that the catalogue does not have there.
    """
    more = more or {}
    return {c: more[c] if c in more else words(f"{where}.{c}") for c in frame.columns}


def grid(
    words: Words,
    frame: pd.DataFrame,
    where: str,
    forms: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
    collapsed: bool | None = None,
    caption: str | None = None,
) -> Markup:
    """Write a table of the page.

    Args:
        words: the texts of the report.
        frame: its columns have short names, see `headers`.
        where: the table in the catalogue, which has a `caption` beside the columns.
        forms: column to the format of its numbers.
        more: headers of columns that the catalogue does not have there.
        collapsed: closed until opened; by default if it is long.
        caption: in the place of the catalogue's.
    """
    names = headers(words, frame, where, more)
    formats = {names[c]: form for c, form in (forms or {}).items() if c in names}
    title = words(f"{where}.caption") if caption is None else caption
    return table(frame.rename(columns=names), title, formats, collapsed=collapsed)


def card_grid(
    words: Words,
    frame: pd.DataFrame,
    where: str,
    forms: Mapping[str, str] | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """Write a table of the model card, as Markdown; the arguments are those of `grid`."""
    names = headers(words, frame, where, more)
    shown = {names[c]: form for c, form in (forms or {}).items()}
    return markdown_grid(frame.rename(columns=names), shown)


def markdown_grid(frame: pd.DataFrame, forms: Mapping[str, str] | None = None) -> str:
    """Write a frame that has its headers as a Markdown table.

    Args:
        frame: its cells are numbers, or texts of the data.
        forms: header to the format of the numbers.
    """
    forms = forms or {}
    return markdown_table(
        [
            {str(name): _cell(value, forms.get(name, "")) for name, value in line.items()}
            for line in frame.to_dict("records")
        ]
    )


def _cell(value: Any, form: str) -> str:
    """Format a number, or write a text of the data."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "-"
    if isinstance(value, str):
        return markdown(value)
    return format(value, form or ("," if isinstance(value, int) else ""))

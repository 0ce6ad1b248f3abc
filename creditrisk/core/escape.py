"""One escape for each language that text of the data is written into (docs/architecture.md, Law 10).

HTML has its own: the templates of `creditrisk/html`. A shell has `shlex.quote`.
"""

import re
from collections.abc import Mapping, Sequence

# A spreadsheet runs a cell as a formula if it starts with one of these.
_FORMULA = "=+\\-@\t\r"
_RUNS = re.compile(f"'*[{_FORMULA}]")
_ESCAPED = re.compile(f"'+[{_FORMULA}]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# What Markdown, with GitHub's additions, reads as nothing but text wherever it stands in a line.
_PLAIN = re.compile(r"[^\W_](?:[^\W_]|[ ,;%()'/+=€£-]|[.:](?= |$|\d))*")
_LINKED = re.compile(r"www\.|\bGH-\d|^\d+[.)]", re.IGNORECASE)


def printable(text: str) -> str:
    """Write text for a terminal: each character that does not show becomes a blank.

    These are control characters, marks of writing direction and of zero width, and what Unicode
    does not define. So the text can't move the cursor, change colours or reorder what is read.
    """
    return "".join(c if c.isprintable() else " " for c in text)


def csv_cell(value: object) -> object:
    """Write a text for a CSV file that a spreadsheet may open: never a formula.

    A text that would run gets an apostrophe in front, which spreadsheets do not show. Numbers,
    also those written as text, stay as they are.
    """
    if not isinstance(value, str) or not _RUNS.match(value) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def from_csv_cell(value: object) -> object:
    """Undo `csv_cell`."""
    return value[1:] if isinstance(value, str) and _ESCAPED.match(value) else value


def markdown(text: object) -> str:
    """Write text for a line of Markdown: as it is if it is nothing but words, else as code.

    Markdown reads nothing in a code span: no HTML, link, image, formula or mention of a person.
    In a table, pass the cell on to `markdown_table`.
    """
    words = " ".join(printable(str(text)).split())
    plain = _PLAIN.fullmatch(words) and not _LINKED.search(words)
    return words if plain or not words else markdown_code(words)


def markdown_code(text: object) -> str:
    """Write text as a code span, whatever backticks are in it."""
    words = " ".join(printable(str(text)).split())
    longest = max((len(run) for run in re.findall("`+", words)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{blank}{words}{blank}{fence}"


def markdown_table(rows: Sequence[Mapping[str, object]], right: Sequence[str] = ()) -> str:
    """Write rows with the same keys as a Markdown table.

    Args:
        rows: from column to cell. The cells are Markdown; text of the data goes through
            `markdown` before.
        right: the columns that are aligned to the right.
    """
    if not rows:
        return ""
    heads = list(rows[0])
    lines = [heads, ["---:" if head in right else "---" for head in heads]]
    lines += [["" if cell is None else str(cell) for cell in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(map(_table_cell, line))} |" for line in lines)


def _table_cell(text: str) -> str:
    # A table is cut at its bars before anything else is read, code spans included.
    return " ".join(text.replace("|", "\\|").split("\n"))

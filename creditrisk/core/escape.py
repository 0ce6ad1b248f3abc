"""One escape for each language that data are written into (docs/architecture.md, Law 10).

HTML has its own: the templates of `creditrisk/html`. A shell has `shlex.quote`.
"""

import re
from collections.abc import Mapping, Sequence

# A spreadsheet runs a cell as a formula if it starts with one of these. Where a semicolon or a tab
# separates the cells (as in German and French spreadsheets), a cell may start within one of ours.
# Blanks and what does not show may stand before the sign, and the signs of East Asian width count.
_SIGN = r"(?=['\s\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]*[=+\-@\t\uff1d\uff0b\uff0d\uff20])"
_FORMULA = re.compile(rf"(^|[;\t\n]){_SIGN}")
_ESCAPED = re.compile(rf"(^|[;\t\n])'{_SIGN}")
_BREAK = re.compile(r"\r\n?")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

# A word that Markdown, with GitHub's additions, reads as nothing but text. All its signs are ASCII.
# An underscore within a word, a point or a colon at its end or in a number are no signs.
_WORD = re.compile(
    r"(?:[^\W_]|[^\x00-\x7f]|[,;%()'\"/+=?!-]|(?<=[^\W_])_(?=[^\W_])|[.:](?=[.)\"']{0,4}[,;]?$|\d))+|&"
)
# Words that are links to a page, an issue, a commit or a picture all the same.
_LINKED = re.compile(
    r"www\.|\bGH-\d|:[\w+-]+:|(?<![\w.])(?=[0-9a-f]*\d)[0-9a-f]{7,40}(?![\w.])", re.IGNORECASE
)
# What begins a list or underlines a heading at the start of a line.
_BEGINS = re.compile(r"\d+[.)]|[+=-]+")


def printable(text: str) -> str:
    """Write text for a terminal: each character that does not show becomes a blank.

    These are control characters, marks of writing direction and of zero width, and what Unicode
    does not define. So the text can't move the cursor, change colours or reorder what is read.
    """
    return "".join(c if c.isprintable() else " " for c in text)


def csv_cell(value: object) -> object:
    """Write a text for a CSV file that a spreadsheet may open: never a formula.

    A text that would run gets an apostrophe in front, which spreadsheets do not show. Numbers,
    also those written as text, stay as they are. Each line break becomes one that is quoted by
    every CSV writer.
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return _FORMULA.sub(r"\1'", _BREAK.sub("\n", value))


def from_csv_cell(value: object) -> object:
    """Undo `csv_cell`."""
    return _ESCAPED.sub(r"\1", value) if isinstance(value, str) else value


def markdown(text: object) -> str:
    """Write text for a line of Markdown: as it is if it is nothing but words.

    What may be more than words goes into a code span, from the first such word to the last one.
    Markdown reads nothing in a code span: no HTML, link, image, formula or mention of a person.
    In a table, pass the cell on to `markdown_table`.
    """
    words = printable(str(text)).split()
    more = [i for i, word in enumerate(words) if not _is_plain(word, first=i == 0)]
    if not more:
        return " ".join(words)
    first, last = more[0], more[-1] + 1
    code = markdown_code(" ".join(words[first:last]))
    return " ".join([*words[:first], code, *words[last:]])


def _is_plain(word: str, first: bool) -> bool:
    if _LINKED.search(word) or (first and _BEGINS.fullmatch(word)):
        return False
    return bool(_WORD.fullmatch(word))


def markdown_code(text: object) -> str:
    """Write text as a code span, whatever backticks are in it."""
    words = " ".join(printable(str(text)).split())
    if not words:
        return ""
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

"""A column as its distinct texts: every guess looks at these, so each text is judged once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import pandas as pd

from creditrisk.core.errors import shorten
from creditrisk.core.text import normalise
from creditrisk.prepare.cells import squeeze

SHOWN = 28  # characters of a quoted cell


@dataclass
class Cells:
    """A column of text.

    Attributes:
        source: its name in the file.
        raw: its cells as they are, shape (n,).
        known: text, normalised and with single blanks, to its number of rows, the most frequent
            ones first; neither empty cells nor null words.
        null_words: the same for the null words in it.
        empty: number of cells without any text.
    """

    source: str
    raw: pd.Series
    known: dict[str, int] = field(default_factory=dict)
    null_words: dict[str, int] = field(default_factory=dict)
    empty: int = 0

    @cached_property
    def rows(self) -> int:
        """Number of rows with a known cell."""
        return sum(self.known.values())

    def commonest(self, limit: int) -> list[str]:
        """Return the most frequent texts."""
        return list(islice(self.known, limit))

    @property
    def distinct_share(self) -> float:
        """Number of distinct texts per known cell."""
        return len(self.known) / self.rows if self.rows else 0.0

    @property
    def missing_share(self) -> float:
        """Share of the rows without a known cell."""
        return 1 - self.rows / len(self.raw) if len(self.raw) else 0.0

    def missing_share_in(self, rows: pd.Series | None) -> float:
        """Return the share of some rows without a known cell.

        Args:
            rows: Bool, shape (n,); None for all rows.
        """
        if rows is None or not self.missing_share or not rows.any():
            return self.missing_share
        counts = self.raw[rows].value_counts(dropna=True)
        texts = zip(counts.index, counts.tolist(), strict=True)
        return 1 - sum(n for text, n in texts if tidy(str(text)) in self.known) / int(rows.sum())

    def missing(self) -> str:
        """Say how many cells are missing, and why."""
        if not self.missing_share:
            return "none missing"
        why = [f"{quote(word)} {n:,}" for word, n in by_count(self.null_words)[:3]]
        if self.empty and why:
            why.insert(0, f"empty {self.empty:,}")
        return f"{percent(self.missing_share)} missing" + (f" ({', '.join(why)})" if why else "")


def distinct_cells(source: str, raw: pd.Series, null_words: Iterable[str]) -> Cells:
    """Count the distinct texts of a column.

    Args:
        source: the column's name.
        raw: text, a missing value for an empty cell, shape (n,).
        null_words: words that mean a missing value, as params.yaml has them.
    """
    words = {squeeze(word) for word in null_words}
    starts = {start for word in words for start in (word[:1], word[:1].upper())}
    cells = Cells(source, raw)
    known: Counter[str] = Counter()
    found: Counter[str] = Counter()
    counts = raw.value_counts(dropna=True)
    # As a list of its own, because pandas takes longer to hand out text one by one.
    for text, count in zip(counts.index.to_numpy().tolist(), counts.tolist(), strict=True):
        text = tidy(str(text))
        if not text:
            continue
        # Folding every text costs more than all guesses together.
        is_null = text[0] in starts and squeeze(text) in words
        (found if is_null else known)[text] += count
    cells.known, cells.null_words = dict(known), dict(found)
    cells.empty = len(raw) - sum(known.values()) - sum(found.values())
    return cells


def tidy(text: str) -> str:
    """Bring a text into the form in which the pipeline reads it; a run of blanks becomes one."""
    if not (text.isascii() and text.isprintable()):
        text = normalise(text)
    elif " " not in text:
        return text
    return " ".join(text.split())


def by_count(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Sort texts by their number of rows, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def quote(text: str) -> str:
    """Quote a cell or name for a comment or a line on the terminal."""
    return shorten(text, SHOWN)


def percent(share: float) -> str:
    """Write a share, never as none or all of it if it is not."""
    if 0 < share < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < share < 1 else f"{share:.1%}".replace(".0%", "%")


def share_of(texts: Iterable[str], cells: Cells) -> float:
    """Return the share of the known cells that have one of these texts."""
    return sum(cells.known[text] for text in texts) / cells.rows if cells.rows else 0.0

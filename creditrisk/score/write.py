"""Scores the rows of a file batch by batch, writes them, and counts what is in them."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO

import pandas as pd

from creditrisk.score.counts import Counts
from creditrisk.score.output import open_writer
from creditrisk.score.scorer import Scored, Scorer
from creditrisk.score.what_if import WhatIf

# Of the rows before a batch, the batch and what searches: who is told how far the search is.
Watch = Callable[[int, Scored, WhatIf], Callable[[int], None]]


def write(
    batches: Iterator[pd.DataFrame], scorer: Scorer, file: IO[bytes], form: str, to_terminal: bool,
    what_if: WhatIf | None = None, most: int = 0, watch: Watch | None = None,
) -> Counts:  # fmt: skip
    """Write scored batches one by one and count what is in them.

    Args:
        batches: raw rows.
        scorer: scores them.
        file: where to write.
        form: CSV, Parquet or JSON lines.
        to_terminal: whether a person sees the output.
        what_if: finds what would change a decision; None to leave it out.
        most: number of alternatives per row at most.
        watch: makes what is called with the number of applicants of a batch for whom that was
            looked for; None if nobody wants to know.
    """
    counts = Counts(scorer.champion.schema)
    first = next(batches, None)
    columns = scorer.columns(first)
    if what_if is not None:
        columns = what_if.columns(columns)
    with open_writer(file, form, columns, to_terminal) as writer:
        for raw in batches if first is None else chain([first], batches):
            scored = scorer.score(raw)
            rows = scored.rows
            if what_if is not None:
                progress = None if watch is None else watch(counts.rows, scored, what_if)
                rows = what_if.rows(scored, raw, most, progress)
            writer.write(rows)
            counts.add(scored)
    return counts

"""How numbers are written in a file: the notation under which most of its cells are numbers."""

import re
from collections.abc import Iterable

from creditrisk.prepare.cells import NOTATIONS, Notation, number_reader
from creditrisk.workflow.draft.cells import Cells

MAX_UNITS = 10  # different texts beside the numbers of a column
SAMPLE = 300  # distinct texts per column
# What a unit or a currency leaves: the number begins and ends with a digit, a sign or a point.
_CORE = re.compile(r"([^\d+\-.,]*)([+-]?[.,]?\d(?:.*\d)?)(\D*)", re.ASCII | re.DOTALL)
_PUNCTUATED = re.compile(r"[.,'\s]")


def guess_notation(columns: Iterable[Cells], delimiter: str) -> tuple[str, str]:
    """Guess the decimal sign and the thousands separator.

    Args:
        columns: of the file.
        delimiter: between the cells of the file. A semicolon is there because the comma is taken,
            so it decides where both notations fit.

    Returns:
        The two signs.
    """
    order = list(NOTATIONS)
    if delimiter == ";":
        order[:2] = [(",", "."), (".", ",")]
    readers = {pair: number_reader(Notation(*pair, frozenset())) for pair in order}
    fitting = dict.fromkeys(order, 0)
    for cells in columns:
        cores = _cores(cells)
        for pair, read in readers.items():
            fitting[pair] += sum(
                cells.known[text] for text in cores if read(cores[text]) is not None
            )
    return max(order, key=lambda pair: fitting[pair])  # of equals, the first


def _cores(cells: Cells) -> dict[str, str]:
    """Return the numbers in a column's cells that tell a notation; none of a column of text."""
    matches = [m for text in cells.commonest(SAMPLE) if (m := _CORE.fullmatch(text))]
    # Numbers have few units beside them, addresses have many streets.
    if len({(m[1], m[3]) for m in matches}) > MAX_UNITS:
        return {}
    return {m[0]: m[2] for m in matches if _PUNCTUATED.search(m[2])}

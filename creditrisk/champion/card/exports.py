"""Write the card as files: CSV, JSON, SQL and Excel."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from creditrisk.champion.card.excel import ROWS, card_workbook
from creditrisk.champion.card.model import CARD_FILE, Card
from creditrisk.champion.card.sql import card_sql
from creditrisk.champion.scorecard import COLUMNS, exact_edges
from creditrisk.core.files import write_bytes, write_csv, write_text

README = """\
The scorecard, as select made it. It needs nothing but itself.

card.csv   the lines; a text that a spreadsheet would run has an apostrophe in front
card.json  all there is: what an applicant states, caps, merged levels, derived variables, lines,
           scale, cut-off in points, reason codes, error of rounding; `how_to` says how to add up
card.sql   a query with one CASE per variable, for the table applicants
card.xlsx  the lines, and a sheet whose formulas compute the score of what a person types
"""
NONE = """\
No model is a scorecard (a linear model with `bins` in params.yaml), so there is no card.
card.csv has its header only.
"""


def write_exports(
    card: Card | None, folder: Path, rows: int = ROWS, null_words: Sequence[str] = ()
) -> list[Path]:
    """Write models/scorecard/.

    Args:
        card: the card; None if no model is a scorecard. Then the folder has README.txt, which says
            so, and a card.csv without lines; `read_card` returns None.
        folder: the folder; files of an earlier card are replaced or removed.
        rows: number of applicants that the workbook has formulas for.
        null_words: texts that mean a missing value, as in params.yaml.

    Returns:
        The files that were written.
    """
    write_text(README if card else NONE, folder / "README.txt")
    write_csv(card_table(card), folder / "card.csv")
    written = [folder / "README.txt", folder / "card.csv"]
    others = [folder / name for name in (CARD_FILE, "card.sql", "card.xlsx")]
    if card is None:
        for path in others:
            path.unlink(missing_ok=True)
        return written
    write_text(card.to_json(), others[0])
    write_text(card_sql(card, null_words), others[1])
    write_bytes(card_workbook(card, rows, null_words=null_words), others[2])
    return written + others


def card_table(card: Card | None) -> pd.DataFrame:
    """Return the lines with the columns of plots/scorecard.csv, the edges as text."""
    lines = [
        {"variable": variable.name, "reason_code": variable.reason_code, "bin": line.label}
        | line.model_dump(exclude={"label"})
        for variable in (card.variables if card else [])
        for line in variable.lines
    ]
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    numbers = {name: table[name].astype("float64") for name in ("low", "high")}
    return exact_edges(table.assign(**numbers))

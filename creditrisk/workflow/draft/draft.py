"""All guesses about one file together: the content of a drafted schema."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from creditrisk.core.errors import InputError, nearest
from creditrisk.core.text import fold
from creditrisk.ingest.params import DataParams
from creditrisk.prepare.cells import Notation
from creditrisk.workflow.draft.cells import Cells, distinct_cells
from creditrisk.workflow.draft.dates import (
    Application,
    choose_application_date,
    share_after,
)
from creditrisk.workflow.draft.guess import Guess, guess_column
from creditrisk.workflow.draft.names import our_names, source_fault
from creditrisk.workflow.draft.notation import guess_notation
from creditrisk.workflow.draft.target import Given, TargetGuess, guess_target, rows_with

OWN_COLUMNS = 3  # row_id, line, malformed: `read_columns` puts them before those of the file


@dataclass
class Draft:
    """What a schema file is made from.

    Attributes:
        file: the applicants' file.
        rows: number of rows that were looked at.
        is_whole: whether these are all rows of the file.
        data: how the file is written.
        target: the outcome.
        application: the date of the application, if there is one.
        guesses: all other columns, in the order of the file.
        nameless: columns that no schema can name, with the reason.
    """

    file: str
    rows: int
    is_whole: bool
    data: DataParams
    target: TargetGuess
    application: Application | None
    guesses: list[Guess]
    nameless: dict[str, str]

    @property
    def kept(self) -> list[Guess]:
        """The columns of the schema."""
        return [guess for guess in self.guesses if not guess.left_out]

    def kinds(self) -> dict[str, int]:
        """Count the columns of the schema by kind."""
        return dict(Counter(guess.kind for guess in self.kept).most_common())


def make_draft(
    frame: pd.DataFrame,
    data: DataParams,
    target: str,
    given: Given,
    null_words: Sequence[str],
    max_missing_share: float,
    is_whole: bool = True,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Draft:
    """Guess what the columns of a file are.

    Args:
        frame: the file's columns as text, an empty cell missing or empty, shape (n, d).
        data: how the file is written; its decimal sign and thousands separator are guessed here.
        target: name of the outcome column.
        given: what a person said of its values.
        null_words: words that mean a missing value.
        max_missing_share: above it, `prepare` would stop at a column.
        is_whole: whether the frame has all rows of the file.
        progress: called with the number of columns done and of all.

    Raises:
        InputError: there is no such target, or its values don't tell good and bad.
    """
    sources = [str(name) for name in frame.columns]
    place = _find_target(sources, target, data)
    columns = dict(_count_cells(frame, sources, null_words))
    outcome = guess_target(columns.pop(place), given, data.source)
    used = rows_with(frame.iloc[:, place], [*outcome.good, *outcome.bad])
    decimal, thousands = guess_notation(columns.values(), data.delimiter)
    data = data.model_copy(update={"decimal": decimal, "thousands": thousands})
    notation = Notation.of(decimal, thousands, null_words)
    nameless, guesses, cells = {}, [], {}
    for position, column in columns.items():
        progress(position, len(sources))
        if fault := source_fault(column.source, sources):
            nameless[column.source or f"column {position + 1}"] = fault
            continue
        guesses.append(guess_column(column, notation, max_missing_share, used))
        cells[column.source] = column
    application = _judge_dates(guesses, cells)
    keys = [guess.source for guess in guesses if guess.kind in ("id", "group")]
    for guess, name in zip(guesses, our_names(list(cells), keys), strict=True):
        guess.name = name
    draft = Draft(data.source, len(frame), is_whole, data, outcome, application, guesses, nameless)
    _refuse_no_feature(draft)
    return draft


def _count_cells(
    frame: pd.DataFrame,
    sources: list[str],
    null_words: Sequence[str],
) -> Iterator[tuple[int, Cells]]:
    for position, source in enumerate(sources):
        yield position, distinct_cells(source, frame.iloc[:, position], null_words)


def _find_target(sources: list[str], target: str, data: DataParams) -> int:
    file = data.source
    places = [place for place, source in enumerate(sources) if fold(source) == fold(target)]
    if len(places) == 1 and not source_fault(sources[places[0]], sources):
        return places[0]
    if not places:
        names = [source for source in sources if fold(source)]
        hint = nearest(target, names[:50])
        if data.header == "none":
            hint = f"It has no header, so its columns are named 1 to {len(sources)}."
        raise InputError(file, "header", f"no column {target}", hint, quotes_data=True)
    problem = f"the target {target} can't be used: {source_fault(sources[places[0]], sources)}"
    raise InputError(file, "header", problem, "Change it in the file.")


def _judge_dates(guesses: list[Guess], cells: dict[str, Cells]) -> Application | None:
    """Choose the date of the application; leave out what no date or a later one would be."""
    dates = {g.source: g.date for g in guesses if g.date is not None and not g.left_out}
    application = choose_application_date(dates)
    for guess in guesses:
        if guess.date is None or guess.left_out:
            continue
        if application is None:
            guess.leave_out(
                "a date means months before the application, and no column is the date of that"
            )
        elif guess.source != application.source:
            other = application.source
            share = share_after(cells[guess.source], guess.date, cells[other], dates[other])
            if share:
                guess.leave_out(f"{share} are after {other}: known only later, a leak")
    return application


def _refuse_no_feature(draft: Draft) -> None:
    application = draft.application.source if draft.application else None
    for guess in draft.kept:
        if guess.kind not in ("id", "group") and guess.source != application:
            return
    problem = "no column is left that a model could learn from"
    if draft.guesses:
        guess = draft.guesses[0]
        problem += f"; {guess.source} is left out: {guess.left_out or guess.kind}"
    hint = "Give a file with the applicants' columns."
    raise InputError(Path(draft.file), "header", problem, hint, quotes_data=True)

"""Counts what was scored, and says when too many cells of a column are missing."""

from collections import Counter

from creditrisk.core.errors import InputError
from creditrisk.core.params import Strict
from creditrisk.metrics.costs import REFER, REJECT
from creditrisk.schema import Schema
from creditrisk.score.scorer import Scored

# Causes of a cell that holds a text which is no value of its column.
UNREADABLE = ("unparseable", "out_of_domain")
# A column of which this share of the cells that hold a text is unreadable is not what training had.
MAX_UNREADABLE_SHARE = 0.9
MIN_UNREADABLE_CELLS = 2  # one cell may be one applicant's mistake
HINT = "Correct the column. --max-missing-share 1 scores the rows as if it were empty."


class Tally(Strict):
    """The numbers of `Counts`, to be sent or written down.

    Attributes:
        rows: see `Counts`, as the next four.
        scored: number of rows that could be read.
        refused: number of refused applicants.
        referred: number of referred applicants.
        own_row_id: whether the input has a column `row_id` of its own.
        causes: of each column the cells that count as missing, by cause.
        first_problem: why the first of the rows could not be read that could not; empty if all
            could.
    """

    rows: int
    scored: int
    refused: int
    referred: int
    own_row_id: bool
    causes: dict[str, dict[str, int]]
    first_problem: str


class Counts:
    """Numbers of rows and of missing cells, added up over the batches.

    Args:
        schema: its source columns are named in messages.

    Attributes:
        rows: number of rows.
        scored: number of rows that could be read; the shares are of these.
        refused: number of refused applicants.
        referred: number of applicants who are referred to a person.
        own_row_id: whether the input has a column `row_id` of its own.
    """

    def __init__(self, schema: Schema):
        self.rows = self.scored = self.refused = self.referred = 0
        self.own_row_id = False
        self._sources = {c.name: source for source, c in schema.columns.items()}
        self._causes: dict[str, Counter[str]] = {name: Counter() for name in schema.variables}
        self._first_problem = ""

    def add(self, batch: Scored) -> None:
        """Add a batch."""
        self.rows += len(batch.rows)
        self.scored += batch.well_formed
        decisions = batch.rows["decision"]
        self.refused += int((decisions == REJECT).sum())
        self.referred += int((decisions == REFER).sum())
        self.own_row_id = batch.rows["row_id"].dtype != "int64"
        for name, (_, causes) in batch.missing.items():
            self._causes[name].update(causes)
        if not self._first_problem and batch.well_formed < len(batch.rows):
            self._first_problem = batch.rows["problem"].dropna().iloc[0]

    @property
    def tally(self) -> Tally:
        """The numbers so far."""
        return Tally(
            rows=self.rows,
            scored=self.scored,
            refused=self.refused,
            referred=self.referred,
            own_row_id=self.own_row_id,
            causes={name: dict(counts) for name, counts in self._causes.items() if counts},
            first_problem=self._first_problem,
        )

    def add_tally(self, other: Tally) -> None:
        """Add the numbers of another file, whose rows come after those so far."""
        self.rows += other.rows
        self.scored += other.scored
        self.refused += other.refused
        self.referred += other.referred
        self.own_row_id = self.own_row_id or other.own_row_id
        for name, causes in other.causes.items():
            self._causes[name].update(causes)
        self._first_problem = self._first_problem or other.first_problem

    def check(self, file: str, limit: float | None, hint: str = HINT) -> None:
        """Stop if no row could be read, or if a column has too many missing cells.

        Args:
            file: the input, for the error.
            limit: largest share of missing cells in a column, whatever the cause; None for the
                rule of `MAX_UNREADABLE_SHARE`, which does not mind cells that are empty.
            hint: what to do about a column that breaks that rule.

        Raises:
            InputError: there are rows, and none could be read; or a column is above the limit.
        """
        if self.rows and not self.scored:
            problem = f"none of the {self.rows:,} rows could be read (first: {self._first_problem})"
            how = "Check the file; for a CSV, data.delimiter in params.yaml."
            raise InputError(file, "file", problem, how)
        if limit is None:
            shares = {name: self._unreadable_share(name) for name in self._causes}
            above = [name for name, share in shares.items() if share >= MAX_UNREADABLE_SHARE]
            what = "of the cells that are not empty can't be read"
        else:
            shares = {name: self._missing_share(name) for name in self._causes}
            above = [name for name, share in shares.items() if share > limit]
            what = f"of the cells are missing, more than {limit:.1%}"
            hint = "Correct the column, or give another --max-missing-share."
        if above:
            worst = max(above, key=shares.__getitem__)
            others = f"; the same in {len(above) - 1} more" if len(above) > 1 else ""
            problem = f"{shares[worst]:.1%} {what} ({self._in_words(worst)}){others}"
            raise InputError(file, f"column {self._sources[worst]}", problem, hint)

    def warnings(self, limit: float) -> list[str]:
        """Name each column whose share of missing cells, whatever the cause, is above `limit`."""
        return [
            f"column {self._sources[name]}: {self._missing_share(name):.1%} of the cells are "
            f"missing ({self._in_words(name)}), more than in training (prepare.max_missing_share: "
            f"{limit:.1%})"
            for name in self._causes
            if self._missing_share(name) > limit
        ]

    def _missing_share(self, name: str) -> float:
        return self._causes[name].total() / self.scored if self.scored else 0.0

    def _unreadable_share(self, name: str) -> float:
        """The share of unreadable cells in those that hold a text; 0 if they are very few."""
        counts = self._causes[name]
        held = self.scored - counts["empty"] - counts["null_word"]
        unreadable = sum(counts[cause] for cause in UNREADABLE)
        return unreadable / held if unreadable >= MIN_UNREADABLE_CELLS else 0.0

    def _in_words(self, name: str) -> str:
        counts = sorted(self._causes[name].items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{count:,} {cause.replace('_', ' ')}" for cause, count in counts if count)

"""What would change a decision, in words: "accepted if duration: 24 months (now 36 months)".

The search itself: `creditrisk.score.counterfactuals`. What it finds holds for this model, all else
equal. It is no promise of credit, and it does not say that a change makes an applicant pay back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.reason_codes import reason_codes
from creditrisk.champion.scorecard import format_number
from creditrisk.core.columns import WHAT_IF
from creditrisk.score.counterfactuals.refine import Counterfactual
from creditrisk.score.counterfactuals.search import Counterfactuals
from creditrisk.score.reasons import value_formatter, with_codes
from creditrisk.score.scorer import Judged, Scored, Scorer

NOTHING_HELPS = "no change of what can be changed leads to acceptance"
NO_PROMISE = "By this model, all else equal; not a promise of credit."


@dataclass(frozen=True)
class Change:
    """A variable that would have to be different.

    Attributes:
        variable: its name.
        label: its name in words.
        old: in words what the applicant gave.
        new: in words what it would have to be.
        cell: the same as a cell of the source file.
    """

    variable: str
    label: str
    old: str
    new: str
    cell: str

    @property
    def text(self) -> str:
        """The change as a phrase, such as `duration: 24 months (now 36 months)`."""
        return f"{self.label}: {self.new} (now {self.old})"


@dataclass(frozen=True)
class Alternative:
    """Changes that together lead to acceptance.

    Attributes:
        changes: the variables that change, in the order of the schema.
        pd: the PD with the changes.
    """

    changes: list[Change]
    pd: float

    @property
    def text(self) -> str:
        """The changes as a phrase."""
        return " and ".join(change.text for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """Return the alternative for programs."""
        changes = [
            {"variable": one.variable, "from": one.old, "to": one.new, "cell": one.cell}
            for one in self.changes
        ]
        return {"changes": changes, "pd": self.pd}


class WhatIf:
    """Finds what would change the decisions of one champion.

    Args:
        scorer: of the champion.
    """

    def __init__(self, scorer: Scorer):
        self.scorer = scorer
        champion = scorer.champion
        self._describe = value_formatter(champion.schema, champion.description.features["derived"])
        self._codes = reason_codes(champion.columns)

    @cached_property
    def _search(self) -> Counterfactuals:
        champion = self.scorer.champion
        return Counterfactuals(champion.description, champion.predictor, champion.baseline)

    @property
    def variables(self) -> list[str]:
        """The variables that applicants can change: `mutable` in the schema."""
        return list(self._search.variables)

    def find(
        self, judged: Judged, most: int, progress: Callable[[int], None] | None = None
    ) -> list[list[Alternative]]:
        """Find what leads to acceptance.

        Args:
            judged: from the scorer, n applicants.
            most: number of alternatives of each at most.
            progress: called with the number of applicants who have been looked at.

        Returns:
            n lists, the smallest changes first. A list is empty if the applicant is accepted, if no
            cell could be read, or if no change of at most three variables leads to acceptance.
        """
        found: list[list[Alternative]] = [[] for _ in judged.pd]
        rows = np.flatnonzero(self.asked(judged))
        if not most:
            return found
        stated = {name: values[rows] for name, values in judged.cells.original.items()}
        every = self._search.find(stated, judged.pd[rows], most)
        for count, (row, own) in enumerate(zip(rows.tolist(), every, strict=True), start=1):
            found[row] = [self._alternative(judged, row, one) for one in own]
            if progress is not None:
                progress(count)
        return found

    @staticmethod
    def asked(judged: Judged) -> np.ndarray:
        """Tell who could be told something: is not accepted, and could be read; shape (n,)."""
        return ~judged.accepted & judged.readable

    def texts(self, judged: Judged, found: Sequence[Sequence[Alternative]]) -> list[str | None]:
        """Write the alternatives of each applicant as text; None for who is accepted.

        Args:
            judged: from the scorer, n applicants.
            found: from `find`, n lists.
        """
        asked = self.asked(judged)
        return [_text(own) if asked[row] else None for row, own in enumerate(found)]

    def columns(self, columns: Mapping[str, str]) -> dict[str, str]:
        """Add the column `what_if` to the columns of scored rows and their types."""
        found = {}
        for name, dtype in columns.items():
            found[name] = dtype
            if name == "reasons":
                found[WHAT_IF] = "str"
        return found

    def rows(
        self, scored: Scored, raw: pd.DataFrame, most: int,
        progress: Callable[[int], None] | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Add the column `what_if` to scored rows; it is empty for who is accepted.

        Args:
            scored: what the scorer made of `raw`.
            raw: the batch.
            most: number of alternatives per row at most.
            progress: as for `find`.
        """
        texts = np.full(len(raw), None, dtype=object)
        own = self.texts(scored.judged, self.find(scored.judged, most, progress))
        texts[raw["malformed"].isna().to_numpy()] = own
        rows = scored.rows.assign(**{WHAT_IF: pd.array(texts, dtype="str")})
        return rows[list(self.columns(dict.fromkeys(scored.rows, "")))]

    def _alternative(self, judged: Judged, row: int, found: Counterfactual) -> Alternative:
        changes = [self._change(judged, row, name, new) for name, new in found.changes.items()]
        return Alternative(changes, found.pd)

    def _change(self, judged: Judged, row: int, name: str, new: Any) -> Change:
        cells, code = judged.cells, self._codes[name]
        old = with_codes(cells.original, name)[row]
        said = self._describe(name, code, old, old, cells.causes[name][row], 0.0)
        value = str(new) if isinstance(new, str) else float(new)
        words = self._describe(name, code, value, value, None, 0.0).value
        decimal = self.scorer.notation.decimal
        cell = value if isinstance(value, str) else format_number(value).replace(".", decimal)
        return Change(name, said.label, said.value, words, cell)


def _text(found: Sequence[Alternative]) -> str:
    if not found:
        return NOTHING_HELPS
    return "accepted if " + "; or if ".join(one.text for one in found)

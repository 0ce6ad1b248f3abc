"""Decisions on applicants with other values, made as the scorer makes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.description import ChampionDescription
from creditrisk.champion.predict import Predictor
from creditrisk.champion.referral import find_referrals, referred_rows
from creditrisk.champion.substitute import Columns, take_rows
from creditrisk.core.columns import NO_CODE, SPECIAL
from creditrisk.eda.adjust import apply_to_arrays
from creditrisk.featurize import derived_columns
from creditrisk.metrics.costs import ACCEPT, decide
from creditrisk.score.reasons import with_codes


class Decisions:
    """Decides about applicants, given as the features that they state.

    Args:
        described: has the cut-off, the rules of referral, caps and merged levels.
        predictor: gives PDs.
    """

    def __init__(self, described: ChampionDescription, predictor: Predictor):
        self.described, self.predictor = described, predictor
        self.rules, self.threshold = described.referral, described.threshold
        self.derived = described.features["derived"]
        known = set(described.columns)
        # Caps and merged levels of the model's variables.
        self.adjustments = {
            kind: {n: one for n, one in described.adjustments[kind].items() if n in known}
            for kind in ("caps", "merges")
        }
        self.cut = _log_odds(self.threshold)
        self.band = tuple(map(_log_odds, self.rules.band or (1.0, 1.0)))

    def with_changes(
        self, stated: Columns, changed: Columns, where: Mapping[str, np.ndarray] | None = None
    ) -> Columns:
        """Give applicants other values of some variables.

        A special code in the place of a number goes. Derived variables stay as they were: `counted`
        derives them.

        Args:
            stated: the features, each of shape (n,).
            changed: variable to its new values, shape (n,).
            where: variable to the rows in which it changes, bool of shape (n,); None for all.
        """
        codes = {}
        for name in changed:
            if SPECIAL + name in stated:
                codes[SPECIAL + name] = stated[SPECIAL + name].copy()
                codes[SPECIAL + name][slice(None) if where is None else where[name]] = NO_CODE
        return {**stated, **changed, **codes}

    def counted(self, stated: Columns) -> dict[str, np.ndarray]:
        """Return the features as the model takes them: after caps and merges, derived anew."""
        adjusted = apply_to_arrays(stated, self.adjustments)
        return adjusted | derived_columns(adjusted, self.derived)

    def pds(self, stated: Columns, changed: Columns) -> np.ndarray:
        """Return the PDs of applicants with changes, shape (n,)."""
        if not len(next(iter(stated.values()))):
            return np.empty(0)
        return self.predictor.pd(self.counted(self.with_changes(stated, changed)))

    def accepted(
        self, stated: Columns, changed: Columns, where: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return who is accepted with changes, and the PDs; each of shape (n,).

        Args: as for `with_changes`.
        """
        new = self.with_changes(stated, changed, where)
        model_input = self.counted(new)
        pds = self.predictor.pd(model_input)
        found = find_referrals(self.rules, new, model_input, pds, self.threshold, self.predictor.pd)
        return decide(pds, self.threshold, referred_rows(found, len(pds))) == ACCEPT, pds

    def accepted_one_by_one(
        self, stated: Columns, rows: Sequence[int], changes: Sequence[Mapping[str, Any]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the same as `accepted`, for some rows with changes of their own.

        Args:
            stated: the features, each of shape (n,).
            rows: positions in them, k of them.
            changes: of each of these rows, variable to its new value.
        """
        if not len(rows):
            return np.empty(0, dtype=bool), np.empty(0)
        part = take_rows(stated, np.asarray(rows))
        changed: dict[str, np.ndarray] = {}
        where: dict[str, np.ndarray] = {}
        for place, own in enumerate(changes):
            for name, value in own.items():
                changed.setdefault(name, part[name].copy())[place] = value
                where.setdefault(name, np.zeros(len(rows), dtype=bool))[place] = True
        return self.accepted(part, changed, where)

    def open_to(self, log_odds: np.ndarray, slack: float) -> np.ndarray:
        """Tell which log-odds are accepted, or nearly so: bool of the same shape."""
        low, high = self.band
        return (log_odds < self.cut + slack) & ~(
            (log_odds > low + slack) & (log_odds < high - slack)
        )


class Needs:
    """What applicants must state or change, whatever their PD, before they can be accepted.

    Args:
        decisions: has the rules.
        stated: n applicants, as stated.
    """

    def __init__(self, decisions: Decisions, stated: Columns):
        self.count = len(next(iter(stated.values())))
        rules, derived = decisions.rules, decisions.derived
        names = [n for n in stated if not n.startswith(SPECIAL) and n not in derived]
        self.missing = {name: np.asarray(pd.isna(with_codes(stated, name))) for name in names}
        nothing = np.zeros(self.count)
        without = rules.model_copy(update={"band": None, "gain": {}, "most_missing": None})
        found = find_referrals(
            without, stated, decisions.counted(stated), nothing, 1.0, lambda _: nothing
        )
        # Any operand may mend a derived variable without a value, such as a ratio to 0.
        self._causes = [
            (_operands(one.variable.removeprefix(SPECIAL), derived), one.rows) for one in found
        ]
        self._most = rules.most_missing

    def causes(self, row: int) -> list[frozenset[str]]:
        """Return the variables of each cause of referral, one of which must change."""
        return [names for names, rows in self._causes if rows[row]]

    def lacks(self, row: int) -> frozenset[str]:
        """Return the variables that are missing."""
        return frozenset(name for name, rows in self.missing.items() if rows[row])

    def met(self, row: int, changed: frozenset[str]) -> bool:
        """Whether changes of some variables can meet the needs of an applicant."""
        if self._most is not None and len(self.lacks(row) - changed) > self._most:
            return False
        return all(names & changed for names in self.causes(row))


def _operands(name: str, derived: Mapping[str, dict]) -> frozenset[str]:
    if name not in derived:
        return frozenset([name])
    return frozenset().union(*(_operands(one, derived) for one in derived[name]["of"]))


def _log_odds(pd_: float) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(pd_) - np.log1p(-pd_))

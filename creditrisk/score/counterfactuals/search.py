"""The smallest changes that lead to acceptance, for many applicants at once.

Sets of one variable are looked at first, then of two, then of three. A set that contains another
one that is enough is not looked at. Of a set, the smallest change is taken (`Variable.sizes`).
Whatever is found has been decided about as the scorer would: it is accepted, and not referred.

On a scorecard the search is exact: there is no smaller set, and no smaller change of it in the
decimals in which the numbers are stated (`exact`). On other models, usual values are tried
(`sampled`); a number is then moved back towards the applicant's own as far as that is accepted.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from creditrisk.champion.description import ChampionDescription
from creditrisk.champion.predict import Predictor
from creditrisk.champion.substitute import Columns, take_rows
from creditrisk.score.counterfactuals.card import card_of
from creditrisk.score.counterfactuals.decisions import Decisions, Needs
from creditrisk.score.counterfactuals.exact import ExactApplicant, ExactOptions
from creditrisk.score.counterfactuals.options import Applicant, Options, Stated, cells_of
from creditrisk.score.counterfactuals.refine import Counterfactual, refined
from creditrisk.score.counterfactuals.sampled import sampled_applicants
from creditrisk.score.counterfactuals.variables import Variable, changeable

MOST_CHANGES = 3  # variables that change
AT_ONCE = 128  # applicants that are looked at together
SCORED_AT_ONCE = 32_768  # rows whose PDs are computed together
# PDs of one applicant and one number of changed variables, on models that are searched. With the
# usual values one by one, and the refinement of three alternatives, that is less than 20,000.
MOST_PDS = 5000
SPARE = 7  # sets that are refined beside those that are wanted: they may become smaller
MOST_SETS = 500  # of variables of one applicant, likewise
WAVES = (8, 64)  # the smallest changes of a set are tried first; then so many; then the rest
# How far the log-odds may be from the sum of what single changes add.
EXACT_SLACK, SAMPLED_SLACK = 1e-7, 0.5


class _Try(NamedTuple):
    """Changes of one set of variables of one applicant, the smallest first."""

    row: int
    options: Options


class Counterfactuals:
    """Finds counterfactuals of one champion.

    Args:
        described: of the champion.
        predictor: gives its PDs.
        baseline: the baseline applicant, as columns of one value.
    """

    def __init__(self, described: ChampionDescription, predictor: Predictor, baseline: Columns):
        self.decisions = Decisions(described, predictor)
        self.variables: dict[str, Variable] = {v.name: v for v in changeable(described)}
        card = card_of(predictor, baseline)
        self.exact = None
        if card is not None:
            self.exact = ExactOptions(
                card, self.variables, self.decisions.adjustments, self.decisions.derived
            )

    def find(self, stated: Columns, pds: np.ndarray, most: int) -> Iterator[list[Counterfactual]]:
        """Find the smallest changes of applicants who are not accepted.

        Args:
            stated: their features as they stated them, each of shape (n,).
            pds: their PDs, shape (n,).
            most: number of counterfactuals of each at most.

        Yields:
            Of each applicant, the counterfactuals, the fewest changed variables first, then the
            smallest changes; none if there are none.
        """
        for start in range(0, len(pds), AT_ONCE):
            here = slice(start, start + AT_ONCE)
            part = {name: values[here] for name, values in stated.items()}
            yield from self._find(part, pds[here], most)

    def _find(self, stated: Columns, pds: np.ndarray, most: int) -> list[list[Counterfactual]]:
        found: list[list[Counterfactual]] = [[] for _ in pds]
        if not self.variables:
            return found
        needs = Needs(self.decisions, stated)
        applicants = self._applicants(stated, pds, needs)
        slack = SAMPLED_SLACK if self.exact is None else EXACT_SLACK
        for count in range(1, MOST_CHANGES + 1):
            tries = [
                _Try(row, options)
                for row, applicant in enumerate(applicants)
                if len(found[row]) < most
                for options in self._tries(applicant, needs, row, found[row], count, slack)
            ]
            new = self._smallest(stated, tries)
            if self.exact is None:
                few = self._first(new, most + SPARE)
                new = refined(few, stated, self.variables, self.decisions)
            for row, one in sorted(new, key=lambda item: self._order(item[1])):
                if not any(before.changes.keys() <= one.changes.keys() for before in found[row]):
                    found[row].append(one)
        return [sorted(own, key=self._order)[:most] for own in found]

    def _first(
        self, found: list[tuple[int, Counterfactual]], most: int
    ) -> list[tuple[int, Counterfactual]]:
        """Keep the smallest changes of each applicant, so many at most."""
        kept: dict[int, list[tuple[int, Counterfactual]]] = {}
        for row, one in sorted(found, key=lambda item: self._order(item[1])):
            if len(kept.setdefault(row, [])) < most:
                kept[row].append((row, one))
        return [item for own in kept.values() for item in own]

    def _order(self, one: Counterfactual) -> tuple:
        places = [place for place, name in enumerate(self.variables) if name in one.changes]
        return len(places), round(one.size, 12), places

    def _applicants(self, stated: Columns, pds: np.ndarray, needs: Needs) -> Sequence[Applicant]:
        one_by_one = [
            Stated(cells_of(stated, row), needs.lacks(row).union(*needs.causes(row)))
            for row in range(len(pds))
        ]
        if self.exact is None:
            predict = self.decisions.pds
            return sampled_applicants(stated, pds, one_by_one, self.variables, predict)
        starts = self.exact.card.log_odds(self.decisions.counted(stated)).tolist()
        return [
            ExactApplicant(self.exact, one, start)
            for one, start in zip(one_by_one, starts, strict=True)
        ]

    def _tries(
        self, applicant: Applicant, needs: Needs, row: int, found: list[Counterfactual],
        count: int, slack: float,
    ) -> Iterator[Options]:  # fmt: skip
        """Yield the changes of each set of so many variables that may be enough."""
        sets = []
        for names in combinations(self.variables, count):
            if any(one.changes.keys() <= {*names} for one in found):
                continue
            if not needs.met(row, frozenset(names)):
                continue
            least = applicant.start + sum(applicant.least(name) for name in names)
            if applicant.together(names):
                least = -np.inf
            if least < self.decisions.cut + slack:
                sets.append((least, names))
        most = None
        if self.exact is None:
            sets = sorted(sets, key=lambda item: item[0])[:MOST_SETS]
            most = MOST_PDS // max(1, len(sets))
        for _, names in sets:
            options = applicant.options(names)
            if options is None:
                continue
            odds = applicant.start + options.deltas
            options = options.take(np.flatnonzero(self.decisions.open_to(odds, slack)))
            options = options.take(np.argsort(np.round(options.sizes, 12), kind="stable"))
            if len(options.sizes):
                yield _fewer(options, most)

    def _smallest(self, stated: Columns, tries: list[_Try]) -> list[tuple[int, Counterfactual]]:
        """Return the first change of each set with which the applicant is accepted, if any."""
        found: list[tuple[int, Counterfactual]] = []
        start = 0
        for wave in (*WAVES, None):
            end = None if wave is None else start + wave
            chosen = [(one, one.options.take(np.arange(len(one.options.sizes))[start:end]))
                      for one in tries]  # fmt: skip
            chosen = [(one, options) for one, options in chosen if len(options.sizes)]
            rest = []
            for (one, options), (accepted, pds) in zip(
                chosen, self._decide(stated, chosen), strict=True
            ):
                if not accepted.any():
                    rest.append(one)
                    continue
                at = int(accepted.argmax())
                changes = {n: options.values[n][at] for n in self.variables if n in options.values}
                found.append((one.row, Counterfactual(changes, float(pds[at]),
                                                      float(options.sizes[at]))))  # fmt: skip
            tries, start = rest, end or 0
        return found

    def _decide(
        self, stated: Columns, chosen: list[tuple[_Try, Options]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Decide about changes, several sets at once."""
        batch: list[tuple[_Try, Options]] = []
        size = 0
        for item in chosen:
            batch.append(item)
            size += len(item[1].sizes)
            if size >= SCORED_AT_ONCE:
                yield from self._decide_batch(stated, batch)
                batch, size = [], 0
        if batch:
            yield from self._decide_batch(stated, batch)

    def _decide_batch(
        self, stated: Columns, batch: list[tuple[_Try, Options]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        counts = [len(options.sizes) for _, options in batch]
        rows = np.repeat([one.row for one, _ in batch], counts)
        part = take_rows(stated, rows)
        ends = np.cumsum(counts)
        changed: dict[str, np.ndarray] = {}
        where: dict[str, np.ndarray] = {}
        for (_, options), count, end in zip(batch, counts, ends, strict=True):
            for name, values in options.values.items():
                changed.setdefault(name, part[name].copy())[end - count : end] = values
                where.setdefault(name, np.zeros(len(rows), bool))[end - count : end] = True
        accepted, pds = self.decisions.accepted(part, changed, where)
        for count, end in zip(counts, ends, strict=True):
            yield accepted[end - count : end], pds[end - count : end]


def _fewer(options: Options, most: int | None) -> Options:
    """Keep so many changes: the smallest ones, and those that promise the lowest risk."""
    count = len(options.sizes)
    if most is None or count <= most:
        return options
    best = np.argsort(options.deltas, kind="stable")[: max(1, most - most // 2)]
    return options.take(np.unique([*range(most // 2), *best]))

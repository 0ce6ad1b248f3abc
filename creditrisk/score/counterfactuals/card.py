"""The scorecard as tables: what each bin and level adds to the log-odds of being bad."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from creditrisk.champion.predict import Predictor, transform_rows
from creditrisk.champion.scorecard import Linear, linear
from creditrisk.champion.substitute import Columns
from creditrisk.core.columns import NO_CODE, SPECIAL
from creditrisk.core.distinct import map_distinct
from creditrisk.modeling.binning.binner import Binner

CHECKED_ROWS = 64
TOLERANCE = 1e-9  # of a PD, between the tables and the predictor
UNSEEN = "\N{REPLACEMENT CHARACTER} no known level"


class Card:
    """A linear model of bins and levels, as one table per variable.

    The log-odds of an applicant are `base` and one number of each table. The tables hold what the
    model's own preprocessing and weights give, in the baseline applicant with one other value.

    Args:
        found: the model.
        baseline: the baseline applicant, as columns of one value.

    Attributes:
        edges: number (derived ones too) to the lower ends of its bins but the first.
    """

    def __init__(self, found: Linear, baseline: Columns):
        binner: Binner = found.pipeline.named_steps["impute"]
        self.edges = {name: binner.codes_[name].edges for name in binner.numeric}
        self._levels = {name: [*binner.codes_[name].levels] for name in binner.nominal}
        self._special = {
            companion: [*binner.codes_[name].special]
            for name, companion in (binner.companions or {}).items()
        }
        base = {name: _first(values) for name, values in baseline.items()}
        base |= dict.fromkeys(self._special, NO_CODE)
        probes = [base]
        for name, edges in self.edges.items():
            values = [np.nextafter(edges[0], -np.inf), *edges] if len(edges) else [0.0]
            probes += [base | {name: value} for value in (*values, np.nan)]
        for name, levels in self._levels.items():
            probes += [base | {name: value} for value in (*levels, UNSEEN, None)]
        for companion, codes in self._special.items():
            name = companion.removeprefix(SPECIAL)
            probes += [base | {name: np.nan, companion: code} for code in codes]
        types = {name: "float64" if name in self.edges else "str" for name in base}
        columns = {n: pd.Series([one[n] for one in probes], dtype=types[n]) for n in base}
        encoded = transform_rows(found.pipeline, pd.DataFrame(columns))
        odds = found.intercept + encoded @ found.weights
        self.base, parts = float(odds[0]), iter((odds - odds[0])[1:].tolist())
        # In the order of the probes: bins or levels first, then what is no level, or missing.
        self._numbers = {
            name: np.array([next(parts) for _ in range(len(edges) + 2)])
            for name, edges in self.edges.items()
        }
        self._tables = {
            name: {level: next(parts) for level in (*levels, UNSEEN, None)}
            for name, levels in self._levels.items()
        }
        self._codes = {
            companion: {code: next(parts) for code in codes}
            for companion, codes in self._special.items()
        }

    def part(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return what values of a variable, as the model takes them, add to the log-odds."""
        if name in self.edges:
            table, edges = self._numbers[name], self.edges[name]
            places = np.searchsorted(edges, values, side="right")
            return table[np.where(np.isnan(values), len(edges) + 1, places)]
        table_of = self._tables[name]
        other = table_of[UNSEEN]
        found = map_distinct(values, lambda level: table_of.get(level, other), table_of[None])
        return found.astype(float)

    def parts(self, model_input: Columns, name: str) -> np.ndarray:
        """Return what a variable of n applicants adds, its special codes included; shape (n,)."""
        found = self.part(name, model_input[name])
        companion = SPECIAL + name
        if companion not in self._codes:
            return found
        table, codes = self._codes[companion], model_input[companion]
        missing = self._numbers[name][-1]
        # A code that no training row had counts as a missing value.
        special = [found[i] if code == NO_CODE else table.get(code, missing)
                   for i, code in enumerate(codes)]  # fmt: skip
        return np.array(special, dtype=float)

    def log_odds(self, model_input: Columns) -> np.ndarray:
        """Return the log-odds of n applicants, shape (n,)."""
        names = [*self.edges, *self._levels]
        return self.base + np.sum([self.parts(model_input, name) for name in names], axis=0)

    def agrees(self, predictor: Predictor) -> bool:
        """Whether the tables give the PDs of the model, on made-up applicants."""
        rng = np.random.default_rng(0)
        made: dict[str, Any] = {}
        for name, edges in self.edges.items():
            values = np.array([*edges, 0.0, np.nan])
            drawn = rng.choice(values, CHECKED_ROWS)
            made[name] = drawn + rng.choice([0.0, 1.0, -1.0], CHECKED_ROWS)
        for name, levels in self._levels.items():
            made[name] = rng.choice(np.array([*levels, UNSEEN, None], dtype=object), CHECKED_ROWS)
        for companion, codes in self._special.items():
            drawn = rng.choice(np.array([*codes, NO_CODE], dtype=object), CHECKED_ROWS)
            made[companion] = drawn
            name = companion.removeprefix(SPECIAL)
            made[name] = np.where(drawn == NO_CODE, made[name], np.nan)
        gaps = np.abs(expit(self.log_odds(made)) - predictor.pd(made))
        return bool((gaps < TOLERANCE).all())


def card_of(predictor: Predictor, baseline: Columns) -> Card | None:
    """Make the tables of a scorecard; None for another model.

    Args:
        predictor: of the model.
        baseline: the baseline applicant, as columns of one value.
    """
    found = linear(predictor.model)
    if found is None or not isinstance(found.pipeline.named_steps["impute"], Binner):
        return None
    card = Card(found, baseline)
    return card if card.agrees(predictor) else None


def _first(values: np.ndarray) -> Any:
    return values[0]

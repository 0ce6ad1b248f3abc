"""The transformer that turns each variable into the number of its bin.

It stands in the model files of scorecards, so it needs nothing else of this package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from creditrisk.modeling.binning.edges import count_bins, find_bins, join_against

ENOUGH_ROWS = 50  # with fewer training rows, missing and special values get no bin of their own
UNSEEN = -1  # the code of a level that no training row has
ASIDE = -2  # in training, the code of a value that counts as the bin with the greatest risk


@dataclass
class Codes:
    """The bins of one variable, as numbers from 0.

    Attributes:
        edges: of a numeric variable, as in `Bins`; empty for one with levels.
        levels: level to code.
        special: special code to code.
        missing: the code of a missing value.
        borrowed: special codes, and None for a missing value, that have no bin of their own.
        unseen: the code of a level that is not in `levels`.
        count: number of different codes in the training rows.
    """

    edges: np.ndarray
    levels: dict[str, int] = field(default_factory=dict)
    special: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    borrowed: frozenset[str | None] = frozenset()
    unseen: int = UNSEEN
    count: int = 0


class Binner(TransformerMixin, BaseEstimator):
    """Turn numbers, levels, special codes and missing values into bins.

    A numeric variable is cut where its bad rate changes (`edges.find_bins`), or at given edges. A
    level is a bin of its own, unless groups are given or the variable has many levels, whose
    rarer ones are one bin. Missing values, and each special code, are a bin if enough training rows
    have them; else they count as the bin with the greatest risk, whatever that is: what is not
    known is no merit.

    Args:
        numeric: names of the numeric variables.
        nominal: names of the variables with levels.
        companions: numeric variable to the column with its special codes.
        no_code: what such a column has for a row without a code.
        many: variables whose rarer levels are one bin.
        kept: number of bins of those, with that of the rarer levels.
        bins: largest number of bins of a numeric variable.
        monotone: True, False or `auto`; see `edges.find_bins`.
        directions: variable to 1 if its risk rises with the value, -1 if it falls.
        fixed: variable to `{"edges": [...]}` or `{"groups": [[level, ...], ...]}`.

    Attributes:
        codes_: variable to its `Codes`, in the order of the output.
        one_bin_: the variables that ended in one bin, and so say nothing.
    """

    def __init__(
        self,
        numeric: list[str],
        nominal: list[str],
        companions: Mapping[str, str] | None = None,
        no_code: str = "none",
        many: list[str] | None = None,
        kept: int = 50,
        bins: int = 6,
        monotone: bool | str = "auto",
        directions: Mapping[str, int] | None = None,
        fixed: Mapping[str, Any] | None = None,
    ):
        self.numeric = numeric
        self.nominal = nominal
        self.companions = companions
        self.no_code = no_code
        self.many = many
        self.kept = kept
        self.bins = bins
        self.monotone = monotone
        self.directions = directions
        self.fixed = fixed

    def fit(self, X: pd.DataFrame, y: Any) -> "Binner":
        """Find the bins.

        Args:
            X: the variables and their companions, shape (n, d).
            y: outcomes, shape (n,).
        """
        bad = np.asarray(y, dtype="float64")
        self.codes_ = {name: self._fit_numeric(X, name, bad) for name in self.numeric}
        self.codes_ |= {name: self._fit_levels(X[name], name, bad) for name in self.nominal}
        self.one_bin_ = [name for name, codes in self.codes_.items() if codes.count < 2]
        self.n_features_in_ = X.shape[1]
        self.feature_names_in_ = np.asarray(list(X), dtype=object)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **_: Any) -> pd.DataFrame:
        """Find the bins, and return those of the training rows.

        Values that count as the bin with the greatest risk are `ASIDE` here. In that bin they could
        make it one with less risk than others.

        Args:
            X: the variables and their companions, shape (n, d).
            y: outcomes, shape (n,).
        """
        return self.fit(X, y)._transform(X, aside=True)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the number of each value's bin.

        Args:
            X: the variables and their companions, shape (n, d).

        Returns:
            Integers, one column per variable; `UNSEEN` for an unknown level.
        """
        return self._transform(X, aside=False)

    def _transform(self, X: pd.DataFrame, aside: bool) -> pd.DataFrame:
        out = {}
        for name, codes in self.codes_.items():
            absent = ASIDE if aside and None in codes.borrowed else codes.missing
            if name in self.numeric:
                values = X[name].to_numpy(dtype="float64", na_value=np.nan)
                own = np.searchsorted(codes.edges, values, side="right")
                own = np.where(np.isnan(values), absent, own)
                special = self._special_codes(X, name)
                for code, number in codes.special.items():
                    own[special == code] = ASIDE if aside and code in codes.borrowed else number
            else:
                own = X[name].map(codes.levels).to_numpy(dtype="float64", na_value=np.nan)
                own = np.where(np.isnan(own), codes.unseen, own)
                own = np.where(X[name].isna(), absent, own)
            out[name] = own.astype("int64")
        return pd.DataFrame(out, index=X.index)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the variables."""
        return np.asarray(list(self.codes_), dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "codes_")

    def _special_codes(self, X: pd.DataFrame, name: str) -> np.ndarray:
        """Return the special code of each row, shape (n,); `no_code` if it has none."""
        column = (self.companions or {}).get(name)
        if column is None:
            return np.full(len(X), self.no_code, dtype=object)
        return X[column].to_numpy(dtype=object, na_value=self.no_code)

    def _fit_numeric(self, X: pd.DataFrame, name: str, bad: np.ndarray) -> Codes:
        values = X[name].to_numpy(dtype="float64", na_value=np.nan)
        known = ~np.isnan(values)
        given = (self.fixed or {}).get(name, {}).get("edges")
        way = (self.directions or {}).get(name, 0)
        if given is not None:
            counted = count_bins(np.asarray(given, dtype="float64"), values[known], bad[known])
            bins = join_against(counted, way)
        else:
            bins = find_bins(values[known], bad[known], self.bins, self.monotone, way)
        special = self._special_codes(X, name)
        others = {code: special == code for code in sorted({*special} - {self.no_code})}
        absent = ~known & ~np.any(list(others.values()), axis=0) if others else ~known
        asked: dict[str | None, np.ndarray] = {None: absent}
        asked.update(others)
        own = [key for key, here in asked.items() if here.sum() >= ENOUGH_ROWS]
        rows = np.array([*bins.rows, *(asked[key].sum() for key in own)])
        bads = np.array([*bins.bads, *(bad[asked[key]].sum() for key in own)])
        numbers = {key: len(bins.rows) + i for i, key in enumerate(own)}
        worst = _worst(rows, bads)
        return Codes(
            edges=bins.edges,
            special={code: numbers.get(code, worst) for code in others},
            missing=numbers.get(None, worst),
            borrowed=frozenset(asked) - frozenset(own),
            count=int((rows > 0).sum()),
        )

    def _fit_levels(self, values: pd.Series, name: str, bad: np.ndarray) -> Codes:
        counts = values.value_counts()
        levels = sorted(counts.index)
        groups = (self.fixed or {}).get(name, {}).get("groups", [])
        group_of = {level: i for i, group in enumerate(groups) for level in group}
        if name in (self.many or []):
            ranked = sorted(levels, key=lambda level: (-counts[level], level))
            others = [level for level in ranked if level not in group_of]
            group_of |= dict.fromkeys(others[self.kept - 1 :], len(groups))
        codes = Codes(edges=np.empty(0))
        numbers: dict[Any, int] = {}
        for level in [*levels, *(level for level in group_of if level not in counts.index)]:
            key = group_of.get(level, level)
            codes.levels[level] = numbers.setdefault(key, len(numbers))
        if name in (self.many or []) and len(groups) in numbers:
            codes.unseen = numbers[len(groups)]
        placed = values.map(codes.levels).to_numpy(dtype="float64", na_value=np.nan)
        known = ~np.isnan(placed)
        place = placed[known].astype(int)
        rows = np.bincount(place, minlength=len(numbers))
        bads = np.bincount(place, weights=bad[known], minlength=len(numbers))
        enough = (~known).sum() >= ENOUGH_ROWS
        codes.missing = len(numbers) if enough or not len(rows) else _worst(rows, bads)
        codes.borrowed = frozenset() if enough or not len(rows) else frozenset({None})
        codes.count = int((rows > 0).sum()) + bool(enough)
        return codes


def _worst(rows: np.ndarray, bads: np.ndarray) -> int:
    """Return the bin with the greatest risk, as the weight of evidence measures it.

    That adds one row to both counts, and says 0 of a bin with a single row.

    Args:
        rows: rows of each bin, shape (k,).
        bads: bad rows of each bin, shape (k,).
    """
    odds = (bads + 1) / (rows - bads + 1)
    return int(np.where(rows > 1, odds, -1.0).argmax()) if len(rows) else 0


def variables_in_one_bin(model: BaseEstimator) -> list[str] | None:
    """Return the variables of a fitted model that ended in one bin; None if it has no bins."""
    for inner in getattr(model, "calibrated_classifiers_", []):
        model = inner.estimator
    steps = getattr(model, "named_steps", {})
    binner = steps.get("impute")
    return binner.one_bin_ if isinstance(binner, Binner) else None

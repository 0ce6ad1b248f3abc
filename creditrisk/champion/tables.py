"""The preprocessing of a model as tables: what its own fitted transformers make of each level.

A level is encoded once, when the model is loaded. Numbers are imputed and scaled one by one. So a
row costs microseconds, and its encoded numbers do not depend on the other rows.
"""

import hashlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from creditrisk.champion.coding import Coded, Vocabulary
from creditrisk.modeling.binning.binner import UNSEEN, Binner

INDICATORS = "missing numeric"  # the part of the preprocessing that says which numbers are missing
STEPS = ("impute", "encode")  # of a pipeline, before its model
CHECKED_ROWS = 64
TOLERANCE = 1e-9  # relative, between the tables and the transformers


class NotTabled(Exception):
    """The transformers do something that tables can't hold."""


def columns_of(pipelines: Sequence[Pipeline]) -> Vocabulary:
    """Find the columns that some pipelines take, and all levels that any of them knows.

    Args:
        pipelines: from `modeling.pipeline.build_pipeline`, fitted.

    Raises:
        RuntimeError: an encoder does not say which levels it knows, which is a bug.
    """
    numeric: dict[str, None] = {}
    levels: dict[str, dict[str, None]] = {}
    for pipeline in pipelines:
        impute = pipeline.named_steps["impute"]
        if isinstance(impute, Binner):
            numeric.update(dict.fromkeys(impute.numeric))
            for name in impute.nominal:
                levels.setdefault(name, {}).update(dict.fromkeys(impute.codes_[name].levels))
            for name, companion in (impute.companions or {}).items():
                known = [impute.no_code, *impute.codes_[name].special]
                levels.setdefault(companion, {}).update(dict.fromkeys(known))
            continue
        encode = pipeline.named_steps["encode"]
        for part, _, names in impute.transformers_:
            if part in ("numeric", INDICATORS):
                numeric.update(dict.fromkeys(names))
                continue
            for name in names:
                levels.setdefault(name, {})
            fitted = encode.named_transformers_.get(part)
            if len(names) and fitted is not None and not part.startswith("missing "):
                for name, known in zip(names, known_levels(fitted), strict=True):
                    levels[name].update(dict.fromkeys(v for v in known if isinstance(v, str)))
    return Vocabulary(numeric, levels)


def known_levels(encoder: Any) -> list[list[Any]]:
    """List the levels that a fitted encoder knows, of each column.

    Raises:
        RuntimeError: it does not say so, as those of scikit-learn and category_encoders do.
    """
    steps = [step for _, step in encoder.steps] if isinstance(encoder, Pipeline) else [encoder]
    for step in steps:
        if hasattr(step, "categories_"):
            return [list(known) for known in step.categories_]
        if hasattr(step, "ordinal_encoder"):
            return [list(one["mapping"].index) for one in step.ordinal_encoder.category_mapping]
    raise RuntimeError(f"{type(encoder).__name__} does not list the levels that it knows")


class Tables:
    """The preprocessing of one model.

    Args:
        pipeline: from `modeling.pipeline.build_pipeline`, fitted.
        vocabulary: the columns of the rows.

    Attributes:
        width: number of encoded numbers of a row.

    Raises:
        NotTabled: the tables would not give what the transformers give.
    """

    def __init__(self, pipeline: Pipeline, vocabulary: Vocabulary):
        impute = pipeline.named_steps["impute"]
        place = _Bins if isinstance(impute, Binner) else _Levels
        self._parts: _Bins | _Levels = place(pipeline, vocabulary)
        self.width = len(self._parts.base)
        rows, wanted = self._parts.checked
        found = self.encode(rows)
        same = wanted.shape == found.shape and np.allclose(
            found, wanted, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
        )
        if not same:
            raise NotTabled

    def encode(self, rows: Coded) -> np.ndarray:
        """Encode rows; float64, shape (width, n)."""
        out = np.empty((self.width, len(rows)))
        out[:] = self._parts.base[:, None]
        self._parts.fill(out, rows)
        return out


def _rows_of_all_kinds(vocabulary: Vocabulary, middle: np.ndarray, scale: np.ndarray) -> Coded:
    """Make up rows on which tables are compared with the transformers."""
    rng = np.random.default_rng(0)
    shape = (len(vocabulary.numeric), CHECKED_ROWS)
    numbers = middle[:, None] + 2 * scale[:, None] * rng.normal(size=shape)
    numbers[rng.random(shape) < 0.2] = np.nan
    sizes = [vocabulary.size(name) for name in vocabulary.levels]
    codes = np.array([rng.integers(0, size, CHECKED_ROWS) for size in sizes], dtype=np.intp)
    return Coded(numbers, codes.reshape(len(sizes), CHECKED_ROWS))


def transform(pipeline: Pipeline, rows: pd.DataFrame) -> np.ndarray:
    """Apply the steps of a pipeline before its model; float64, shape (n, width)."""
    for step in (pipeline.named_steps[name] for name in STEPS):
        rows = rows if isinstance(step, str) else step.transform(rows)
    return np.asarray(rows, dtype=np.float64)


def fingerprint(pipeline: Pipeline) -> bytes:
    """Return a hash of the steps of a pipeline before its model: if equal, they do the same."""
    steps = [pipeline.named_steps[name] for name in STEPS]
    return hashlib.sha256(pickle.dumps(steps)).digest()


class _Levels:
    """Imputed columns: each level column has a table, and the numbers are scaled.

    Attributes:
        base: what is encoded where no column changes it, shape (width,).
        checked: rows of all kinds, and what the transformers make of them, shape (width, m).
    """

    def __init__(self, pipeline: Pipeline, vocabulary: Vocabulary):
        impute, encode = pipeline.named_steps["impute"], pipeline.named_steps["encode"]
        numeric = _names(impute, "numeric")
        self._numbers = [vocabulary.numeric.index(name) for name in numeric]
        self._scaling = Scaling(impute.named_transformers_["numeric"] if numeric else None, numeric)
        where = encode.output_indices_
        self._scaled = where["numeric"] if numeric else slice(0, 0)
        gaps = _names(impute, INDICATORS) if INDICATORS in where else []
        self._gaps = [vocabulary.numeric.index(name) for name in gaps]
        self._indicated = where[INDICATORS] if gaps else slice(0, 0)
        if _width(self._scaled) != len(numeric) or _width(self._indicated) != len(gaps):
            raise NotTabled
        middle, scale = np.zeros(len(vocabulary.numeric)), np.ones(len(vocabulary.numeric))
        middle[self._numbers], scale[self._numbers] = self._scaling.typical
        checked = _rows_of_all_kinds(vocabulary, middle, scale)

        def encoded(codes: np.ndarray) -> np.ndarray:
            # Of few rows, the transformers take no longer than of one: they are called once.
            missing = np.full((len(vocabulary.numeric), codes.shape[1]), np.nan)
            both = zip((missing, codes), checked, strict=True)
            rows = Coded(*(np.concatenate(parts, axis=1) for parts in both))
            out = transform(pipeline, vocabulary.frame(rows))
            self.checked = checked, out[-CHECKED_ROWS:].T
            return out[:-CHECKED_ROWS]

        self.base, tables = _probe([vocabulary.size(name) for name in vocabulary.levels], encoded)
        self._gather = _Gather(tables)

    def fill(self, out: np.ndarray, rows: Coded) -> None:
        if len(self._numbers):
            out[self._scaled] = self._scaling.apply(rows.numbers[self._numbers])
        if self._gaps:
            out[self._indicated] = np.isnan(rows.numbers[self._gaps])
        self._gather.fill(out, rows.codes)


class _Bins:
    """Bins: each variable has one, whose number has a table; attributes as of `_Levels`."""

    def __init__(self, pipeline: Pipeline, vocabulary: Vocabulary):
        binner, encode = pipeline.named_steps["impute"], pipeline.named_steps["encode"]
        levels = list(vocabulary.levels)
        self._find: list[tuple[Any, ...]] = []
        for name, codes in binner.codes_.items():
            if name in binner.numeric:
                companion = (binner.companions or {}).get(name)
                special = _by_code(vocabulary, companion, codes.special, -1) if companion else None
                self._find.append(
                    (vocabulary.numeric.index(name), codes.edges, codes.missing,
                     levels.index(companion) if companion else None, special)
                )  # fmt: skip
            else:
                table = _by_code(vocabulary, name, codes.levels, codes.unseen, codes.missing)
                self._find.append((None, None, None, levels.index(name), table))
        names = list(binner.codes_)
        # From the number of an unseen level on.
        sizes = [_most_bins(codes) + 2 for codes in binner.codes_.values()]

        def encoded(bins: np.ndarray) -> np.ndarray:
            frame = pd.DataFrame(dict(zip(names, bins + UNSEEN, strict=True)))
            return np.asarray(encode.transform(frame), dtype=np.float64)

        self.base, tables = _probe(sizes, encoded)
        self._gather = _Gather(tables)
        middle, scale = np.zeros(len(vocabulary.numeric)), np.ones(len(vocabulary.numeric))
        for place, edges, *_ in self._find:
            if place is not None and len(edges):
                middle[place] = np.median(edges)
                scale[place] = max(np.ptp(edges), abs(middle[place]) / 10, 1e-9)
        checked = _rows_of_all_kinds(vocabulary, middle, scale)
        self.checked = checked, transform(pipeline, vocabulary.frame(checked)).T

    def fill(self, out: np.ndarray, rows: Coded) -> None:
        bins = np.empty((len(self._find), len(rows)), dtype=np.intp)
        for number, find in enumerate(self._find):
            bins[number] = self._bin(find, rows)
        bins -= UNSEEN
        self._gather.fill(out, bins)

    @staticmethod
    def _bin(find: tuple, rows: Coded) -> np.ndarray:
        number, edges, missing, column, table = find
        if number is None:
            return table[rows.codes[column]]
        values = rows.numbers[number]
        own = np.searchsorted(edges, values, side="right")
        own = np.where(np.isnan(values), missing, own)
        if column is None:
            return own
        special = table[rows.codes[column]]
        return np.where(special >= 0, special, own)


class _Gather:
    """The tables of all columns as one, so that one look-up serves them all.

    Args:
        tables: of each column the places that it changes, and what each of its codes gives there.
    """

    def __init__(self, tables: list[tuple[np.ndarray, np.ndarray]]):
        none = np.empty(0)
        self.places = np.concatenate([none, *(p for p, _ in tables)]).astype(np.intp)
        self.values = np.concatenate([none, *(table.ravel() for _, table in tables)])
        self.column = np.repeat(np.arange(len(tables)), [len(p) for p, _ in tables])
        widths = [table.shape[1] for _, table in tables for _ in range(len(table))]
        self.starts = np.cumsum([0, *widths])[:-1].astype(np.intp)

    def fill(self, out: np.ndarray, codes: np.ndarray) -> None:
        """Write what is encoded, shape (width, n), for codes of shape (q, n)."""
        out[self.places] = self.values.take(self.starts[:, None] + codes[self.column])


def _by_code(
    vocabulary: Vocabulary, name: str, numbers: dict[str, int], other: int, missing: int = -1
) -> np.ndarray:
    """Return the number of each code of a column."""
    known = [numbers.get(level, other) for level in vocabulary.levels[name]]
    return np.array([missing, *known, other], dtype=np.intp)


def _most_bins(codes: Any) -> int:
    """Return the largest number of a bin of a variable."""
    edges = len(codes.edges)
    return max(edges, codes.missing, codes.unseen, *codes.levels.values(), *codes.special.values())


def _names(transformer: ColumnTransformer, part: str) -> list[str]:
    found = (list(names) for name, _, names in transformer.transformers_ if name == part)
    return next(found, [])


def _width(part: slice) -> int:
    return part.stop - part.start


def _probe(
    sizes: list[int], encode: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Let one column take each of its codes in turn, while the others stay as they are.

    Args:
        sizes: number of codes of each of q columns.
        encode: takes codes, shape (q, m), and returns encoded numbers, shape (m, width).

    Returns:
        What is encoded where no column changes it, shape (width,); and for each column the places
        that it changes, with what each of its codes gives there, shape (places, codes).

    Raises:
        NotTabled: an encoded number depends on two columns.
    """
    usual = [min(1, size - 1) for size in sizes]
    probes = np.tile(np.array(usual, dtype=np.intp)[:, None], max(1, sum(sizes)))
    ends = np.cumsum([0, *sizes])
    for column, (start, stop) in enumerate(pairwise(ends)):
        probes[column, start:stop] = np.arange(stop - start)
    out = encode(probes)
    base = out[usual[0]] if sizes else out[0]
    taken = np.zeros(len(base), dtype=bool)
    tables = []
    for start, stop in pairwise(ends):
        own = out[start:stop]
        same = (own == base) | (np.isnan(own) & np.isnan(base))
        places = np.flatnonzero(~same.all(axis=0))
        if taken[places].any():
            raise NotTabled
        taken[places] = True
        tables.append((places, np.ascontiguousarray(own[:, places].T)))
    return base.copy(), tables


class Scaling:
    """Imputation and scaling of numbers, one by one.

    The same as SimpleImputer, StandardScaler and PowerTransformer (Yeo and Johnson 2000) do, in
    operations on single numbers: the last bits of a result do not depend on the other rows.

    Args:
        fitted: the fitted steps; None if there are no numbers.
        names: of the numbers.

    Raises:
        NotTabled: there is another kind of step.
    """

    def __init__(self, fitted: Any, names: list[str]):
        self._steps = list(_scaling_steps(fitted)) if fitted is not None else []
        self.typical = np.zeros(len(names)), np.ones(len(names))
        for step in reversed(self._steps):
            if isinstance(step, _Shift):
                self.typical = step.shift.ravel(), step.scale.ravel()

    def apply(self, numbers: np.ndarray) -> np.ndarray:
        """Scale numbers; shape (p, n) as returned."""
        for step in self._steps:
            numbers = step(numbers)
        return numbers


class _Fill:
    def __init__(self, values: np.ndarray):
        self.values = np.asarray(values, dtype=np.float64)[:, None]

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(numbers), self.values, numbers)


class _Shift:
    def __init__(self, scaler: StandardScaler, count: int):
        none = scaler.mean_ is None or not scaler.with_mean
        self.shift = np.zeros((count, 1)) if none else scaler.mean_[:, None]
        self.scale = np.ones((count, 1)) if scaler.scale_ is None else scaler.scale_[:, None]

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        return (numbers - self.shift) / self.scale


class _Power:
    def __init__(self, powers: np.ndarray):
        self.up = np.asarray(powers, dtype=np.float64)[:, None]
        self.down = 2 - self.up

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        positive = numbers >= 0
        sizes = np.log1p(np.abs(numbers))
        power = np.where(positive, self.up, self.down)
        straight = np.abs(power) < np.finfo(np.float64).eps
        with np.errstate(over="ignore", invalid="ignore"):
            curved = np.expm1(power * sizes) / np.where(straight, 1.0, power)
        out = np.where(straight, sizes, curved)
        return np.where(positive, out, -out)


def _scaling_steps(fitted: Any) -> Iterator[Callable[[np.ndarray], np.ndarray]]:
    for step in [one for _, one in fitted.steps] if isinstance(fitted, Pipeline) else [fitted]:
        if isinstance(step, SimpleImputer) and not step.add_indicator:
            yield _Fill(step.statistics_)
        elif isinstance(step, StandardScaler):
            yield _Shift(step, step.n_features_in_)
        elif isinstance(step, PowerTransformer) and step.method == "yeo-johnson":
            yield _Power(step.lambdas_)
            if step.standardize:
                yield _Shift(step._scaler, step.n_features_in_)
        else:
            raise NotTabled

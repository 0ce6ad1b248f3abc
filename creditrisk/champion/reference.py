"""What the champion learned from, in counts: models/reference.json, to compare new rows with.

It has no row of an applicant: counts by bin and level, and 32 bits of a hash of each training row,
by which monitoring knows rows that the model was trained on. Levels that are not listed in the
schema are named only if `LEAST_NAMED` applicants have them.
"""

import base64
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from creditrisk.champion.grades import GradesParams, grade_edges, grade_of
from creditrisk.champion.groups import FairnessParams, frame_groupings
from creditrisk.core.columns import SPECIAL, original_values
from creditrisk.core.jsonable import to_jsonable
from creditrisk.schema import Column, Schema

BINS = 10
MAX_LEVELS = 50  # levels that are compared one by one; the rarer ones are one bin
LEAST_NAMED = 5
MAX_TWINS = 0.01


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Distribution(_Frozen):
    """The values of a variable in the training rows.

    Attributes:
        kind: `numeric`, or `levels` for nominal and ordinal variables.
        edges: upper ends of all bins but the last, of a number; a value at an edge is below it.
        levels: the levels that have bins of their own; the last bin is for all others.
        known: whether the levels are all that a listed column can have.
        counts: rows by bin: k + 1 for k edges or levels.
        special: rows by special code.
        missing: rows without a value.
        unseen: rows whose level would be new to a model that was trained without them, and cells
            that were no level of the schema.
        quantiles: the first percentile, the median and the 99th, of a number.
    """

    kind: Literal["numeric", "levels"]
    edges: list[float] = []
    levels: list[str] = []
    known: bool = False
    counts: list[float]
    special: dict[str, float] = {}
    missing: float
    unseen: float = 0
    quantiles: list[float] = []


class Spread(_Frozen):
    """How much more than by chance the models of the folds differ from each other.

    The champion is one more such model, so its PDs differ as much from the out-of-fold PDs.

    Attributes:
        excess: sum over the bins of variance / share, where the variance is what the shares of the
            fold models have beyond that of their numbers of rows; not below 0.
        models: number of fold models.
    """

    excess: float
    models: int


class ScoreReference(_Frozen):
    """The out-of-fold PDs of the training rows.

    Attributes:
        edges: of the bins; in the middle between two PDs, so that rounding moves no row.
        counts: rows by bin.
        spread: see `Spread`.
        mean_pd: their mean.
    """

    edges: list[float]
    counts: list[float]
    spread: Spread
    mean_pd: float


class Grade(_Frozen):
    """Applicants with PDs from `low` to under `high`, out of fold."""

    name: str
    low: float
    high: float
    rows: float
    mean_pd: float
    bad_rate: float


class Approvals(_Frozen):
    """Decisions of some applicants, out of fold: the rest is rejected."""

    rows: float
    accepted: float
    referred: float = 0.0


class Promise(_Frozen):
    """The performance that select promised, and its standard errors.

    Attributes:
        source: `nested`, or `cv` where there was no nested cross-validation.
        roc_auc: the AUC.
        brier: the Brier score.
    """

    source: Literal["nested", "cv"]
    roc_auc: float
    roc_auc_se: float | None
    brier: float
    brier_se: float | None


class Reference(_Frozen):
    """The content of models/reference.json.

    Attributes:
        rows: number of training rows.
        bad_rate: their bad rate.
        threshold: the cut-off.
        model_sha256: hash of models/champion.joblib.
        variables: the variables of the schema that are features.
        score: the PDs.
        accepted: the decisions, with the spread of the approval rate.
        accepted_spread: see `Spread`.
        referred_spread: the same of the share that is referred to a person.
        grades: classes of PDs, the least risky first.
        grouping: how applicants are grouped (`fairness` in params.yaml).
        groups: variable to group to decisions.
        promised: performance.
        trained_on: hashes of the training rows, in base64; empty if too many rows look alike.
    """

    rows: int
    bad_rate: float
    threshold: float
    model_sha256: str
    variables: dict[str, Distribution]
    score: ScoreReference
    accepted: Approvals
    accepted_spread: Spread
    referred_spread: Spread
    grades: list[Grade]
    grouping: dict[str, Any]
    groups: dict[str, dict[str, Approvals]]
    promised: Promise
    trained_on: str

    def is_training_row(self, cells: Mapping[str, np.ndarray]) -> np.ndarray:
        """Tell which rows the champion was trained on; bool, shape (n,).

        Args:
            cells: the variables before any adjustment, and the special codes, each of shape (n,).
        """
        known = np.frombuffer(base64.b64decode(self.trained_on), dtype="<u4")
        return np.isin(row_hashes(cells, self.variables), known)


def make_reference(
    frame: pd.DataFrame,
    oof: pd.DataFrame,
    schema: Schema,
    unlisted: Mapping[str, int],
    fairness: FairnessParams,
    referred: np.ndarray,
    grades: GradesParams,
    **chosen: Any,
) -> Reference:
    """Count the training rows.

    Args:
        frame: the training rows, shape (n, d): `row_id`, `bad`, the features, original values.
        oof: out-of-fold PDs: `row_id`, `repeat`, `fold`, `bad`, `pd`.
        schema: the schema.
        unlisted: by variable, the number of cells that were no level of the schema.
        fairness: the groups.
        referred: which rows of `oof` are referred to a person, shape (m,).
        grades: how the rating grades are made.
        chosen: `threshold`, `model_sha256`, `promised`.
    """
    threshold = chosen["threshold"]
    values = {name: original_values(frame, name) for name in schema.inputs if name in frame}
    codes = {name: frame[SPECIAL + name] for name in values if SPECIAL + name in frame}
    variables = {
        name: _distribution(each, codes.get(name), schema.variables[name], unlisted.get(name, 0))
        for name, each in values.items()
    }
    cells = {name: each.to_numpy() for name, each in values.items()}
    cells |= {SPECIAL + name: each.to_numpy() for name, each in codes.items()}
    repeats = oof["repeat"].nunique()
    edges = _middle_edges(oof["pd"].to_numpy(), BINS)
    model = oof.groupby(["repeat", "fold"]).ngroup().to_numpy()
    bins = np.searchsorted(edges, oof["pd"].to_numpy())
    accepted = (oof["pd"] < threshold).to_numpy() & ~referred
    rows = oof.set_index("row_id")
    groups = {}
    for name, labels in frame_groupings(frame, fairness.groups, schema).items():
        of_oof = pd.Series(labels.to_numpy(), index=frame["row_id"]).loc[rows.index].to_numpy()
        by = pd.Series(accepted).groupby(of_oof.astype(str), sort=False)
        found = by.agg(["size", "sum"]) / repeats
        groups[name] = {
            str(group): Approvals(rows=found.loc[group, "size"], accepted=found.loc[group, "sum"])
            for group in map(str, labels.cat.categories)
            if group in found.index
        }
    return Reference(
        rows=len(frame),
        bad_rate=float(frame["bad"].mean()),
        variables=variables,
        score=ScoreReference(
            edges=edges.tolist(),
            counts=(np.bincount(bins, minlength=len(edges) + 1) / repeats).tolist(),
            spread=_spread(bins, model),
            mean_pd=float(oof["pd"].mean()),
        ),
        accepted=Approvals(
            rows=len(oof) / repeats,
            accepted=float(accepted.sum()) / repeats,
            referred=float(referred.sum()) / repeats,
        ),
        accepted_spread=_spread(accepted.astype(int), model),
        referred_spread=_spread(referred.astype(int), model),
        grades=_grades(oof, repeats, grades),
        grouping={
            name: by if isinstance(by, str) else by.model_dump()
            for name, by in fairness.groups.items()
        },
        groups=groups,
        trained_on=_trained_on(row_hashes(cells, variables)),
        **chosen,
    )


def tally(
    values: pd.Series | np.ndarray, codes: np.ndarray | None, like: Distribution
) -> tuple[np.ndarray, dict[str, int], int]:
    """Count values by the bins of a distribution.

    Args:
        values: numbers or levels, missing where a special code stands, shape (n,).
        codes: the special codes, `NO_CODE` for none; None without any.
        like: has the bins.

    Returns:
        Rows by bin, shape (k + 1,); rows by special code; rows without a value.
    """
    special = {} if codes is None else {code: int((codes == code).sum()) for code in like.special}
    if like.kind == "numeric":
        numbers = np.asarray(values, dtype="float64")
        numbers = numbers[~np.isnan(numbers)]
        counts = np.bincount(np.searchsorted(like.edges, numbers), minlength=len(like.edges) + 1)
        return counts, special, len(values) - len(numbers) - sum(special.values())
    texts = pd.Series(np.asarray(values, dtype=object))
    places = pd.Index(like.levels).get_indexer(texts.dropna())
    places[places < 0] = len(like.levels)
    counts = np.bincount(places, minlength=len(like.levels) + 1)
    return counts, special, len(texts) - len(places)


def row_hashes(
    cells: Mapping[str, np.ndarray], variables: Mapping[str, Distribution]
) -> np.ndarray:
    """Hash rows to 32 bits; uint32, shape (n,).

    Args:
        cells: at least the variables, and their special codes.
        variables: the variables that count, in their order.
    """
    columns = {}
    for name, each in variables.items():
        kept = cells[name]
        numeric = each.kind == "numeric"
        columns[name] = kept.astype("float64") if numeric else pd.Series(kept, dtype="str")
        if each.special:
            columns[SPECIAL + name] = pd.Series(cells[SPECIAL + name], dtype="str")
    frame = pd.DataFrame(columns)
    texts = frame.select_dtypes("str").columns
    frame[texts] = frame[texts].fillna("\0")
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return (hashes & np.uint64(0xFFFFFFFF)).astype("<u4")


def _distribution(
    values: pd.Series, codes: pd.Series | None, column: Column, unlisted: int
) -> Distribution:
    leveled = column.kind in ("nominal", "ordinal")
    like = _levels(values, column, unlisted) if leveled else _numbers(values, column)
    counts, special, missing = tally(values, None if codes is None else codes.to_numpy(), like)
    return like.model_copy(
        update={
            "counts": counts.astype(float).tolist(),
            "special": {code: float(rows) for code, rows in special.items()},
            "missing": float(missing),
        }
    )


def _levels(values: pd.Series, column: Column, unlisted: int) -> Distribution:
    """The levels that get bins, and how many rows have a level that would be new without them."""
    found = values.value_counts()
    order = sorted(found.index, key=lambda level: (-found[level], level))
    known = column.levels is not None
    if known:
        named, new = order, found[found <= 1].sum()
    else:
        named = [level for level in order if found[level] >= LEAST_NAMED][:MAX_LEVELS]
        # Without one of its rows, a level of LEAST_NAMED rows would not be named.
        new = found[(found <= LEAST_NAMED) | ~found.index.isin(named)].sum()
    return Distribution(
        kind="levels", levels=named, known=known, counts=[], missing=0, unseen=float(new) + unlisted
    )


def _numbers(values: pd.Series, column: Column) -> Distribution:
    """The edges of the bins, rounded as in the file, so that both are counted alike."""
    numbers = values.dropna().to_numpy(dtype="float64")
    edges: list[float] = []
    quantiles: list[float] = []
    if len(numbers):
        inner = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
        edges = to_jsonable(inner[inner < numbers.max()].tolist())
        quantiles = np.quantile(numbers, [0.01, 0.5, 0.99]).tolist()
    return Distribution(
        kind="numeric", edges=edges, quantiles=quantiles, counts=[], missing=0,
        special=dict.fromkeys(column.special, 0.0),
    )  # fmt: skip


def _middle_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Cut at quantiles, each edge in the middle between two neighbouring values."""
    distinct = np.unique(values)
    cuts = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    places = np.unique(np.searchsorted(distinct, cuts, side="right"))
    places = places[(places > 0) & (places < len(distinct))]
    return (distinct[places - 1] + distinct[places]) / 2


def _spread(bins: np.ndarray, model: np.ndarray) -> Spread:
    counts = pd.crosstab(model, bins).to_numpy().astype(float)
    sizes = counts.sum(axis=1, keepdims=True)
    overall = counts.sum(axis=0) / counts.sum()
    if len(counts) < 2:
        return Spread(excess=0.0, models=len(counts))
    between = (counts / sizes - overall) ** 2
    variance = between.sum(axis=0) / (len(counts) - 1)
    by_chance = overall * (1 - overall) * (1 / sizes).mean()
    kept = overall > 0
    excess = ((variance - by_chance)[kept] / overall[kept]).sum()
    return Spread(excess=max(0.0, float(excess)), models=len(counts))


def _grades(oof: pd.DataFrame, repeats: int, params: GradesParams) -> list[Grade]:
    once = oof[oof["repeat"] == oof["repeat"].min()]
    edges = grade_edges(once["bad"].to_numpy(), once["pd"].to_numpy(), params)
    grade = grade_of(oof["pd"].to_numpy(), edges)
    ends = [0.0, *edges.tolist(), 1.0]
    return [
        Grade(
            name=chr(ord("A") + place), low=ends[place], high=ends[place + 1],
            rows=len(part) / repeats, mean_pd=float(part["pd"].mean()),
            bad_rate=float(part["bad"].mean()),
        )
        for place, part in oof.groupby(grade)
    ]  # fmt: skip


def _trained_on(hashes: np.ndarray) -> str:
    _, counts = np.unique(hashes, return_counts=True)
    if counts[counts > 1].sum() > MAX_TWINS * len(hashes):
        return ""
    return base64.b64encode(np.sort(hashes).tobytes()).decode()

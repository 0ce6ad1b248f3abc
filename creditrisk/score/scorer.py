"""Turn raw rows into scored rows: for files, for requests and from Python."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from creditrisk.champion.contributions import Contributions
from creditrisk.champion.reason_codes import reason_codes
from creditrisk.champion.referral import Referral, find_referrals, referred_rows
from creditrisk.core.columns import SCORED, SPECIAL
from creditrisk.eda.adjust import apply_to_arrays
from creditrisk.featurize import derived_columns
from creditrisk.metrics.costs import ACCEPT, REJECT, decide
from creditrisk.prepare.cells import Cell, Notation, reader_of
from creditrisk.prepare.parse import ages, read_texts, special_codes
from creditrisk.schema import KEY_KINDS, Column
from creditrisk.score.load_champion import Champion
from creditrisk.score.missing import MissingCells, find_missing, missing_texts
from creditrisk.score.reasons import (
    Cells,
    Reason,
    main_reasons,
    reasons_texts,
    value_formatter,
    with_codes,
)
from creditrisk.score.referral_reasons import referral_reasons

TYPES = {
    "row_id": "int64",
    "pd": "float64",
    "score": "Int64",
    "decision": "str",
    "reasons": "str",
    "missing": "str",
    "problem": "str",
}
COLUMNS = {name: TYPES[name] for name in SCORED}
NO_CELL = "no cell could be read"
# Texts of a column whose values are kept, and the longest: a long one would take memory.
KEPT, KEPT_LENGTH = 1000, 40

# Rows that are explained in one call, which computes a few dozen PDs for each row.
REASON_BATCH = 2048

Texts = Mapping[str, Sequence[str | None] | np.ndarray | pd.Series]


class Explained(NamedTuple):
    """Why each of n rows got its decision.

    Attributes:
        reasons: the main reasons of each row.
        texts: the same as text; where there is no reason, it says so.
        found: all contributions.
    """

    reasons: list[list[Reason]]
    texts: list[str]
    found: Contributions


class Judged(NamedTuple):
    """What the champion says of n rows.

    Attributes:
        pd: shape (n,).
        points: rounded; int64, shape (n,).
        decisions: `accept`, `reject` or `refer`, shape (n,).
        referrals: why applicants are referred.
        readable: whether any cell of the row could be read; if not, the rest means nothing.
        cells: the values.
        missing: the cells that count as missing.
    """

    pd: np.ndarray
    points: np.ndarray
    decisions: np.ndarray
    referrals: list[Referral]
    readable: np.ndarray
    cells: Cells
    missing: MissingCells

    @property
    def refused(self) -> np.ndarray:
        """Who is rejected, bool of shape (n,)."""
        return self.decisions == REJECT

    @property
    def accepted(self) -> np.ndarray:
        """Who is accepted, bool of shape (n,)."""
        return self.decisions == ACCEPT

    def decision(self, row: int) -> str | None:
        """Return a row's decision; None if no cell could be read."""
        return str(self.decisions[row]) if self.readable[row] else None


class Scored(NamedTuple):
    """A batch of scored rows.

    Attributes:
        rows: what `Scorer.score` describes.
        well_formed: number of rows that could be read.
        missing: the cells of these that count as missing.
        texts: the cells of the well-formed rows, as they were read.
        judged: what the champion says of the well-formed rows.
    """

    rows: pd.DataFrame
    well_formed: int
    missing: MissingCells
    texts: Texts
    judged: Judged


@dataclass(frozen=True)
class Scorer:
    """Turns raw rows into scored rows.

    Attributes:
        champion: the model with its description.
        notation: how numbers and missing values are written.
        reasons: maximum number of reasons per row; 0 for none.
    """

    champion: Champion
    notation: Notation
    reasons: int = 0

    @cached_property
    def _readers(self) -> list[tuple[str, Column, Callable[[str], Cell]]]:
        """The columns, their names in the source first, and what reads their cells."""
        columns = self.champion.schema.needed.items()
        wanted = [(source, column) for source, column in columns if column.kind not in KEY_KINDS]
        return [
            (source, column, _remembered(reader_of(column, self.notation)))
            for source, column in wanted
        ]

    def cells(self, texts: Texts) -> Cells:
        """Turn texts into features, in the same way as the stages.

        Args:
            texts: under the names of the source, n cells each, None for an empty one.
        """
        schema = self.champion.schema
        values: dict[str, np.ndarray] = {}
        causes: dict[str, np.ndarray] = {}
        for source, column, read in self._readers:
            values[column.name], causes[column.name] = read_texts(texts[source], read)
        if schema.application_date is not None:
            application = schema.columns[schema.application_date].name
            for _, column, _ in self._readers:
                if column.kind == "date" and column.name != application:
                    values[column.name], causes[column.name] = ages(
                        values[column.name], causes[column.name],
                        values[application], causes[application], column,
                    )  # fmt: skip
        parsed = {
            name: _numbers(values[name]) if column.kind == "numeric" else values[name]
            for name, column in schema.inputs.items()
        }
        for companion, column in schema.companions.items():
            name = companion.removeprefix(SPECIAL)
            if name not in parsed:
                continue  # it is for audit only
            parsed[companion] = special_codes(parsed[name], column)
            is_code = causes[name] == "special"
            parsed[name] = np.where(is_code, np.nan, parsed[name])
        adjusted = apply_to_arrays(parsed, self.champion.description.adjustments)
        return Cells(self._features(parsed), self._features(adjusted), causes)

    def _features(self, parsed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        derived = derived_columns(parsed, self.champion.description.features["derived"])
        return {
            name: derived[name] if name in derived else parsed[name]
            for name in self.champion.columns
        }

    def judge(self, texts: Texts) -> Judged:
        """Compute PDs, points and decisions.

        Args:
            texts: as for `cells`.
        """
        cells = self.cells(texts)
        pds = self.champion.predictor.pd(cells.model_input)
        missing = find_missing(cells.causes, self.champion.schema.inputs)
        count, threshold = len(pds), self.champion.description.threshold
        referrals = find_referrals(
            self.champion.description.referral, cells.original, cells.model_input, pds, threshold,
            self.champion.predictor.pd,
        )  # fmt: skip
        unread = np.zeros(count, dtype=np.intp)
        for rows, _ in missing.values():
            unread[rows] += 1
        return Judged(
            pd=pds,
            points=np.rint(self.champion.scale.points(pds)).astype("int64"),
            decisions=decide(pds, threshold, referred_rows(referrals, count)),
            referrals=referrals,
            readable=unread < len(missing),
            cells=cells,
            missing=missing,
        )

    def explain(self, judged: Judged, top: int | None = None) -> Explained:
        """Find the reasons of decisions.

        Args:
            judged: from `judge`, n rows.
            top: maximum number of reasons per row; None for that of the scorer.
        """
        found = self.champion.explainer.contributions(judged.cells.model_input)
        top = self.reasons if top is None else top
        reasons = main_reasons(found, judged.cells, judged.refused, self._describe, top)
        threshold = self.champion.description.threshold
        texts = reasons_texts(reasons, found, judged.refused, threshold)
        for row, own in enumerate(self.referral_reasons(judged)):
            if own:  # what is lacking, then what a person should know of the rest
                reasons[row] = own + reasons[row][: max(0, top - len(own))]
                texts[row] = _joined(reasons[row])
        return Explained(reasons, texts, found)

    def referral_reasons(self, judged: Judged) -> list[list[Reason]]:
        """Name what each referred row lacks; an empty list for the others.

        Args:
            judged: from `judge`, n rows.
        """
        rules = self.champion.description.referral
        return referral_reasons(judged.referrals, rules, judged.cells, judged.pd, self._describe)

    def contribution_lines(self, judged: Judged, found: Contributions) -> list[dict[str, Any]]:
        """List all contributions to the first row, also those that are no reason.

        Args:
            judged: from `judge`.
            found: from `explain`.
        """
        codes = reason_codes(found.names)
        values = [with_codes(columns, name)[0] for name in found.names
                  for columns in (judged.cells.original, judged.cells.model_input)]  # fmt: skip
        lines = []
        for place, name in enumerate(found.names):
            cause = judged.cells.causes.get(name, [None])[0]
            own = values[2 * place : 2 * place + 2]
            log_odds = float(found.by_variable[0, place])
            one = self._describe(name, codes[name], *own, cause, log_odds)
            counted = one.value if one.counted is None else one.counted
            lines.append({"variable": name, "code": one.code, "value": one.value,
                          "counted": counted, "log_odds": log_odds})  # fmt: skip
        return lines

    @cached_property
    def _describe(self) -> Any:
        features = self.champion.description.features
        return value_formatter(self.champion.schema, features["derived"])

    @property
    def id_columns(self) -> dict[str, str]:
        """The columns of kind id: their names in the source, and in the output."""
        columns = self.champion.schema.columns.items()
        return {source: column.name for source, column in columns if column.kind == "id"}

    def columns(self, raw: pd.DataFrame | None) -> dict[str, str]:
        """Return the output's columns and their types for batches such as `raw`, None for none."""
        first = {"row_id": COLUMNS["row_id"] if raw is None else str(raw["row_id"].dtype)}
        return first | dict.fromkeys(self.id_columns.values(), "str") | {
            name: dtype for name, dtype in COLUMNS.items() if name != "row_id"
        }  # fmt: skip

    def score(self, raw: pd.DataFrame) -> Scored:
        """Score a batch.

        Args:
            raw: from `read_batches`.

        Returns:
            One row per raw row, in the same order. `row_id`, and the ids of the schema, all as in
            the input; `pd`, `score`, `decision` (`accept`, `reject` or `refer`) and `reasons` (of a
            referral always), all empty if the row could not be read; `missing`, the cells that
            count as missing, each with its cause; `problem`, why the row could not be read.
        """
        formed = raw["malformed"].isna().to_numpy()
        rows = raw[formed] if not formed.all() else raw
        cells = {source: rows[source] for source in self.champion.schema.columns if source in rows}
        judged = self.judge(cells)
        readable = judged.readable
        texts: list[str | None] = [_joined(own) or None for own in self.referral_reasons(judged)]
        if self.reasons:
            texts = []
            for start in range(0, len(rows), REASON_BATCH):
                here = _part(judged, slice(start, start + REASON_BATCH))
                texts += self.explain(here).texts
        out = pd.DataFrame(
            {
                "pd": judged.pd,
                "score": pd.array(judged.points, dtype="Int64"),
                "decision": _texts(judged.decisions),
                "reasons": _texts(texts),
            },
            index=rows.index,
        )
        out = out[readable].reindex(rows.index)
        out["missing"] = _texts(missing_texts(judged.missing, len(rows)))
        problem = raw["malformed"].astype(object)
        problem[rows.index[~readable]] = NO_CELL
        ids = {name: raw[source] for source, name in self.id_columns.items()}
        out = out.reindex(raw.index).assign(row_id=raw["row_id"], problem=problem)
        columns = self.columns(raw)
        out = pd.concat([out, pd.DataFrame(ids, index=raw.index)], axis=1).astype(columns)
        return Scored(out[list(columns)], int(readable.sum()), judged.missing, cells, judged)


def _remembered(read: Callable[[str], Cell]) -> Callable[[str], Cell]:
    """Keep what short texts were read as: applicants have the same levels, and often numbers."""
    kept = lru_cache(KEPT)(read)
    return lambda text: kept(text) if len(text) <= KEPT_LENGTH else read(text)


def _numbers(values: np.ndarray) -> np.ndarray:
    return values.astype("float64")  # None becomes NaN


def _joined(reasons: list[Reason]) -> str:
    return "; ".join(one.text for one in reasons)


def _texts(values: Any) -> Any:
    return pd.array(np.asarray(values, dtype=object), dtype="str")


def _part(judged: Judged, rows: slice) -> Judged:
    """Select some rows, for reasons."""
    cells = judged.cells
    parts = (
        {name: values[rows] for name, values in columns.items()}
        for columns in (cells.original, cells.model_input, cells.causes)
    )
    return judged._replace(
        pd=judged.pd[rows],
        decisions=judged.decisions[rows],
        referrals=[Referral(r.kind, r.variable, r.rows[rows]) for r in judged.referrals],
        cells=Cells(*parts),
    )

"""Turn raw rows into scored rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from creditrisk.champion.baseline import baseline_row
from creditrisk.champion.predict import default_pd
from creditrisk.eda.adjust import apply
from creditrisk.featurize import derive
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.parse import parse, separate_specials
from creditrisk.score.load_champion import Champion
from creditrisk.score.missing import MissingCells, find_missing, missing_texts
from creditrisk.score.reasons import Cells, contributions, reasons_text, value_formatter

COLUMNS = {
    "row_id": "int64",
    "pd": "float64",
    "score": "Int64",
    "decision": "str",
    "reasons": "str",
    "missing": "str",
    "problem": "str",
}

# Rows per call of `contributions`, which computes a few dozen PDs for each row.
REASON_BATCH = 2048


class Scored(NamedTuple):
    """A batch of scored rows.

    Attributes:
        rows: what `Scorer.score` describes.
        well_formed: number of rows that could be read.
        missing: the cells of these that count as missing.
    """

    rows: pd.DataFrame
    well_formed: int
    missing: MissingCells


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

    def cells(self, raw: pd.DataFrame) -> Cells:
        """Turn well-formed raw rows into features, in the same way as the stages."""
        description = self.champion.description
        parsed, causes = parse(raw, self.champion.schema, self.notation)
        parsed = separate_specials(parsed, self.champion.schema)
        model_input = self._features(apply(parsed, description.adjustments))
        # Only the reasons use the original values.
        original = self._features(parsed) if self.reasons else model_input
        return Cells(original, model_input, causes)

    def _features(self, parsed: pd.DataFrame) -> pd.DataFrame:
        rows = derive(parsed, self.champion.description.features["derived"])
        return rows[self.champion.columns]

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
            the input; `pd`, `score`, `decision` (`accept` or `reject`) and `reasons`, all
            empty if the row could not be read; `missing`, the cells that count as missing, each
            with its cause; `problem`, why the row could not be read.
        """
        formed = raw["malformed"].isna().to_numpy()
        cells = self.cells(raw[formed] if not formed.all() else raw)
        rows = cells.model_input
        pds = default_pd(self.champion.model, rows)
        refused = pds >= self.champion.description.threshold
        points = np.rint(self.champion.scale.points(pds)).astype("int64")
        reasons = self._reasons(cells, refused) if self.reasons else [None] * len(rows)
        missing = find_missing(cells.causes, self.champion.schema.variables)
        out = pd.DataFrame(
            {
                "pd": pds,
                "score": pd.array(points, dtype="Int64"),
                "decision": pd.array(np.array(["accept", "reject"], object)[refused.astype(int)],
                                     dtype="str"),
                "reasons": pd.array(reasons, dtype="str"),
                "missing": pd.array(missing_texts(missing, len(rows)), dtype="str"),
            },
            index=rows.index,
        )  # fmt: skip
        ids = {name: raw[source] for source, name in self.id_columns.items()}
        out = out.reindex(raw.index).assign(row_id=raw["row_id"], problem=raw["malformed"])
        columns = self.columns(raw)
        out = pd.concat([out, pd.DataFrame(ids, index=raw.index)], axis=1).astype(columns)
        return Scored(out[list(columns)], len(rows), missing)

    def _reasons(self, cells: Cells, refused: np.ndarray) -> list[str]:
        description, model = self.champion.description, self.champion.model
        describe = value_formatter(self.champion.schema, description.features["derived"])
        baseline = baseline_row(description.baseline, cells.model_input)
        texts: list[str] = []
        for start in range(0, len(refused), REASON_BATCH):
            here = slice(start, start + REASON_BATCH)
            found = contributions(model, cells.model_input.iloc[here], baseline)
            texts += reasons_text(
                found, cells[here], refused[here], description.threshold, describe, self.reasons
            )
        return texts

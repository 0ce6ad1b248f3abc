"""Turn raw rows into scored rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from creditrisk.champion.baseline import baseline_row
from creditrisk.champion.predict import default_pd
from creditrisk.eda.adjust import apply
from creditrisk.featurize import derive
from creditrisk.prepare.parse import Notation, parse
from creditrisk.schema import Schema
from creditrisk.score.load_champion import Champion
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
        model_input = self._features(apply(parsed, description.adjustments))
        # Only the reasons use the original values.
        original = self._features(parsed) if self.reasons else model_input
        return Cells(original, model_input, causes)

    def _features(self, parsed: pd.DataFrame) -> pd.DataFrame:
        rows = derive(parsed, self.champion.description.features["derived"])
        return rows[self.champion.columns]

    def score(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Score a batch.

        Args:
            raw: from `read_batches`.

        Returns:
            One row per raw row, in the same order. `row_id`; `pd`, `score`, `decision` (`accept` or
            `reject`) and `reasons`, all empty if the row could not be read; `missing`, the cells
            that count as missing, each with its cause; `problem`, why the row could not be read.
        """
        formed = raw["malformed"].isna().to_numpy()
        cells = self.cells(raw[formed] if not formed.all() else raw)
        rows = cells.model_input
        pds = default_pd(self.champion.model, rows)
        refused = pds >= self.champion.description.threshold
        points = np.rint(self.champion.scale.points(pds)).astype("int64")
        reasons = self._reasons(cells, refused) if self.reasons else [None] * len(rows)
        out = pd.DataFrame(
            {
                "row_id": raw.loc[rows.index, "row_id"],
                "pd": pds,
                "score": pd.array(points, dtype="Int64"),
                "decision": pd.array(np.array(["accept", "reject"], object)[refused.astype(int)],
                                     dtype="str"),
                "reasons": pd.array(reasons, dtype="str"),
                "missing": pd.array(_missing(cells.causes, self.champion.schema), dtype="str"),
            },
            index=rows.index,
        )  # fmt: skip
        out = out.reindex(raw.index).assign(row_id=raw["row_id"], problem=raw["malformed"])
        return out.astype(COLUMNS)[list(COLUMNS)]

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


def _missing(causes: pd.DataFrame, schema: Schema) -> list[str | None]:
    """List each row's missing cells, such as `purpose: out of domain; age: empty`."""
    texts: list[str | None] = [None] * len(causes)
    for name in schema.features:
        column = causes[name].to_numpy()
        for row in np.flatnonzero(~pd.isna(column)):
            cell = f"{name.replace('_', ' ')}: {column[row].replace('_', ' ')}"
            texts[row] = f"{texts[row]}; {cell}" if texts[row] else cell
    return texts

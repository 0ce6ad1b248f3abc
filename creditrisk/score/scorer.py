"""Raw rows to scored rows."""

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

# Rows whose reasons are found at once: each needs a few dozen PDs.
REASON_BATCH = 2048


@dataclass(frozen=True)
class Scorer:
    """All that turns raw rows into scored ones.

    Attributes:
        champion: the model with its description.
        notation: how numbers and missing values are written.
        reasons: at most so many are told of each row; 0 for none.
    """

    champion: Champion
    notation: Notation
    reasons: int = 0

    def cells(self, raw: pd.DataFrame) -> Cells:
        """Bring well-formed raw rows into the model's form, as the stages do."""
        description = self.champion.description
        read, causes = parse(raw, self.champion.schema, self.notation)
        counted = self._features(apply(read, description.adjustments))
        # The applicants' own values are for the reasons alone.
        return Cells(self._features(read) if self.reasons else counted, counted, causes)

    def _features(self, read: pd.DataFrame) -> pd.DataFrame:
        rows = derive(read, self.champion.description.features["derived"])
        return rows[self.champion.columns]

    def score(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Score a batch.

        Args:
            raw: from `read_batches`.

        Returns:
            One row a row, in order: `row_id`; `pd`, `score`, `decision` (`accept` or `reject`) and
            `reasons`, missing where the row could not be read; `missing`, the cells that count as
            missing, each with its cause; `problem`, why a row could not be read.
        """
        formed = raw["malformed"].isna().to_numpy()
        cells = self.cells(raw[formed] if not formed.all() else raw)
        rows = cells.model_input
        pds = default_pd(self.champion.model, rows)
        refused = pds >= self.champion.description.threshold
        points = np.rint(self.champion.scale.points(pds)).astype("int64")
        words = self._reasons(cells, refused) if self.reasons else []
        out = pd.DataFrame(
            {
                "row_id": raw.loc[rows.index, "row_id"],
                "pd": pds,
                "score": pd.array(points, dtype="Int64"),
                "decision": pd.array(np.array(["accept", "reject"], object)[refused.astype(int)],
                                     dtype="str"),
                "reasons": pd.array(words or [None] * len(rows), dtype="str"),
                "missing": pd.array(_missing(cells.causes, self.champion.schema), dtype="str"),
            },
            index=rows.index,
        )  # fmt: skip
        out = out.reindex(raw.index).assign(row_id=raw["row_id"], problem=raw["malformed"])
        return out.astype(COLUMNS)[list(COLUMNS)]

    def _reasons(self, cells: Cells, refused: np.ndarray) -> list[str]:
        description, model = self.champion.description, self.champion.model
        describe = value_formatter(self.champion.schema, description.features["derived"])
        typical = baseline_row(description.baseline, cells.model_input)
        words: list[str] = []
        for start in range(0, len(refused), REASON_BATCH):
            here = slice(start, start + REASON_BATCH)
            found = contributions(model, cells.model_input.iloc[here], typical)
            words += reasons_text(
                found, cells[here], refused[here], description.threshold, describe, self.reasons
            )
        return words


def _missing(causes: pd.DataFrame, schema: Schema) -> list[str | None]:
    """Word each row's missing cells: `purpose: out of domain; age: empty`."""
    words: list[str | None] = [None] * len(causes)
    for name in schema.features:
        why = causes[name].to_numpy()
        for place in np.flatnonzero(~pd.isna(why)):
            one = f"{name.replace('_', ' ')}: {why[place].replace('_', ' ')}"
            words[place] = f"{words[place]}; {one}" if words[place] else one
    return words

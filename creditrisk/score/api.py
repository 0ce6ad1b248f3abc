"""The champion for people who work in Python: load it, score, explain (docs/python.md).

Example:
    champion = creditrisk.load_champion("path/of/the/project")
    champion.score(frame)
    champion.explain(frame.iloc[0])
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pandas import DataFrame

from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.scorecard import linear
from creditrisk.core.errors import InputError
from creditrisk.core.params import Strict, read_params
from creditrisk.ingest.params import DataParams
from creditrisk.prepare.cells import Notation
from creditrisk.schema import Schema
from creditrisk.score.applicants import Names, python_text, texts_of
from creditrisk.score.load_champion import Champion
from creditrisk.score.load_champion import load_champion as load_files
from creditrisk.score.scorer import Scorer
from creditrisk.score.what_if import WhatIf

MODEL, DESCRIPTION = Path("models/champion.joblib"), Path("models/champion.json")
LOCK = Path("dvc.lock")


class ScoreParams(Strict):
    """The parameters that reading applicants takes from params.yaml."""

    data: DataParams
    null_words: list[str]


@dataclass(frozen=True)
class Explanation:
    """Why an applicant has a PD.

    Attributes:
        pd: the PD.
        score: points.
        decision: `accept`, `reject` or `refer`.
        base_pd: PD of the baseline applicant, whom the applicant is compared with.
        contributions: a line per variable, the largest contribution first: `variable`, `code` (its
            reason code), `value` and `counted` (what the applicant gave and what the model got, in
            words) and `log_odds`, which add up to the difference of the two log-odds; for a linear
            model also `points`, which add up to the difference of the points.
        reasons: the main reasons as text.
        what_if: the smallest changes that lead to acceptance, by this model and all else equal,
            each as `{"changes": [{"variable", "from", "to", "cell"}, ...], "pd": PD}`: the values
            in words, and the new one as a cell of the source file. Empty if the applicant is
            accepted, or if no change of what can be changed (`mutable` in the schema) is enough.
    """

    pd: float
    score: int
    decision: str
    base_pd: float
    contributions: DataFrame
    reasons: str
    what_if: list[dict[str, Any]]


class ChampionModel:
    """The champion of a project.

    Args:
        champion: the model with its description.
        data: how numbers are written in texts.
        null_words: words that mean a missing value.
    """

    def __init__(self, champion: Champion, data: DataParams, null_words: list[str]):
        self.champion, self.data = champion, data
        self.scorer = Scorer(champion, Notation.of(data.decimal, data.thousands, null_words), 4)

    @property
    def schema(self) -> Schema:
        """The schema that the model was trained with: its columns, their kinds and values."""
        return self.champion.schema

    @property
    def threshold(self) -> float:
        """The cut-off; applicants are refused if their PD reaches it."""
        return self.champion.description.threshold

    @property
    def scale(self) -> ScorecardParams:
        """The scale of the points."""
        return self.champion.scale

    @cached_property
    def _names(self) -> Names:
        return Names(self.schema)

    @cached_property
    def _what_if(self) -> WhatIf:
        return WhatIf(self.scorer)

    def _raw(self, applicants: Any) -> pd.DataFrame:
        """Turn applicants into raw rows, as a file would have them."""
        index = None
        if isinstance(applicants, pd.Series):
            applicants = applicants.to_frame().T
        if isinstance(applicants, pd.DataFrame):
            known = {*self.schema.columns, *(c.name for c in self.schema.columns.values())}
            index = applicants.index
            # A frame may have more columns, such as the outcome, as a file may.
            applicants = applicants[[name for name in applicants if name in known]]
            rows = applicants.astype(object).to_dict("records")
        else:
            rows = [applicants] if isinstance(applicants, Mapping) else list(applicants)
        texts, fault = texts_of(rows, self._names, python_text(self.data.decimal))
        if fault is not None:
            row, error = fault
            raise InputError(
                "applicants", f"row {row + 1}, {error.name}", error.problem, error.hint, True
            )
        columns = {name: pd.Series(values, dtype="str") for name, values in texts.items()}
        frame = pd.DataFrame(columns, index=range(len(rows)))
        frame.insert(0, "malformed", pd.Series([None] * len(rows), dtype="str"))
        frame.insert(0, "row_id", range(1, len(rows) + 1))
        return frame.set_axis(index, axis=0) if index is not None else frame

    def score(
        self,
        applicants: pd.DataFrame | Mapping[str, Any] | Iterable[Mapping[str, Any]],
        reasons: bool = False,
    ) -> pd.DataFrame:
        """Score applicants.

        Args:
            applicants: a frame, or a mapping per applicant; under the names of the source file or
                under those of the schema. A cell is a text as in the file, a number, a date, or
                missing. A column that is left out is missing for all.
            reasons: whether to find the reasons, which takes longer.

        Returns:
            A frame with the index of the input: `pd`, `score`, `decision`, `reasons`, `missing` and
            `problem`, as `commands.score` writes them.

        Raises:
            InputError: a name is unknown or stands twice, or a cell holds no text and no number.
        """
        scorer = self.scorer if reasons else Scorer(self.champion, self.scorer.notation, 0)
        return scorer.score(self._raw(applicants)).rows.drop(columns="row_id")

    def explain(
        self, applicant: Mapping[str, Any] | pd.Series | pd.DataFrame, what_if: int = 3
    ) -> Explanation:
        """Explain the PD of one applicant, and what would change the decision.

        Args:
            applicant: as for `score`.
            what_if: number of alternatives at most; 0 for none, which is faster.

        Raises:
            InputError: as for `score`; or it is not one applicant, or no cell can be read.
        """
        raw = self._raw(applicant)
        if len(raw) != 1:
            hint = "Give one row: a mapping, or frame.iloc[[0]]."
            raise InputError("applicant", "rows", f"{len(raw)} rows", hint)
        judged = self.scorer.judge(raw)
        if not judged.readable[0]:
            raise InputError("applicant", "cells", "none can be read", "Look at the names.")
        explained = self.scorer.explain(judged)
        every = self.scorer.contribution_lines(judged, explained.found)
        lines = pd.DataFrame(every).sort_values(
            "log_odds", key=abs, ascending=False, kind="stable", ignore_index=True
        )
        if linear(self.champion.model) is not None:
            lines["points"] = -self.scale.factor * lines["log_odds"]
        return Explanation(
            pd=float(judged.pd[0]),
            score=int(judged.points[0]),
            decision=str(judged.decisions[0]),
            base_pd=explained.found.base_pd,
            contributions=lines,
            reasons=explained.texts[0],
            what_if=[one.to_json() for one in self._what_if.find(judged, what_if)[0]],
        )


def load_champion(folder: str | Path = ".") -> ChampionModel:
    """Load the champion of a project, if its files are those that dvc.lock records.

    Args:
        folder: the project, in which `dvc repro` or `dvc pull` has been run.

    Raises:
        InputError: a file is missing, not recorded, or different from the recorded one; or a
            library has another version than the one that the model was made with.
    """
    folder = Path(folder)
    params = read_params(folder / "params.yaml", ScoreParams, null_words="prepare.null_words")
    champion = load_files(MODEL, DESCRIPTION, LOCK, folder)
    return ChampionModel(champion, params.data, params.null_words)

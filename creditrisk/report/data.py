"""The data of the report."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from creditrisk.champion.description import ChampionDescription
from creditrisk.metrics.costs import DecisionParams
from creditrisk.report.words import Words, load_words
from creditrisk.schema import Schema

ENGLISH = load_words()


@dataclass(frozen=True)
class ReportData:
    """The results of the stages.

    Attributes:
        metrics: the content of metrics/evaluate.json.
        selected: the content of metrics/select.json.
        prepared: the content of metrics/prepare.json.
        ingested: the content of metrics/ingest.json.
        champion: the description of the champion.
        board: the leaderboard.
        curves: the frames that are also written as CSV, by the name of the file: `roc`, `pr`,
            `calibration`, `confusion`, `scores`, `cost`, `importance`, `stability`, `fairness`,
            `fairness_cutoffs` and those of the sections for the validator.
        decision: the costs of the two errors, and how the cut-off is chosen.
        points: the table of points of the best scorecard; None or empty if there is none.
        warning: the warning of target leakage, if there is one.
        words: the texts of the language that the report is written in.
    """

    metrics: dict[str, Any]
    selected: dict[str, Any]
    prepared: dict[str, Any]
    ingested: dict[str, Any]
    champion: ChampionDescription
    board: pd.DataFrame
    curves: dict[str, pd.DataFrame]
    decision: DecisionParams
    points: pd.DataFrame = field(default_factory=pd.DataFrame)
    warning: str | None = None
    words: Words = field(default_factory=load_words)

    def __post_init__(self) -> None:
        """Name our own models in the language; another label stays as it is."""
        if self.words.language == ENGLISH.language or self.board.empty:
            return

        def named(name: str, label: str) -> str:
            key = f"models.{name}"
            return self.words.texts[key] if ENGLISH.texts.get(key) == label else label

        known = zip(self.board["algorithm"], self.board["label"], strict=True)
        board = self.board.assign(label=[named(name, label) for name, label in known])
        label = named(self.champion.algorithm, self.champion.label)
        object.__setattr__(self, "board", board)
        object.__setattr__(self, "champion", self.champion.model_copy(update={"label": label}))

    @property
    def schema(self) -> Schema:
        """The schema that the champion was trained with."""
        return self.champion.schema_contract

    @property
    def labels(self) -> dict[str, str]:
        """Algorithm to its name in words."""
        return dict(zip(self.board["algorithm"], self.board["label"], strict=True))

    @property
    def unit(self) -> str:
        """The unit of the costs: that of the amount column, empty for a cost matrix."""
        column = self.schema.features.get(self.decision.amount_column or "")
        return ", ".join(column.unit) if column else ""

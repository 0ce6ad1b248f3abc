"""What the report is made of."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from creditrisk.champion.description import ChampionDescription
from creditrisk.metrics.costs import DecisionParams
from creditrisk.schema import Schema


@dataclass(frozen=True)
class ReportData:
    """The results of the stages.

    Attributes:
        metrics: the content of metrics/evaluate.json.
        selected, prepared, ingested: that of metrics/select.json, prepare.json and ingest.json.
        champion: the champion's description.
        board: the leaderboard.
        curves: `roc`, `pr`, `calibration`, `confusion`, `scores`, `cost`, `importance` and
            `fairness`, the frames that are written as CSV.
        decision: the costs.
        points: the table of points of the best scorecard; without rows where there is none.
        warning: what looks like a leak, if anything does.
    """

    metrics: dict[str, Any]
    selected: dict[str, Any]
    prepared: dict[str, Any]
    ingested: dict[str, Any]
    champion: ChampionDescription
    board: pd.DataFrame
    curves: dict[str, pd.DataFrame]
    decision: DecisionParams
    points: pd.DataFrame | None = None
    warning: str | None = None

    @property
    def schema(self) -> Schema:
        """The columns' contract, as the champion carries it."""
        return self.champion.schema_contract

    @property
    def labels(self) -> dict[str, str]:
        """The candidates' names in words."""
        return dict(zip(self.board["algorithm"], self.board["label"], strict=True))

    @property
    def unit(self) -> str:
        """The unit of a cost: that of the amounts, none for a cost matrix."""
        column = self.schema.features.get(self.decision.amount_column or "")
        return ", ".join(column.unit) if column else ""

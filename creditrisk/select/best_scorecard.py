"""The table of points of the best scorecard, whether it is the champion or not, and its card."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from creditrisk.champion.card.make import make_card
from creditrisk.champion.card.model import Card
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.scorecard import COLUMNS, is_binned, linear, scorecard
from creditrisk.modeling.persistence import load_model
from creditrisk.schema import Schema
from creditrisk.select.contenders import Contender


@dataclass(frozen=True)
class BestScorecard:
    """The best scorecard among the trained models.

    Attributes:
        points: `algorithm`, then the columns of `scorecard`; no rows if there is none.
        card: the same as a card, with the cut-off of this model; None if there is none.
    """

    points: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["algorithm", *COLUMNS])
    )
    card: Card | None = None


def best_scorecard(
    board: pd.DataFrame,
    contenders: Mapping[str, Contender],
    frame: pd.DataFrame,
    features: dict[str, Any],
    schema: Schema,
    scale: ScorecardParams,
    adjustments: Mapping[str, Any],
) -> BestScorecard:
    """Write the best contender that has bins as a table of points.

    There is none if no contender has bins and is linear in the log-odds: bins are possible in any
    model, and with isotonic calibration.

    Args:
        board: the leaderboard, best first.
        contenders: name to contender.
        frame: the training rows: `bad` and the features.
        features: the content of features.json.
        schema: has the labels of the levels.
        scale: the scale of the points.
        adjustments: the caps and the merged levels, from adjustments.json.

    Raises:
        InputError: the model file is not the one that train wrote, so it is not loaded.
    """
    for name in board["algorithm"]:
        contender = contenders[name]
        if not is_binned(contender.summary["best_params"]):
            continue
        model = load_model(contender.model_file, contender.model_sha256)
        if linear(model) is not None:
            points = scorecard(model, frame, features, schema, scale, adjustments["merges"])
            card = make_card(
                points, frame, features, schema, scale, adjustments,
                threshold=contender.cv.threshold, algorithm=name,
            )  # fmt: skip
            points.insert(0, "algorithm", name)
            return BestScorecard(points, card)
    return BestScorecard()

"""The table of points of the best scorecard, whether it is the champion or not."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.scorecard import COLUMNS, is_binned, scorecard
from creditrisk.modeling.persistence import load_model
from creditrisk.schema import Schema
from creditrisk.select.contenders import Contender


def best_scorecard(
    board: pd.DataFrame,
    contenders: Mapping[str, Contender],
    frame: pd.DataFrame,
    features: dict[str, Any],
    schema: Schema,
    scale: ScorecardParams,
    merges: Mapping[str, dict[str, Any]],
) -> pd.DataFrame:
    """Write the best contender that has bins as a table of points.

    Args:
        board: the leaderboard, best first.
        contenders: name to contender.
        frame: the training rows: `bad` and the features.
        features: the content of features.json.
        schema: has the labels of the levels.
        scale: the scale of the points.
        merges: the merged levels, from adjustments.json.

    Returns:
        `algorithm`, then the columns of `scorecard`; no rows if no contender has bins.

    Raises:
        InputError: the model file is not the one that train wrote, so it is not loaded.
    """
    binned = [n for n in board["algorithm"] if is_binned(contenders[n].summary["best_params"])]
    if not binned:
        return pd.DataFrame(columns=["algorithm", *COLUMNS])
    best = contenders[binned[0]]
    model = load_model(best.model_file, best.model_sha256)
    points = scorecard(model, frame, features, schema, scale, merges)
    points.insert(0, "algorithm", best.name)
    return points

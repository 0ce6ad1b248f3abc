"""The table of points of the best scorecard, whether it is the champion or not."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.scorecard import COLUMNS, is_binned, linear, scorecard
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
        `algorithm`, then the columns of `scorecard`; no rows if no contender has bins and is
        linear in the log-odds: bins are possible in any model, and with isotonic calibration.

    Raises:
        InputError: the model file is not the one that train wrote, so it is not loaded.
    """
    for name in board["algorithm"]:
        contender = contenders[name]
        if not is_binned(contender.summary["best_params"]):
            continue
        model = load_model(contender.model_file, contender.model_sha256)
        if linear(model) is not None:
            points = scorecard(model, frame, features, schema, scale, merges)
            points.insert(0, "algorithm", name)
            return points
    return pd.DataFrame(columns=["algorithm", *COLUMNS])

"""The outcome of a search: the message for the user, and the values for params.yaml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from creditrisk.core.errors import InputError
from creditrisk.metrics.intervals import fold_error
from creditrisk.workflow.tune.space import Space

Candidate = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a search.

    Attributes:
        current: the best combination that is now in params.yaml.
        current_scores: its score in each fold.
        best: the best candidate of all; the current one if none is better.
        best_scores: its score in each fold.
        trials: number of finished trials, in all calls together.
        failed: number of trials that could not be fitted.
    """

    current: Candidate
    current_scores: list[float]
    best: Candidate
    best_scores: list[float]
    trials: int
    failed: int

    @property
    def gain(self) -> float:
        """Difference between the mean scores of the best candidate and the current one."""
        return float(np.mean(self.best_scores) - np.mean(self.current_scores))

    def verdict(self, scoring: str, folds: int) -> str:
        """Describe the gain, and whether the paired differences over the folds support it.

        Args:
            scoring: name of the score.
            folds: number of folds per repeat.
        """
        done = f"{self.trials} trials" + (f", {self.failed} of them failed" if self.failed else "")
        if self.gain <= 0:
            return f"{done}: none is better than the values now in params.yaml"
        se = fold_error(np.subtract(self.best_scores, self.current_scores), folds)
        is_clear = self.gain > 2 * se
        luck = "more than luck" if is_clear else "may be luck, as less than two standard errors"
        return (
            f"{done}: mean CV {scoring} {np.mean(self.best_scores):.4f}, {self.gain:.4f} more than "
            f"with the values now in params.yaml (SE {se:.4f}), {luck}"
        )


def fixed_values(
    algo: str, block: dict[str, Any], candidate: Candidate, space: Space, path: str | Path
) -> Candidate:
    """Get the values of a candidate that are not searched.

    Args:
        algo: the algorithm.
        block: its block in params.yaml.
        candidate: any candidate of the block's grid.
        space: the search space.
        path: the file with the ranges.

    Raises:
        InputError: params.yaml has several values for a parameter that has no range.
    """
    for key, value in block.items():
        if isinstance(value, list) and len(value) > 1 and key not in space:
            problem = f"params.yaml searches {value}, but there is no range for a finer search"
            hint = f"Add a range, or set a single value for {key} in params.yaml."
            raise InputError(path, f"{algo}.{key}", problem, hint)
    return {key: value for key, value in candidate.items() if key not in space}


def changes(best: Candidate, block: dict[str, Any], space: Space) -> dict[str, Any]:
    """List the values in a block that the best candidate changes.

    A value that is a list is written as a list of one list, as everywhere in params.yaml.

    Args:
        best: the best candidate.
        block: the algorithm's block in params.yaml.
        space: the search space.

    Returns:
        Parameter to new value.
    """
    new = {k: [v] if isinstance(v, list) else v for k, v in best.items() if k in {*block, *space}}
    return {k: v for k, v in new.items() if k not in block or block[k] not in (v, [best[k]])}

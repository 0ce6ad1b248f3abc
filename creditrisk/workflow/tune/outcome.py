"""What a search came to: the lines for a person, and the values for params.yaml."""

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
    """What a search came to.

    Attributes:
        present, present_scores: the best combination of params.yaml, and its score in each fold.
        best, best_scores: the best of all, which is the present one where none is better.
        trials: finished, in all calls together.
        failed: of those, how many could not be fitted.
    """

    present: Candidate
    present_scores: list[float]
    best: Candidate
    best_scores: list[float]
    trials: int
    failed: int

    @property
    def gain(self) -> float:
        """By how much the best mean score exceeds the present one."""
        return float(np.mean(self.best_scores) - np.mean(self.present_scores))

    def verdict(self, scoring: str, folds: int) -> str:
        """Say what the gain is worth, by its paired differences over the same folds.

        Args:
            scoring: the score's name.
            folds: in a repeat.
        """
        done = f"{self.trials} trials" + (f", {self.failed} of them failed" if self.failed else "")
        if self.gain <= 0:
            return f"{done}: none is better than the values now in params.yaml"
        se = fold_error(np.subtract(self.best_scores, self.present_scores), folds)
        surely = self.gain > 2 * se
        luck = "more than luck" if surely else "within luck, as less than two standard errors"
        return (
            f"{done}: mean CV {scoring} {np.mean(self.best_scores):.4f}, by {self.gain:.4f} more "
            f"than with the values now in params.yaml (SE {se:.4f}), {luck}"
        )


def fixed_values(
    algo: str, block: dict[str, Any], candidate: Candidate, space: Space, path: str | Path
) -> Candidate:
    """Take from a candidate what is not searched.

    Args:
        algo, block: the algorithm and its block of params.yaml.
        candidate: any of those that the block spans.
        space: what is searched.
        path: the file of the ranges.

    Raises:
        InputError: params.yaml searches what has no range.
    """
    for key, value in block.items():
        if isinstance(value, list) and len(value) > 1 and key not in space:
            problem = f"params.yaml searches {value}, and there is no range to search it finer"
            hint = f"Give it one, or give params.yaml a single value for {key}."
            raise InputError(path, f"{algo}.{key}", problem, hint)
    return {key: value for key, value in candidate.items() if key not in space}


def changes(best: Candidate, block: dict[str, Any], space: Space) -> dict[str, Any]:
    """List the values of a block that the best candidate changes.

    A value that is a list goes into a list of one, as everywhere in params.yaml.
    """
    wanted = {
        k: [v] if isinstance(v, list) else v for k, v in best.items() if k in {*block, *space}
    }
    return {k: v for k, v in wanted.items() if k not in block or block[k] not in (v, [best[k]])}

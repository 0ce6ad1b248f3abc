"""Cross-validation folds: stratified, repeated, seeded; all rows of an applicant in one fold."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from creditrisk.core.errors import InputError


@dataclass(frozen=True)
class Fold:
    """One fold: positions of its training and its test rows."""

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray


def make_folds(
    bad: np.ndarray,
    applicant: np.ndarray,
    folds: int,
    repeats: int,
    seed: int,
    location: str = "train.folds",
) -> list[Fold]:
    """Split the rows into folds, the same ones for every algorithm.

    Args:
        bad: outcome, shape (n,).
        applicant: number of each row's applicant, shape (n,).
        folds: number of folds per repeat.
        repeats: number of repeats, each shuffled differently.
        seed: random seed of the first repeat; each further repeat adds one.
        location: the parameter with the number of folds, for errors.

    Returns:
        The folds, repeat by repeat.

    Raises:
        InputError: a class has fewer applicants than there are folds, or is absent from a fold.
    """
    bad, applicant = np.asarray(bad), np.asarray(applicant)
    for outcome, name in ((1, "bad"), (0, "good")):
        count = len(np.unique(applicant[bad == outcome]))
        if count < folds:
            problem = f"{folds} folds, but only {count} training applicants of the class {name}"
            hint = "Use more data or fewer folds."
            raise InputError("params.yaml", location, problem, hint)
    grouped = len(np.unique(applicant)) < len(applicant)
    kind, groups = (StratifiedGroupKFold, applicant) if grouped else (StratifiedKFold, None)
    made = []
    for repeat in range(repeats):
        splitter = kind(folds, shuffle=True, random_state=seed + repeat)
        for fold, (train, test) in enumerate(splitter.split(bad, bad, groups)):
            if len(np.unique(bad[test])) < 2 or len(np.unique(bad[train])) < 2:
                problem = f"fold {fold} of repeat {repeat} has only one class"
                hint = "Use more data or fewer folds."
                raise InputError("params.yaml", location, problem, hint)
            made.append(Fold(repeat, fold, train, test))
    return made

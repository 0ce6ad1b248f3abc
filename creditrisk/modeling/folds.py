"""Folds: stratified, repeated, seeded; the rows of one applicant stay together."""

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
    """Cut the rows into folds, the same ones for every algorithm.

    Args:
        bad: outcome, shape (n,).
        applicant: rows with the same number are one applicant, shape (n,).
        folds, repeats, seed: how many, how often, and what the shuffling hangs on.
        where: the parameter that says how many, for the error.

    Raises:
        InputError: a class has fewer applicants than there are folds.
    """
    bad, applicant = np.asarray(bad), np.asarray(applicant)
    for outcome, word in ((1, "bad"), (0, "good")):
        count = len(np.unique(applicant[bad == outcome]))
        if count < folds:
            problem = f"{folds} folds and {count} training applicants of the class {word}"
            hint = "Give more data or fewer folds."
            raise InputError("params.yaml", location, problem, hint)
    grouped = len(np.unique(applicant)) < len(applicant)
    cutter, group = (StratifiedGroupKFold, applicant) if grouped else (StratifiedKFold, None)
    cut = []
    for repeat in range(repeats):
        splitter = cutter(folds, shuffle=True, random_state=seed + repeat)
        for fold, (train, test) in enumerate(splitter.split(bad, bad, group)):
            if len(np.unique(bad[test])) < 2 or len(np.unique(bad[train])) < 2:
                problem = f"fold {fold} of repeat {repeat} has one class only"
                hint = "Give more data or fewer folds."
                raise InputError("params.yaml", location, problem, hint)
            cut.append(Fold(repeat, fold, train, test))
    return cut

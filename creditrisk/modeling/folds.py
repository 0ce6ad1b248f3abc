"""Cross-validation folds, at random or by time; all rows of an applicant are in one fold."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
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

    All rows of an applicant are in one fold, and each fold has about the same share of bad rows.

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
    made = []
    for repeat in range(repeats):
        if grouped:
            number = _deal_applicants(bad, applicant, folds, seed + repeat)
            parts = [
                (np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(folds)
            ]
        else:
            splitter = StratifiedKFold(folds, shuffle=True, random_state=seed + repeat)
            parts = splitter.split(bad, bad)
        for fold, (train, test) in enumerate(parts):
            if len(np.unique(bad[test])) < 2 or len(np.unique(bad[train])) < 2:
                problem = f"fold {fold} of repeat {repeat} has only one class"
                hint = "Use more data or fewer folds."
                raise InputError("params.yaml", location, problem, hint)
            made.append(Fold(repeat, fold, train, test))
    return made


def _deal_applicants(bad: np.ndarray, applicant: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Give each row the number of its fold; shape (n,), integers.

    `StratifiedGroupKFold` places one applicant after the other, in some 0.1 ms: minutes for a
    million. So applicants who are alike (as many good and as many bad rows) are dealt in turn, as
    often as each fold gets the same, and it places the rest around the applicants of rare kinds: of
    each kind so many that they make up for the largest applicant. Of few rows that is all of them.
    """
    of_row = np.unique(applicant, return_inverse=True)[1]
    rows = np.column_stack(
        [np.bincount(of_row, weights=bad == outcome).astype(int) for outcome in (0, 1)]
    )
    kind, members = np.unique(rows, axis=0, return_inverse=True, return_counts=True)[1:]
    order = np.random.default_rng(seed).permutation(len(rows))
    order = order[np.argsort(kind[order], kind="stable")]  # by chance within each kind
    turn = np.arange(len(order)) - np.repeat(np.cumsum(members) - members, members)
    dealt = turn < (np.maximum(members // folds - rows.sum(axis=1).max(), 0) * folds)[kind[order]]
    fold_of = np.empty(len(rows), dtype=int)
    fold_of[order[dealt]] = turn[dealt] % folds
    left = np.flatnonzero(np.isin(of_row, order[~dealt]))
    placing = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, test) in enumerate(placing.split(left, bad[left], applicant[left])):
        fold_of[of_row[left[test]]] = fold
    return fold_of[of_row]


def make_time_folds(
    bad: np.ndarray,
    applicant: np.ndarray,
    dates: pd.Series,
    folds: int,
    location: str = "train.folds",
) -> list[Fold]:
    """Split the rows into expanding windows: each fold is tested on what comes after its training.

    The applicants are cut into `folds` + 1 periods of about the same number, by the date of each
    one's latest row; those of one date are in one period. Fold k is trained on the first k + 1
    periods and tested on the next, so the rows of the first period are never tested.

    Args:
        bad: outcome, shape (n,).
        applicant: number of each row's applicant, shape (n,).
        dates: application dates, datetime64, shape (n,); a missing one counts as the earliest.
        folds: number of folds.
        location: the parameter with the number of folds, for errors.

    Returns:
        The folds, all of repeat 0.

    Raises:
        InputError: there are too few dates, or a part of a fold has only one class.
    """
    rows = pd.DataFrame({"applicant": applicant, "date": dates.to_numpy()})
    latest = rows.groupby("applicant")["date"].transform("max").to_numpy()
    days, day = np.unique(latest, return_inverse=True)  # a missing date sorts last
    day = np.where(np.isnat(latest), 0, day)
    first = np.unique(applicant, return_index=True)[1]
    counts = np.bincount(day[first], minlength=len(days))
    before = np.cumsum(counts) - counts / 2  # applicants up to the middle of each date
    period = np.minimum((before * (folds + 1) / counts.sum()).astype(int), folds)[day]
    made = []
    for fold in range(folds):
        train, test = np.flatnonzero(period <= fold), np.flatnonzero(period == fold + 1)
        if any(len(np.unique(bad[part])) < 2 for part in (train, test)):
            problem = f"fold {fold} by time has only one class, or no rows, in one of its parts"
            hint = "Use fewer folds, or set train.folds_by to random."
            raise InputError("params.yaml", location, problem, hint)
        made.append(Fold(0, fold, train, test))
    return made

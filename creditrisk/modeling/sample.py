"""The rows that a search works on, where there are more than it needs."""

from typing import Any

import numpy as np
import pandas as pd


def search_sample(frame: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Draw a stratified sample of whole applicants, in the order of the frame.

    An applicant counts as bad if any of its rows is.

    Args:
        frame: the training rows: `applicant`, `bad`; n rows.
        rows: number of rows wanted.
        seed: random seed.

    Returns:
        About `rows` rows, at most; the whole frame if it has no more.
    """
    if len(frame) <= rows:
        return frame
    by_applicant = frame.groupby("applicant", sort=True)["bad"].agg(["size", "max"])
    order = by_applicant.iloc[np.random.default_rng(seed).permutation(len(by_applicant))]
    kept: list[Any] = []
    for _, applicants in order.groupby("max"):
        kept += _fitting(applicants["size"], rows / len(frame) * applicants["size"].sum())
    return frame[frame["applicant"].isin(set(kept))].reset_index(drop=True)


def _fitting(sizes: pd.Series, room: float) -> list[Any]:
    """Take applicants in order, as far as their rows fit; one with too many is passed over.

    Args:
        sizes: rows of each applicant.
        room: number of rows for all together.

    Returns:
        Their names; that of the smallest one if none fits.
    """
    taken, left = [], room
    for name, size in sizes.items():
        if size <= left:
            taken.append(name)
            left -= size
    return taken or [sizes.idxmin()]

"""The rows that a search works on, where there are more than it needs."""

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
    # Of each class, the first applicants of the shuffled list, by their share of the rows.
    share = rows / len(frame)
    taken = order.groupby("max")["size"].cumsum() <= share * order.groupby("max")["size"].transform(
        "sum"
    )
    kept = set(order.index[taken])
    return frame[frame["applicant"].isin(kept)].reset_index(drop=True)

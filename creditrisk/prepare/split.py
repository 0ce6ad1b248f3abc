"""The split into train and test: stratified, seeded, by applicant, whatever the rows' order."""

import hashlib

import numpy as np
import pandas as pd

from creditrisk.core.errors import InputError


def draw(content: pd.DataFrame, seed: int) -> np.ndarray:
    """Draw a number in [0, 1) for each row that hangs on the seed and its content alone.

    Args:
        content: shape (n, d).

    Returns:
        Float64, shape (n,).
    """
    text = [content[name].astype("object").where(content[name].notna(), "") for name in content]
    key = str(seed).encode()
    drawn = [
        int.from_bytes(
            hashlib.blake2b("\x1f".join(map(str, row)).encode(), digest_size=8, key=key).digest()
        )
        for row in zip(*text, strict=True)
    ]
    return np.array(drawn, dtype="float64") / 2.0**64


def split(
    content: pd.DataFrame,
    group: np.ndarray,
    bad: np.ndarray,
    test_size: float,
    seed: int,
    source: str = "data.source",
    left_out: int = 0,
) -> np.ndarray:
    """Assign `train` or `test`.

    Of the applicants with a bad row, and of the others, the share `test_size` with the lowest draws
    is tested. So the same rows in another order, or spread over other lines, fall the same way.

    Args:
        content: what the draw hangs on, shape (n, d).
        group: the applicant of each row, shape (n,).
        bad: 0 or 1, shape (n,).
        test_size: share of the applicants of each class.
        seed: what the draw hangs on.
        source: names the rows' file in an error.
        left_out: rows that other rows stand for, to be named in an error.

    Returns:
        Text, shape (n,).

    Raises:
        InputError: a class has fewer than two applicants.
    """
    rows = pd.DataFrame({"group": group, "bad": bad, "draw": draw(content, seed)})
    applicants = rows.groupby("group").agg(bad=("bad", "max"), draw=("draw", "min"))
    tested: list[int] = []
    for outcome, word in ((1, "bad"), (0, "good")):
        drawn = applicants.loc[applicants["bad"] == outcome, "draw"].sort_values()
        if len(drawn) < 2:
            problem = f"{len(drawn)} applicants of the class {word}"
            hint = "Both classes need at least two; check target.good and target.bad."
            merged = left_out + len(rows) - len(applicants)
            if merged >= len(applicants):
                problem += f" ({merged} rows count as copies of the {len(applicants)} applicants)"
                hint = "Name an id column in the schema, or see prepare.near_duplicate_min_cells."
            raise InputError(source, "target", problem, hint)
        count = min(max(1, round(test_size * len(drawn))), len(drawn) - 1)
        tested.extend(drawn.index[:count])
    return np.where(np.isin(group, tested), "test", "train")

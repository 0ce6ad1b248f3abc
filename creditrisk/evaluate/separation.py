"""How well the PDs separate the good from the bad: the KS and CAP curves, and gains by decile."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from creditrisk.evaluate.proportions import rate
from creditrisk.metrics.costs import Sample

POINTS = 400  # of a curve, about; more PDs are thinned out
DECILES = 10


def ks_points(bad: np.ndarray, pd_: np.ndarray, points: int = POINTS) -> pd.DataFrame:
    """Compute the distribution functions of the PDs of the good and of the bad.

    Args:
        bad: outcome, shape (n,), both classes present.
        pd_: PDs, shape (n,).
        points: number of rows, about.

    Returns:
        `pd`, ascending; `good`, `bad`: the share of each outcome with this PD or a lower one;
        `distance`, good minus bad; `ks`, True at the one row with the greatest distance, which is
        the Kolmogorov-Smirnov statistic.
    """
    distinct, good, bads = _cumulative(bad, pd_)
    distance = good - bads
    furthest = int(np.argmax(np.abs(distance)))
    kept = _thinned(len(distinct), points, furthest)
    frame = pd.DataFrame({"pd": distinct, "good": good, "bad": bads, "distance": distance})
    return frame.assign(ks=np.arange(len(distinct)) == furthest).iloc[kept].reset_index(drop=True)


def cap_points(bad: np.ndarray, pd_: np.ndarray, points: int = POINTS) -> pd.DataFrame:
    """Compute the cumulative accuracy profile (Sobehart, Keenan and Stein 2000).

    Twice the area between the model's curve and the random one, over the same of the perfect one,
    is the accuracy ratio, which equals the Gini coefficient of the ROC curve (Engelmann, Hayden and
    Tasche 2003, "Testing Rating Accuracy").

    Args:
        bad: outcome, shape (n,), both classes present.
        pd_: PDs, shape (n,).
        points: number of rows, about.

    Returns:
        `share` of the applicants, from the riskiest on, from 0 to 1; then the share of all bad that
        is among them: `model`, `random`, and `perfect`, if the bad had the highest PDs.
    """
    bad = np.asarray(bad)
    distinct, place = np.unique(-pd_, return_inverse=True)
    rows = np.concatenate([[0], np.cumsum(np.bincount(place))]) / len(bad)
    found = np.concatenate([[0], np.cumsum(np.bincount(place, weights=bad))]) / bad.sum()
    kept = _thinned(len(distinct) + 1, points)
    # The perfect curve bends where the bad end, so that point is one of the curve's.
    share = np.union1d(rows[kept], [bad.mean()])
    return pd.DataFrame(
        {
            "share": share,
            "model": np.interp(share, rows, found),
            "random": share,
            "perfect": np.minimum(share / bad.mean(), 1.0),
        }
    )


def gains_table(samples: Mapping[str, Sample]) -> pd.DataFrame:
    """Count the bad by decile of the PD, the riskiest first.

    Args:
        samples: name of the rows (`out_of_fold`, `test`) to outcomes and PDs.

    Returns:
        One row per sample and decile: `sample`; `decile`, 1 for the highest PDs; `rows`, `bad`,
        `bad_rate`, `mean_pd`; `cumulative_bad`, the share of all bad in this decile and those
        before it; `lift`, the bad rate over that of all rows. Rows with one PD are in one decile,
        so deciles differ in size, and some may have no rows and no line.
    """
    return pd.concat(
        [_gains(sample).assign(sample=name) for name, sample in samples.items()], ignore_index=True
    )[["sample", *_GAINS]]


_GAINS = ["decile", "rows", "bad", "bad_rate", "mean_pd", "cumulative_bad", "lift"]


def _gains(sample: Sample) -> pd.DataFrame:
    ranks = rankdata(-sample.pd) - 0.5
    decile = (ranks * DECILES / len(ranks)).astype(int) + 1
    groups = pd.DataFrame({"decile": decile, "bad": sample.bad, "pd": sample.pd}).groupby("decile")
    found = groups.agg(rows=("bad", "size"), bad=("bad", "sum"), mean_pd=("pd", "mean"))
    found["bad_rate"] = rate(found["bad"].to_numpy(), found["rows"].to_numpy())
    found["cumulative_bad"] = rate(found["bad"].cumsum().to_numpy(), found["bad"].sum())
    found["lift"] = rate(found["bad_rate"].to_numpy(), np.mean(sample.bad))
    return found.reset_index()


def _cumulative(bad: np.ndarray, pd_: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct PDs, and the shares of the good and of the bad up to each of them."""
    distinct, place = np.unique(pd_, return_inverse=True)
    bads = np.cumsum(np.bincount(place, weights=np.asarray(bad)))
    rows = np.cumsum(np.bincount(place))
    return distinct, (rows - bads) / (rows[-1] - bads[-1]), bads / bads[-1]


def _thinned(length: int, points: int, *always: int) -> np.ndarray:
    """Positions of about so many points, evenly, the ends and the given ones among them."""
    even = np.linspace(0, length - 1, min(points, length)).round().astype(int)
    return np.union1d(even, np.array(always, dtype=int))

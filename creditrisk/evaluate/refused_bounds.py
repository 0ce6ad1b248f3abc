"""What refused applicants may have done: two bounds, and parcelling in between.

Parcelling (Siddiqi 2006, Credit Risk Scorecards, ch. 6; Thomas, Edelman and Crook 2002, Credit
Scoring and Its Applications, ch. 8): in each band of the score, the refused are taken to go bad
with some multiple of the odds that accepted applicants have there. Here the multiples are two to
four, and each refused applicant counts as a share of a bad and the rest of a good one: expected
values in the place of random draws.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from creditrisk.metrics.costs import ACCEPT, REFER, REJECT, Costs, Sample, decide

# PDs between the bands: from one to the next, the odds of going bad double.
EDGES = np.array([1 / (1 + 2.0**k) for k in range(7, -8, -1)])
# A band with a smaller share of the applicants with an outcome says nothing of the refused in it.
THIN_SHARE = 0.01
MULTIPLES = (2, 3, 4)

Lines = dict[str, dict[str, float]]


def pd_bands(oof: Sample, pds: np.ndarray, threshold: float) -> Lines:
    """Count applicants with an outcome and refused ones by band of PDs.

    The cut-off is an end of a band, so that all applicants of a band get one decision if none is
    referred.

    Args:
        oof: outcomes and out-of-fold PDs of the training rows.
        pds: PDs of the refused, shape (n,).
        threshold: the cut-off.

    Returns:
        By number of the band (`1` has the lowest PDs), for those with a row: `low` (inclusive) and
        `high` (exclusive), PDs; `accepted`, `refused` (rows), `accepted_share`, `refused_share` (of
        all of their kind); `bad_rate` of the training rows in it; `thin`, 1 if the band has less
        than `THIN_SHARE` of the training rows; `base`, the bad rate that parcelling starts from:
        (bad + 1/2) / (rows + 1) of the training rows, so that a band without a bad one has odds,
        too; in a thin band the mean PD of the refused.
    """
    edges = EDGES[np.abs(EDGES - threshold) > 1e-9]
    if 0 < threshold < 1:
        edges = np.sort(np.append(edges, threshold))
    ends = np.concatenate([[0.0], edges, [1.0]])
    own, other = (np.searchsorted(edges, side, side="right") for side in (oof.pd, pds))
    bad = np.asarray(oof.bad, dtype="float64")
    found: Lines = {}
    for band in range(len(edges) + 1):
        outcomes, here = bad[own == band], pds[other == band]
        rows, share = len(outcomes), len(outcomes) / len(own)
        if not rows and not len(here):
            continue
        thin = share < THIN_SHARE
        seen = (outcomes.sum() + 0.5) / (rows + 1)
        found[str(band + 1)] = {
            "low": ends[band],
            "high": ends[band + 1],
            "accepted": rows,
            "accepted_share": share,
            "bad_rate": _mean(outcomes.sum(), rows),
            "refused": len(here),
            "refused_share": len(here) / len(other),
            "thin": thin,
            "base": _mean(here.sum(), len(here)) if thin else seen,
        }
    return found


def thin_share(bands: Lines) -> float:
    """Return the share of the refused whose band has hardly any applicant with an outcome.

    Their PDs are extrapolated: hardly any outcome with such a PD was seen.
    """
    return float(sum(one["refused_share"] for one in bands.values() if one["thin"]))


def parcelled(pds: np.ndarray, bands: Lines) -> dict[str, np.ndarray]:
    """Return how likely each refused applicant goes bad if the odds are a multiple of the seen.

    Args:
        pds: PDs of the refused, shape (n,).
        bands: from `pd_bands`.

    Returns:
        `odds_2` and so on, one per entry of `MULTIPLES`, each of shape (n,).
    """
    parts = list(bands.values())
    place = np.searchsorted([one["low"] for one in parts], pds, side="right") - 1
    base = np.array([one["base"] for one in parts])[place]
    return {f"odds_{factor}": multiply_odds(base, factor) for factor in MULTIPLES}


def multiply_odds(risk: np.ndarray, factor: float) -> np.ndarray:
    """Return the probabilities whose odds are so many times those of `risk`, shape (n,).

    ``p' / (1 - p') = factor * p / (1 - p)``
    """
    return factor * risk / (1 - risk + factor * risk)


def bounds(
    known: Sample,
    assumed: Mapping[str, np.ndarray],
    decisions: np.ndarray,
    costs: Costs,
    threshold: float,
) -> Lines:
    """Compute the bad rates and the cost of all who applied, under assumptions on the refused.

    Args:
        known: outcomes, PDs, costs and referrals of the applicants with an outcome.
        assumed: assumption to the probability that each refused applicant goes bad, shape (n,).
        decisions: decisions about the refused, shape (n,).
        costs: costs of the refused, shape (n,).
        threshold: the cut-off.

    Returns:
        A line `observed` (the applicants with an outcome alone) and one per assumption. Of the
        refused `bad` (expected number), `bad_rate`, `bad_accepted` (expected number of bad among
        those whom this model would accept), `bad_rate_accepted`; of all applicants `bad_rate_all`,
        `bad_rate_accepted_all` (among those whom this model would accept), `cost_all` (mean per
        applicant).
    """
    bad, taken = np.asarray(known.bad, dtype="float64"), known.accepted(threshold)
    spent = _costs(bad, known.priced, decide(known.pd, threshold, ~known.decided))
    names = ("bad", "bad_rate", "bad_accepted", "bad_rate_accepted")
    found: Lines = {
        "observed": dict.fromkeys(names, np.nan)
        | {
            "bad_rate_all": bad.mean(),
            "bad_rate_accepted_all": _mean(bad[taken].sum(), taken.sum()),
            "cost_all": spent.mean(),
        }
    }
    accepted = decisions == ACCEPT
    rows, count = len(bad) + len(decisions), accepted.sum()
    for name, risk in assumed.items():
        lost = risk[accepted].sum()
        found[name] = {
            "bad": risk.sum(),
            "bad_rate": risk.mean(),
            "bad_accepted": lost,
            "bad_rate_accepted": _mean(lost, count),
            "bad_rate_all": (bad.sum() + risk.sum()) / rows,
            "bad_rate_accepted_all": _mean(bad[taken].sum() + lost, taken.sum() + count),
            "cost_all": (spent.sum() + _costs(risk, costs, decisions).sum()) / rows,
        }
    return found


def together(samples: Iterable[Sample]) -> Sample:
    """Put the rows of priced samples together, in their order."""
    parts = list(samples)
    costs = [one.priced for one in parts]
    return Sample(
        np.concatenate([np.asarray(one.bad) for one in parts]),
        np.concatenate([one.pd for one in parts]),
        Costs(
            np.concatenate([one.bad_accepted for one in costs]),
            np.concatenate([one.good_rejected for one in costs]),
            costs[0].referred,
        ),
        np.concatenate([~one.decided for one in parts]),
    )


def _costs(risk: np.ndarray, costs: Costs, decisions: np.ndarray) -> np.ndarray:
    """The expected cost of each decision; `risk` is the probability of going bad, or an outcome."""
    by_decision: Mapping[str, np.ndarray] = {
        ACCEPT: risk * costs.bad_accepted,
        REJECT: (1 - risk) * costs.good_rejected,
        REFER: np.full(len(risk), costs.referred),
    }
    return np.select([decisions == name for name in by_decision], list(by_decision.values()))


def _mean(total: float, count: int) -> float:
    return float(total / count) if count else np.nan

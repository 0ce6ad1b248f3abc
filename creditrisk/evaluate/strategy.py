"""What each cut-off would bring: approvals, bad rate among the approved, loss and profit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.evaluate.proportions import jeffreys, rate
from creditrisk.metrics.costs import Sample, expected_cost

STEP = 0.025  # of the approval rate, from one cut-off to the next


def strategy_table(oof: Sample, test: Sample, threshold: float) -> pd.DataFrame:
    """Compute the results of cut-offs that approve 2.5%, 5%, ... of the training rows.

    The cut-offs are set on out-of-fold PDs, and the same ones are used on the test rows. Who is
    referred to a person at the cut-off in use is referred at each.

    Args:
        oof: outcomes, out-of-fold PDs and costs of the training rows, each row once.
        test: the same of the test rows.
        threshold: the cut-off in use.

    Returns:
        One row per sample (`out_of_fold`, `test`) and cut-off, ascending: `sample`, `threshold`,
        `in_use`, and the columns of `_results`.
    """
    cutoffs = _cutoffs(oof, threshold)
    return pd.DataFrame(
        {"sample": name, "threshold": cutoff, "in_use": cutoff == threshold}
        | _results(sample, cutoff)
        for name, sample in {"out_of_fold": oof, "test": test}.items()
        for cutoff in cutoffs
    )


def in_use(strategy: pd.DataFrame, sample: str) -> Mapping[str, Any]:
    """Return the line of the cut-off in use, column to value."""
    return strategy[strategy["in_use"] & (strategy["sample"] == sample)].iloc[0].to_dict()


def _cutoffs(oof: Sample, threshold: float) -> list[float]:
    """Cut-offs that accept multiples of `STEP` of the rows, and the one in use, ascending.

    Of cut-offs with the same decisions there is one. Each is in the middle between two PDs.
    """
    pds = np.sort(oof.pd[oof.decided])
    found = {int(oof.accepted(threshold).sum()): float(threshold)}
    for share in np.arange(STEP, 1 + STEP / 2, STEP):
        rows = round(share * len(oof.pd))
        if not 0 < rows <= len(pds):
            continue
        # Rows with the same PD get the same decision.
        accepted = int(np.searchsorted(pds, pds[rows - 1], side="right"))
        found.setdefault(accepted, _between(pds, accepted))
    return [found[accepted] for accepted in sorted(found)]


def _between(pds: np.ndarray, accepted: int) -> float:
    """The cut-off that accepts so many of the sorted PDs."""
    if accepted == len(pds):
        return float(np.nextafter(max(pds[-1], 1.0), 2))
    below, above = pds[accepted - 1], pds[accepted]
    middle = (below + above) / 2
    # A midpoint may be rounded down to the lower PD.
    return float(middle if middle > below else above)


def _results(sample: Sample, cutoff: float) -> dict[str, Any]:
    """Compute what a cut-off brings on some rows.

    Returns:
        `rows`, `approved`, `approval_rate`, `referred`; `bad_approved`, `bad_rate_approved` with
        Jeffreys' 95% interval (`_low`, `_high`); `expected_loss`, the sum over the approved of PD
        times the cost of accepting the row if it is bad, so PD x LGD x EAD where that cost is a
        share of the amount; `profit`, see `_profit`; `expected_cost`, the mean per applicant.
    """
    accepted, bad = sample.accepted(cutoff), np.asarray(sample.bad).astype(bool)
    rows, approved, bads = len(bad), int(accepted.sum()), int((accepted & bad).sum())
    low, high = jeffreys(np.array(bads), np.array(approved))
    return {
        "rows": rows,
        "approved": approved,
        "approval_rate": approved / rows,
        "referred": int((~sample.decided).sum()),
        "bad_approved": bads,
        "bad_rate_approved": float(rate(np.array(bads), np.array(approved))),
        "bad_rate_approved_low": float(low),
        "bad_rate_approved_high": float(high),
        "expected_loss": float((sample.pd * sample.priced.bad_accepted)[accepted].sum()),
        "profit": _profit(sample, cutoff),
        "expected_cost": expected_cost(sample, cutoff),
    }


def _profit(sample: Sample, cutoff: float) -> float:
    """Sum up what the decisions earn and lose, in the unit of the costs.

    An accepted good row earns what refusing it would have cost (`cost_good_rejected`, or the margin
    on its amount). An accepted bad row loses the cost of accepting it. A referral costs the work of
    a person, who is taken to decide rightly, so a referred good row earns as an accepted one.
    """
    bad, costs = np.asarray(sample.bad).astype(bool), sample.priced
    accepted, referred = sample.accepted(cutoff), ~sample.decided
    earned = costs.good_rejected[~bad & (accepted | referred)].sum()
    lost = costs.bad_accepted[bad & accepted].sum()
    return float(earned - lost - costs.referred * referred.sum())

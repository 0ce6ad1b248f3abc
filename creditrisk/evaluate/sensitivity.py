"""How much the decisions depend on the cost ratio and on the economy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.evaluate.proportions import rate
from creditrisk.metrics.costs import Costs, DecisionParams, Sample, choose_threshold

COST_RATIO, ODDS = "ratio", "odds"
FACTORS = (0.8, 1.0, 1.2)  # of the cost ratio: 4:1, 5:1 and 6:1 if it is 5:1
WORSE_ODDS = (1.0, 1.5)  # of all applicants
# What the costs are counted with.
OUTCOMES, PDS = "outcomes", "pds"


@dataclass(frozen=True)
class _Case:
    """Rows under a scenario.

    Attributes:
        risk: what counts as the chance that a row is bad, shape (n,): its outcome, or a PD.
        costs: the costs of both wrong decisions.
        kept: who is accepted if nothing is changed, bool of shape (n,).
        moved: who is accepted if the decisions fit the scenario, bool of shape (n,).
        decided: who is not left to a person, bool of shape (n,).
    """

    risk: np.ndarray
    costs: Costs
    kept: np.ndarray
    moved: np.ndarray
    decided: np.ndarray

    def results(self) -> dict[str, Any]:
        """Compute the columns of `sensitivity_table` that follow from the decisions."""
        return {
            "approval_kept": float(self.kept.mean()),
            "approval_rate": float(self.moved.mean()),
            "changed": int((self.kept != self.moved).sum()),
            "bad_rate_kept": self._bad_rate(self.kept),
            "bad_rate_moved": self._bad_rate(self.moved),
            "cost_kept": self._cost(self.kept),
            "cost_moved": self._cost(self.moved),
            "loss_kept": self._loss(self.kept),
            "loss_moved": self._loss(self.moved),
        }

    def _bad_rate(self, accepted: np.ndarray) -> float:
        return float(rate(self.risk[accepted].sum(), np.array(accepted.sum())))

    def _loss(self, accepted: np.ndarray) -> float:
        return float((self.risk * self.costs.bad_accepted)[accepted].sum())

    def _cost(self, accepted: np.ndarray) -> float:
        rejected = self.decided & ~accepted
        missed = ((1 - self.risk) * self.costs.good_rejected)[rejected].sum()
        referred = self.costs.referred * np.sum(~self.decided)
        return float((self._loss(accepted) + missed + referred) / len(self.risk))


def sensitivity_table(
    samples: Mapping[str, Sample], threshold: float, decision: DecisionParams, chosen_on: Sample
) -> pd.DataFrame:
    """Compute what other costs, or a worse economy, would mean for the decisions.

    Scenario `ratio`: accepting a bad applicant costs so many times what refusing a good one
    costs. The cut-off that fits comes from the rule in use, `decision.threshold`. Costs are counted
    with the outcomes.

    Scenario `odds`: the odds of each applicant are so many times those of the PD, and the cut-off
    stays. If the PDs stay too, the decisions are those of today; if they are restated, more
    applicants reach the cut-off. Costs and bad rates are those to expect by the PDs of the
    scenario. The line with odds times 1 is there to compare with.

    Args:
        samples: name of the rows (`out_of_fold`, `test`) to outcomes, PDs and costs.
        threshold: the cut-off in use.
        decision: the costs in use and the rule for the cut-off.
        chosen_on: out-of-fold PDs that the rule `oof` chooses on.

    Returns:
        One row per sample, scenario and value: `sample`, `scenario`, `value`, `in_use` (the value
        of today), `basis` (`outcomes` or `pds`, what the costs are counted with), `threshold` (that
        fits the scenario), `approval_kept` (today's decisions), `approval_rate` (the decisions that
        fit), `changed` (number of decisions that differ), `bad_rate_kept`, `bad_rate_moved` (among
        the approved), `cost_kept`, `cost_moved` (a head), `loss_kept`, `loss_moved` (the sum over
        the approved). Referred applicants stay referred.
    """
    lines: list[dict[str, Any]] = []
    ratio = (1 - decision.break_even) / decision.break_even
    for name, sample in samples.items():
        for factor in FACTORS:
            moved = _threshold_at(factor, threshold, decision, chosen_on)
            case = _Case(
                np.asarray(sample.bad, dtype="float64"), _dearer(sample.priced, factor),
                sample.accepted(threshold), sample.accepted(moved), sample.decided,
            )  # fmt: skip
            start = _start(name, COST_RATIO, factor * ratio, factor == 1, OUTCOMES, moved)
            lines.append(start | case.results())
        for odds in WORSE_ODDS:
            pds = with_odds(sample.pd, odds)
            case = _Case(
                pds, sample.priced, sample.accepted(threshold),
                sample.decided & ~(pds >= threshold), sample.decided,
            )  # fmt: skip
            start = _start(name, ODDS, odds, odds == 1, PDS, threshold)
            lines.append(start | case.results())
    return pd.DataFrame(lines)


def with_odds(pd_: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the odds of PDs, shape (n,): p becomes f p / (1 - p + f p)."""
    return pd_ if factor == 1 else factor * pd_ / (1 - pd_ + factor * pd_)


def _start(
    sample: str, scenario: str, value: float, in_use: bool, basis: str, threshold: float
) -> dict[str, Any]:
    return {
        "sample": sample, "scenario": scenario, "value": value, "in_use": in_use, "basis": basis,
        "threshold": threshold,
    }  # fmt: skip


def _dearer(costs: Costs, factor: float) -> Costs:
    return Costs(costs.bad_accepted * factor, costs.good_rejected, costs.referred)


def _threshold_at(
    factor: float, threshold: float, decision: DecisionParams, chosen_on: Sample
) -> float:
    """The cut-off that the rule in use gives if accepting a bad applicant costs more or less."""
    if factor == 1:
        return threshold
    dearer = {"cost_bad_accepted": decision.cost_bad_accepted * factor}
    if decision.loss_given_default is not None:
        dearer["loss_given_default"] = decision.loss_given_default * factor
    sample = Sample(
        chosen_on.bad, chosen_on.pd, _dearer(chosen_on.priced, factor), chosen_on.referred
    )
    return choose_threshold(sample, decision.model_copy(update=dearer))

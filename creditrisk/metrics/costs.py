"""The decision: what each error costs, and the cut-off that follows."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from creditrisk.core.columns import feature_columns, original_values
from creditrisk.core.errors import InputError, nearest
from creditrisk.core.params import Strict

Positive = Annotated[float, Field(gt=0, strict=False)]


class DecisionParams(Strict):
    """The block `decision`.

    Attributes:
        cost_bad_accepted, cost_good_rejected: the cost matrix, a head.
        threshold: `oof` minimises the cost on out-of-fold PDs; `theory` is the break-even PD.
        amount_column: where it is named, a bad loan loses its amount times `loss_given_default`, a
            rejected good one its amount times `margin`, and the cost matrix is not used.
    """

    cost_bad_accepted: Positive
    cost_good_rejected: Positive
    threshold: Literal["oof", "theory"]
    amount_column: str | None = None
    loss_given_default: Positive | None = None
    margin: Positive | None = None

    @model_validator(mode="after")
    def _complete(self) -> "DecisionParams":
        if self.amount_column and (self.loss_given_default is None or self.margin is None):
            raise ValueError("amount_column needs loss_given_default and margin")
        return self

    def costs(self, frame: pd.DataFrame) -> "Costs":
        """Work out each row's two costs.

        The amount is the one that was told, capped or not. A row without one is charged the median.

        Raises:
            InputError: `amount_column` is no numeric column of the frame.
        """
        if self.amount_column is None:
            ones = np.ones(len(frame))
            return Costs(ones * self.cost_bad_accepted, ones * self.cost_good_rejected)
        numeric = feature_columns(frame.select_dtypes("number"))
        if self.amount_column not in numeric:
            problem = f"no numeric column {self.amount_column}"
            hint = nearest(self.amount_column, numeric)
            raise InputError("params.yaml", "decision.amount_column", problem, hint)
        amount = original_values(frame, self.amount_column)
        amount = amount.fillna(amount.median()).to_numpy()
        return Costs(amount * self.loss_given_default, amount * self.margin)

    @property
    def break_even(self) -> float:
        """The PD at which accepting and rejecting cost the same, given believable PDs.

        Accepting costs PD times the cost of a bad, rejecting (1 - PD) times that of a good (Elkan
        2001, "The Foundations of Cost-Sensitive Learning").
        """
        if self.amount_column is None:
            return self.cost_good_rejected / (self.cost_good_rejected + self.cost_bad_accepted)
        return self.margin / (self.margin + self.loss_given_default)


@dataclass(frozen=True)
class Costs:
    """What the two errors cost, per row.

    Attributes:
        bad_accepted: cost of accepting the row if it is bad, shape (n,).
        good_rejected: cost of rejecting the row if it is good, shape (n,).
    """

    bad_accepted: np.ndarray
    good_rejected: np.ndarray

    def take(self, positions: np.ndarray) -> "Costs":
        """Keep the rows at some positions."""
        return Costs(self.bad_accepted[positions], self.good_rejected[positions])


@dataclass(frozen=True)
class Sample:
    """Applicants whose outcome is known, with the PDs that a model gave them.

    Attributes:
        bad: outcome, 1 for a default, shape (n,).
        pd: probability of default, shape (n,).
        costs: of each row's two errors; None where no decision is judged.
    """

    bad: np.ndarray
    pd: np.ndarray
    costs: Costs | None = None

    def take(self, positions: np.ndarray) -> "Sample":
        """Keep the rows at some positions, as a fold or a bootstrap draw does."""
        costs = None if self.costs is None else self.costs.take(positions)
        return Sample(self.bad[positions], self.pd[positions], costs)

    @property
    def priced(self) -> Costs:
        """The costs, which must be there.

        Raises:
            ValueError: a decision is judged without costs, which is a bug of ours.
        """
        if self.costs is None:
            raise ValueError("a decision can't be judged without costs")
        return self.costs


def expected_cost(sample: Sample, threshold: float) -> float:
    """Cost per applicant when rows with `pd >= threshold` are refused."""
    bad, costs = np.asarray(sample.bad).astype(bool), sample.priced
    refused = sample.pd >= threshold
    lost = np.where(bad & ~refused, costs.bad_accepted, 0.0)
    missed = np.where(~bad & refused, costs.good_rejected, 0.0)
    return float(np.mean(lost + missed))


def cost_curve(sample: Sample) -> pd.DataFrame:
    """Compute the cost per applicant at every cut-off that makes a difference.

    Returns:
        `threshold` (ascending: 0, the midpoints between distinct PDs, one above all PDs),
        `expected_cost`, `approval_rate` (share with a PD below the cut-off).
    """
    bad, costs = np.asarray(sample.bad).astype(bool), sample.priced
    order = np.argsort(sample.pd, kind="stable")
    pds = sample.pd[order]
    n = len(pds)
    # Accepting the k lowest PDs loses the bad among them and misses the good among the others.
    lost = np.concatenate([[0.0], np.cumsum(np.where(bad, costs.bad_accepted, 0.0)[order])])
    good = np.cumsum(np.where(~bad, costs.good_rejected, 0.0)[order])
    missed = good[-1] - np.concatenate([[0.0], good])
    cuts = np.concatenate([[True], pds[1:] > pds[:-1], [True]])
    between = (pds[1:] + pds[:-1]) / 2
    # A midpoint may round down to its lower neighbour; the upper one cuts the same.
    between = np.where(between > pds[:-1], between, pds[1:])
    thresholds = np.concatenate([[0.0], between, [np.nextafter(max(pds[-1], 1.0), 2)]])
    return pd.DataFrame(
        {
            "threshold": thresholds[cuts],
            "expected_cost": ((lost + missed) / n)[cuts],
            "approval_rate": (np.arange(n + 1) / n)[cuts],
        }
    )


def choose_threshold(sample: Sample, params: DecisionParams) -> float:
    """Choose the cut-off as the parameter says.

    Args:
        sample: out-of-fold PDs and outcomes; never test rows.
        params: `threshold: theory` looks at no row; `oof` takes the cut-off of the least cost; if
            there are several, the one nearest to the break-even PD.
    """
    if params.threshold == "theory":
        return params.break_even
    curve = cost_curve(sample)
    least = curve[curve["expected_cost"] <= curve["expected_cost"].min() * (1 + 1e-12)]
    nearest_one = (least["threshold"] - params.break_even).abs().idxmin()
    return float(least.loc[nearest_one, "threshold"])

"""The decision: what each error costs, and the cut-off that follows."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from creditrisk.core.columns import feature_columns, told
from creditrisk.core.errors import InputError, nearest
from creditrisk.core.params import Strict

Positive = Annotated[float, Field(gt=0, strict=False)]


class DecisionParams(Strict):
    """The block `decision`.

    Attributes
    ----------
    cost_bad_accepted, cost_good_rejected : the cost matrix, a head.
    threshold : `oof` minimises the cost on out-of-fold PDs; `theory` is the break-even PD.
    amount_column : where it is named, a bad loan loses its amount times `loss_given_default`, a
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

        Raises
        ------
        InputError : `amount_column` is no numeric column of the frame.
        """
        if self.amount_column is None:
            ones = np.ones(len(frame))
            return Costs(ones * self.cost_bad_accepted, ones * self.cost_good_rejected)
        numeric = feature_columns(frame.select_dtypes("number"))
        if self.amount_column not in numeric:
            what = f"no numeric column {self.amount_column}"
            hint = nearest(self.amount_column, numeric)
            raise InputError("params.yaml", "decision.amount_column", what, hint)
        amount = told(frame, self.amount_column)
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
    """Of each row: what it costs to accept it if it is bad, and to reject it if it is good."""

    bad_accepted: np.ndarray
    good_rejected: np.ndarray

    def take(self, places: np.ndarray) -> "Costs":
        """Keep the rows at some positions."""
        return Costs(self.bad_accepted[places], self.good_rejected[places])


def expected_cost(bad: np.ndarray, pd_: np.ndarray, threshold: float, costs: Costs) -> float:
    """Cost a head when rows with `pd_ >= threshold` are refused."""
    bad = np.asarray(bad).astype(bool)
    refused = pd_ >= threshold
    lost = np.where(bad & ~refused, costs.bad_accepted, 0.0)
    missed = np.where(~bad & refused, costs.good_rejected, 0.0)
    return float(np.mean(lost + missed))


def cost_curve(bad: np.ndarray, pd_: np.ndarray, costs: Costs) -> pd.DataFrame:
    """Compute the cost a head at every cut-off that makes a difference.

    Returns
    -------
    `threshold` (ascending: 0, the midpoints between distinct PDs, above all), `expected_cost`,
    `approval_rate` (share with a PD below the cut-off).
    """
    bad = np.asarray(bad).astype(bool)
    order = np.argsort(pd_, kind="stable")
    pds = pd_[order]
    n = len(pds)
    # Accepting the k lowest: the bad among them are lost, the good among the others missed.
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


def choose_threshold(
    bad: np.ndarray, pd_: np.ndarray, costs: Costs, params: DecisionParams
) -> float:
    """Choose the cut-off as the parameter says.

    Parameters
    ----------
    bad, pd_ : outcome and out-of-fold PD, shape (n,); never test rows.
    costs : of these rows.
    params : `threshold: theory` looks at no row; `oof` takes the cut-off of the least cost, of
        several the one nearest to the break-even PD.
    """
    if params.threshold == "theory":
        return params.break_even
    curve = cost_curve(bad, pd_, costs)
    least = curve[curve["expected_cost"] <= curve["expected_cost"].min() * (1 + 1e-12)]
    nearest_one = (least["threshold"] - params.break_even).abs().idxmin()
    return float(least.loc[nearest_one, "threshold"])

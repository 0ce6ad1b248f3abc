"""The cost of each wrong decision, and the cut-off that follows from the costs."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from creditrisk.core.columns import feature_columns, original_values
from creditrisk.core.errors import InputError, nearest
from creditrisk.core.params import Name, Number, Strict

ACCEPT, REJECT, REFER = DECISIONS = ("accept", "reject", "refer")

# The bounds keep the sums over all applicants, and the ratios, far from the limits of a float.
Cost = Annotated[Number, Field(ge=1e-9, le=1e15)]
NoCost = Annotated[Number, Field(ge=0, le=1e15)]
Share = Annotated[Number, Field(ge=1e-9, le=100)]
Probability = Annotated[Number, Field(ge=0, le=1)]
HalfWidth = Annotated[Number, Field(ge=0, le=0.5)]


class ReferParams(Strict):
    """The block `decision.refer`: who is referred to a person, beside who lacks a required field.

    Attributes:
        missing: `auto` refers applicants with a missing field that no training row lacked, or with
            more missing fields than any training row had; `true` refers for any missing field of
            the model; `false` for none.
        unseen: refers applicants with a level that no training row had, a date further from the
            application than in any, or a number far from all. `auto` leaves out the columns in
            which new levels are usual: of more than one applicant in a hundred, by the estimate of
            Good and Turing.
        band: PDs that are referred: half the width around the cut-off, or `[low, high]` (low
            inclusive, high exclusive) with the cut-off between them; `auto` refers where deciding
            costs more than a referral (Chow 1970, "On Optimum Recognition Error and Reject
            Tradeoff"); null for none.
        gain: refers applicants whose acceptance depends on a missing value: with some usual value
            of the field they would not be accepted.
    """

    missing: Literal["auto"] | bool = "auto"
    unseen: Literal["auto"] | bool = "auto"
    band: (
        Literal["auto"]
        | HalfWidth
        | Annotated[list[Probability], Field(min_length=2, max_length=2)]
        | None
    ) = None
    gain: bool = False

    @field_validator("band")
    @classmethod
    def _ascending(cls, band: Any) -> Any:
        if isinstance(band, list) and band[0] >= band[1]:
            raise ValueError("the band's first PD must be below its second")
        return band


class DecisionParams(Strict):
    """The block `decision`.

    Attributes:
        cost_bad_accepted: cost of accepting a bad applicant.
        cost_good_rejected: cost of rejecting a good applicant, in the same unit.
        cost_referred: cost of a person's work on a referred applicant, in the same unit (of the
            amounts, if `amount_column` is set). Referred applicants count as decided rightly.
        required: columns without which an applicant is always referred.
        refer: who else is referred.
        threshold: `oof` minimises the cost on out-of-fold PDs; `theory` is the break-even PD.
        amount_column: numeric column with the amount of the loan. If it is set, accepting a bad
            applicant costs the amount times `loss_given_default`, rejecting a good one costs the
            amount times `margin`, and the two costs above are not used.
        loss_given_default: share of the amount that is lost if the applicant defaults.
        margin: share of the amount that would have been earned from a good applicant.
    """

    cost_bad_accepted: Cost
    cost_good_rejected: Cost
    threshold: Literal["oof", "theory"]
    cost_referred: NoCost = 0.0
    required: list[Name] = Field(default=[])
    refer: ReferParams = ReferParams()
    amount_column: Name | None = None
    loss_given_default: Share | None = None
    margin: Share | None = None

    @model_validator(mode="after")
    def _complete(self) -> "DecisionParams":
        if self.amount_column and (self.loss_given_default is None or self.margin is None):
            raise ValueError("amount_column needs loss_given_default and margin")
        if self.refer.band == "auto" and not self.cost_referred:
            raise ValueError("refer.band: auto needs cost_referred above 0, or it refers everybody")
        band = self.refer.band
        if self.threshold == "theory" and isinstance(band, list):
            low, high = band
            if not low <= self.break_even <= high:
                raise ValueError(
                    f"refer.band: {low:g} to {high:g} does not contain the cut-off "
                    f"{self.break_even:.6g}, so it would leave a hole between them"
                )
        return self

    def costs(self, frame: pd.DataFrame) -> "Costs":
        """Compute the costs of both wrong decisions for each row.

        Uses the original amount, not the capped one. A missing amount counts as the median.

        Args:
            frame: rows with the features, shape (n, d).

        Raises:
            InputError: `amount_column` is not a numeric feature of the frame.
        """
        if self.amount_column is None:
            ones = np.ones(len(frame))
            accepted, rejected = self.cost_bad_accepted, self.cost_good_rejected
            return Costs(ones * accepted, ones * rejected, self.cost_referred)
        numeric = feature_columns(frame.select_dtypes("number"))
        if self.amount_column not in numeric:
            problem = f"no numeric column {self.amount_column}"
            hint = nearest(self.amount_column, numeric)
            raise InputError("params.yaml", "decision.amount_column", problem, hint)
        amount = original_values(frame, self.amount_column)
        amount = amount.fillna(amount.median()).to_numpy()
        loss, margin = self._shares
        return Costs(amount * loss, amount * margin, self.cost_referred)

    @property
    def break_even(self) -> float:
        """The PD at which accepting and rejecting cost the same, if the PDs are calibrated.

        Accepting costs PD times `cost_bad_accepted`, rejecting costs (1 - PD) times
        `cost_good_rejected` (Elkan 2001, "The Foundations of Cost-Sensitive Learning").
        """
        if self.amount_column is None:
            return self.cost_good_rejected / (self.cost_good_rejected + self.cost_bad_accepted)
        loss, margin = self._shares
        return margin / (margin + loss)

    @property
    def _shares(self) -> tuple[float, float]:
        """`loss_given_default` and `margin`, which are there where `amount_column` is."""
        if self.loss_given_default is None or self.margin is None:
            raise ValueError("costs by amount need loss_given_default and margin")
        return self.loss_given_default, self.margin


@dataclass(frozen=True)
class Costs:
    """The costs of both wrong decisions, per row, and of a referral.

    Attributes:
        bad_accepted: cost of accepting the row if it is bad, shape (n,).
        good_rejected: cost of rejecting the row if it is good, shape (n,).
        referred: cost of referring a row to a person, the same for all.
    """

    bad_accepted: np.ndarray
    good_rejected: np.ndarray
    referred: float = 0.0

    def take(self, positions: np.ndarray) -> "Costs":
        """Select the rows at the given positions."""
        accepted, rejected = self.bad_accepted[positions], self.good_rejected[positions]
        return Costs(accepted, rejected, self.referred)


@dataclass(frozen=True)
class Sample:
    """Applicants whose outcome is known, with their predicted PDs.

    Attributes:
        bad: outcome, 1 for a default, shape (n,).
        pd: probability of default, shape (n,).
        costs: costs of both wrong decisions; None if only metrics without a cut-off are computed.
        referred: who is referred to a person, whatever the cut-off, bool of shape (n,); None for
            nobody.
    """

    bad: np.ndarray
    pd: np.ndarray
    costs: Costs | None = None
    referred: np.ndarray | None = None

    def take(self, positions: np.ndarray) -> "Sample":
        """Select the rows at the given positions, for a fold or a bootstrap sample."""
        costs = None if self.costs is None else self.costs.take(positions)
        referred = None if self.referred is None else self.referred[positions]
        return Sample(self.bad[positions], self.pd[positions], costs, referred)

    @property
    def decided(self) -> np.ndarray:
        """Who is not left to a person, bool of shape (n,)."""
        return np.ones(len(self.pd), dtype=bool) if self.referred is None else ~self.referred

    def accepted(self, threshold: float) -> np.ndarray:
        """Who is accepted at a cut-off, bool of shape (n,)."""
        return self.decided & ~(self.pd >= threshold)

    def rejected(self, threshold: float) -> np.ndarray:
        """Who is rejected at a cut-off, bool of shape (n,)."""
        return self.decided & (self.pd >= threshold)

    @property
    def priced(self) -> Costs:
        """The costs, if there are any.

        Raises:
            ValueError: there are none, which is a bug in the calling code.
        """
        if self.costs is None:
            raise ValueError("the cost of decisions needs a sample with costs")
        return self.costs


def decide(pd_: np.ndarray, threshold: float, referred: np.ndarray | None = None) -> np.ndarray:
    """Decide about applicants: refer who must be, reject who reaches the cut-off, accept the rest.

    Args:
        pd_: PDs, shape (n,).
        threshold: the cut-off.
        referred: who is referred whatever the PD, bool of shape (n,); None for nobody.

    Returns:
        Texts of `DECISIONS`, shape (n,).
    """
    decided = np.where(pd_ >= threshold, REJECT, ACCEPT).astype(object)
    if referred is not None:
        decided[referred] = REFER
    return decided


def expected_cost(sample: Sample, threshold: float) -> float:
    """Compute the mean cost per applicant if applicants with `pd >= threshold` are refused.

    A referral costs what a person's work costs; the person is taken to decide rightly.
    """
    bad, costs = np.asarray(sample.bad).astype(bool), sample.priced
    lost = np.where(bad & sample.accepted(threshold), costs.bad_accepted, 0.0)
    missed = np.where(~bad & sample.rejected(threshold), costs.good_rejected, 0.0)
    return float(np.mean(lost + missed + np.where(sample.decided, 0.0, costs.referred)))


def cost_curve(sample: Sample) -> pd.DataFrame:
    """Compute the cost per applicant at each cut-off that gives different decisions.

    Returns:
        One row per cut-off: `threshold` (ascending: 0, the midpoints between distinct PDs, a value
        above all PDs), `expected_cost`, `approval_rate` (share of the rows that are accepted: not
        referred, and with a PD below the cut-off).
    """
    bad, costs = np.asarray(sample.bad).astype(bool), sample.priced
    order = np.argsort(sample.pd, kind="stable")
    pds = sample.pd[order]
    n = len(pds)
    decided = sample.decided
    base = (n - decided.sum()) * costs.referred
    # If the k lowest PDs are accepted, lost[k] is the cost of the bad among them and missed[k] the
    # cost of the good among the others.
    of_bad = np.where(bad & decided, costs.bad_accepted, 0.0)[order]
    lost = np.concatenate([[0.0], np.cumsum(of_bad)])
    good = np.cumsum(np.where(~bad & decided, costs.good_rejected, 0.0)[order])
    missed = good[-1] - np.concatenate([[0.0], good])
    cuts = np.concatenate([[True], pds[1:] > pds[:-1], [True]])
    between = (pds[1:] + pds[:-1]) / 2
    # A midpoint may be rounded down to the lower PD. The upper PD gives the same decisions.
    between = np.where(between > pds[:-1], between, pds[1:])
    thresholds = np.concatenate([[0.0], between, [np.nextafter(max(pds[-1], 1.0), 2)]])
    return pd.DataFrame(
        {
            "threshold": thresholds[cuts],
            "expected_cost": ((lost + missed + base) / n)[cuts],
            "approval_rate": (np.concatenate([[0], np.cumsum(decided[order])]) / n)[cuts],
        }
    )


def choose_threshold(sample: Sample, params: DecisionParams) -> float:
    """Choose the cut-off.

    Args:
        sample: outcomes, out-of-fold PDs and costs; never test rows.
        params: `threshold: theory` is the break-even PD and ignores the sample; `oof` takes the
            cut-off with the least cost, and of several the one nearest to the break-even PD.

    Returns:
        The cut-off, a PD.
    """
    if params.threshold == "theory":
        return params.break_even
    curve = cost_curve(sample)
    least = curve[curve["expected_cost"] <= curve["expected_cost"].min() * (1 + 1e-12)]
    nearest_one = (least["threshold"] - params.break_even).abs().idxmin()
    return float(least.loc[nearest_one, "threshold"])

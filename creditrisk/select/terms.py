"""The terms of the decisions: what errors cost, and who is referred to a person."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.referral import ReferralRules, in_band, learn_rules, static_referrals
from creditrisk.metrics.costs import DecisionParams, Sample, choose_threshold
from creditrisk.schema import Schema


@dataclass(frozen=True)
class Terms:
    """Costs and referrals of the training rows, whichever model decides.

    Attributes:
        frame: the training rows, shape (n, d).
        decision: the block `decision`.
        rules: who is referred, without the band around a cut-off.
        lacking: who is referred by what they lack, bool of shape (n,).
    """

    frame: pd.DataFrame
    decision: DecisionParams
    rules: ReferralRules
    lacking: np.ndarray

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        features: Mapping[str, Any],
        schema: Schema,
        decision: DecisionParams,
    ) -> "Terms":
        """Learn the rules of referral from the training rows.

        Args:
            frame: the training rows: `row_id`, the features and original values.
            features: the content of features.json.
            schema: the schema.
            decision: the block `decision`.

        Raises:
            InputError: a required or an amount column is no variable of the model.
        """
        rules = learn_rules(frame, features, schema, decision)
        return cls(frame, decision, rules, static_referrals(rules, frame, features))

    @cached_property
    def _costs(self) -> Any:
        return self.decision.costs(self.frame)

    @cached_property
    def _rows(self) -> pd.Index:
        return pd.Index(self.frame["row_id"])

    def sample(self, part: pd.DataFrame) -> Sample:
        """Return outcomes and PDs with the costs, and with who is referred by what they lack.

        Args:
            part: out-of-fold PDs of training rows: `row_id`, `bad`, `pd`; a row may be repeated.
        """
        places = self._rows.get_indexer(part["row_id"])
        return Sample(
            part["bad"].to_numpy(),
            part["pd"].to_numpy(),
            self._costs.take(places),
            self.lacking[places],
        )

    def cut_off(self, sample: Sample) -> float:
        """Choose the cut-off on a sample."""
        return choose_threshold(sample, self.decision)

    def rules_at(self, threshold: float) -> ReferralRules:
        """Return the rules with the band around a cut-off."""
        return self.rules.at(threshold, self.decision, self.frame)

    def with_band(self, sample: Sample, threshold: float) -> Sample:
        """Refer also those whose PD is in the band around a cut-off."""
        band = in_band(self.rules_at(threshold), sample.pd)
        return replace(sample, referred=~sample.decided | band)

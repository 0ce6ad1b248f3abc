"""The rows that evaluate measures: outcomes, PDs, costs, and who is referred to a person."""

from typing import Any

import numpy as np
import pandas as pd

from creditrisk.champion.description import ChampionDescription
from creditrisk.champion.predict import Predictor
from creditrisk.champion.referral import (
    columns_of,
    find_referrals,
    in_band,
    model_columns,
    referred_rows,
    static_referrals,
)
from creditrisk.evaluate.proportions import jeffreys
from creditrisk.metrics.costs import DecisionParams, Sample, decide


def predicted(
    predictor: Predictor,
    frame: pd.DataFrame,
    champion: ChampionDescription,
    decision: DecisionParams,
) -> Sample:
    """Compute PDs, costs and referrals of rows with a known outcome.

    Args:
        predictor: of the champion.
        frame: `bad`, the features and original values, shape (n, d).
        champion: its description.
        decision: the costs of the two errors, and of a referral.
    """
    rules, features = champion.referral, champion.columns
    pds = predictor.pd(frame[features])
    found = find_referrals(
        rules,
        columns_of(frame, features, rules.derived),
        model_columns(frame, features),
        pds,
        champion.threshold,
        predictor.pd,
    )
    referred = referred_rows(found, len(frame))
    return Sample(frame["bad"].to_numpy(), pds, decision.costs(frame), referred)


def out_of_fold(
    oof: pd.DataFrame,
    train: pd.DataFrame,
    champion: ChampionDescription,
    decision: DecisionParams,
) -> Sample:
    """Combine out-of-fold PDs with costs and referrals of the training rows.

    The rule `gain` needs the models of the folds, so it is not applied here.

    Args:
        oof: `row_id`, `bad`, `pd`; a row may be repeated.
        train: the training rows.
        champion: the description.
        decision: the costs of the two errors, and of a referral.
    """
    places = pd.Index(train["row_id"]).get_indexer(oof["row_id"])
    pds = oof["pd"].to_numpy()
    lacking = static_referrals(champion.referral, train, champion.features)[places]
    referred = lacking | in_band(champion.referral, pds)
    return Sample(oof["bad"].to_numpy(), pds, decision.costs(train).take(places), referred)


def count_decisions(sample: Sample, threshold: float) -> dict[str, Any]:
    """Count the decisions, and how many of the accepted went bad.

    Args:
        sample: outcomes, PDs and referrals of n rows.
        threshold: the cut-off.

    Returns:
        `accepted`, `rejected`, `referred` (numbers of rows), `approval_rate`, `referral_rate`;
        `good_accepted`, `bad_accepted` and so on; `bad_rate_accepted` with `bad_rate_accepted_ci`
        (95%, Jeffreys), both None if nobody is accepted.
    """
    accepted, rejected = sample.accepted(threshold), sample.rejected(threshold)
    rows, approved = len(accepted), int(accepted.sum())
    outcomes = {"good": np.asarray(sample.bad) != 1, "bad": np.asarray(sample.bad) == 1}
    referred = int((~sample.decided).sum())
    counts = {
        f"{outcome}_{decision}": int((here & there).sum())
        for outcome, here in outcomes.items()
        for decision, there in (
            ("accepted", accepted), ("rejected", rejected), ("referred", ~sample.decided),
        )
    }  # fmt: skip
    bad = counts["bad_accepted"]
    low, high = jeffreys(np.array(bad), np.array(approved))
    return {
        "accepted": approved,
        "rejected": rows - approved - referred,
        "referred": referred,
        "approval_rate": approved / rows,
        "referral_rate": referred / rows,
        **counts,
        "bad_rate_accepted": bad / approved if approved else None,
        "bad_rate_accepted_ci": [float(low), float(high)] if approved else None,
    }


def decisions_frame(
    test: pd.DataFrame, sample: Sample, champion: ChampionDescription
) -> pd.DataFrame:
    """List the decisions on the test rows: data/processed/decisions.parquet.

    Returns:
        `row_id`, `bad`, `pd`, `score` (points, rounded), `decision`.
    """
    points = np.rint(champion.scorecard.points(sample.pd)).astype("int64")
    return pd.DataFrame(
        {
            "row_id": test["row_id"].to_numpy(),
            "bad": test["bad"].to_numpy(),
            "pd": sample.pd,
            "score": points,
            "decision": pd.array(decide(sample.pd, champion.threshold, sample.referred), "str"),
        }
    )

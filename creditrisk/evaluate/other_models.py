"""Decisions about the test rows that the champion's are compared with."""

from pathlib import Path

import numpy as np
import pandas as pd

from creditrisk.champion.card.apply import card_accepts, card_points
from creditrisk.champion.card.model import CARD_FILE, Card, read_card
from creditrisk.champion.description import ChampionDescription
from creditrisk.champion.referral import static_referrals
from creditrisk.core.files import read_frame
from creditrisk.metrics.costs import ACCEPT, REFER, REJECT

DECISIONS = "decisions.parquet"


def other_decisions(
    former: Path, scorecard: Path, test: pd.DataFrame, champion: ChampionDescription
) -> dict[str, pd.DataFrame | None]:
    """Return the decisions of the former champion and of the scorecard.

    Args:
        former: data/former, which has decisions.parquet or not.
        scorecard: models/scorecard.
        test: the test rows: `row_id`, `bad` and the features.
        champion: its description; a champion that is the scorecard is not compared with itself.

    Returns:
        `former` and `scorecard` to `row_id`, `bad`, `decision`, or None.

    Raises:
        InputError: a file is not what it should be.
    """
    kept = former / DECISIONS
    card = read_card(scorecard / CARD_FILE)
    compared = card is not None and card.algorithm != champion.algorithm
    return {
        "former": read_frame(kept, ("row_id", "bad", "decision")) if kept.exists() else None,
        "scorecard": card_decisions(card, test, champion) if card and compared else None,
    }


def card_decisions(card: Card, test: pd.DataFrame, champion: ChampionDescription) -> pd.DataFrame:
    """Decide about the test rows by their points; who lacks something is referred all the same.

    Args:
        card: the card.
        test: the test rows.
        champion: has the rules of referral; the band of its PDs does not apply.
    """
    decided = np.where(card_accepts(card, card_points(card, test)), ACCEPT, REJECT).astype(object)
    decided[static_referrals(champion.referral, test, champion.features)] = REFER
    return test[["row_id", "bad"]].assign(decision=decided)

"""Law 9: what is not known is not a merit. Leaving out never turns a refusal into an acceptance."""

from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.description import describe_champion
from creditrisk.champion.referral import learn_rules
from creditrisk.metrics.costs import ACCEPT, REFER, REJECT, DecisionParams
from creditrisk.prepare.cells import Notation
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import Scorer
from tests.support.champions import (
    KINDS,
    PARAMS,
    THRESHOLD,
    columns,
    described,
    model,
    part,
    pipeline,
    rows,
)
from tests.support.small_data import DEFAULT
from tests.support.watching import raw

NOTATION = Notation.of(".", ",", ["?", "na"])
SOURCES = tuple(DEFAULT.columns)
SUBSETS = [*combinations(SOURCES, 1), *combinations(SOURCES, 2)]
# In the second data set training rows lack these, and what missing means is learned.
GAPS = ("hoehe", "sparkont", "beszeit")


@cache
def scorer(kind: str, with_gaps: bool) -> Scorer:
    if not with_gaps:
        return Scorer(Champion(model(kind), described(kind)), NOTATION)
    train, (_, features, adjustments) = part("train").copy(), rows()
    rng = np.random.default_rng(1)
    for source in GAPS:
        name = DEFAULT.columns[source].name
        train.loc[rng.random(len(train)) < 0.2, name] = None
    train["monthly_burden"] = train["amount"] / train["duration"]
    candidate, _ = KINDS[kind]
    gaps = ["amount", "savings", "employment_duration", "monthly_burden"]
    fitted = pipeline(kind.split()[0], candidate, features | {"missing": gaps})
    fitted.fit(train[columns()], train["bad"].to_numpy())
    about = describe_champion(
        fitted, {"best_params": {}, "calibration": "none"}, train, features, DEFAULT,
        algorithm="x", label="x", threshold=THRESHOLD, scorecard=PARAMS["scorecard"],
        referral=learn_rules(train, features, DEFAULT, DecisionParams(**PARAMS["decision"])),
        metrics={"cv": {}, "cv_se": {}}, adjustments=adjustments,
        data_sha256="d" * 64, model_sha256="0" * 64,
    )  # fmt: skip
    return Scorer(Champion(fitted, about), NOTATION)


def decisions(asked: Scorer, texts: dict[str, np.ndarray]) -> np.ndarray:
    return asked.judge(texts).decisions


@pytest.mark.parametrize("with_gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("kind", ["lr", "scorecard", "xgb"])
def test_no_refusal_becomes_an_acceptance_by_leaving_out_one_or_two_fields(kind, with_gaps):
    asked, applicants = scorer(kind, with_gaps), raw()
    whole = {name: applicants[name].to_numpy(dtype=object) for name in SOURCES}
    before = decisions(asked, whole)
    refused = np.flatnonzero(before == REJECT)
    assert 300 < len(refused) < 900
    cells = {name: values[refused] for name, values in whole.items()}
    nothing = np.full(len(refused), None, dtype=object)
    gained: dict[tuple[str, ...], int] = {}
    for left_out in SUBSETS:
        after = decisions(asked, cells | dict.fromkeys(left_out, nothing))
        gained[left_out] = int((after == ACCEPT).sum())
        if not with_gaps:
            assert set(after) == {REFER}, left_out
    always_there = [s for s in SUBSETS if not with_gaps or not set(s) <= set(GAPS)]
    assert {s: gained[s] for s in always_there if gained[s]} == {}
    if with_gaps and kind != "scorecard":  # what may be missing can be a merit: the report shows it
        assert sum(gained.values()) > 0


@pytest.mark.parametrize("kind", ["lr", "xgb"])
def test_without_the_rules_leaving_out_would_pay(kind):
    """The law needs the rules: the model alone would accept refused applicants."""
    asked, applicants = scorer(kind, False), raw()
    whole = {name: applicants[name].to_numpy(dtype=object) for name in SOURCES}
    judged = asked.judge(whole)
    refused = np.flatnonzero(judged.pd >= THRESHOLD)
    cells = {name: values[refused] for name, values in whole.items()}
    nothing = np.full(len(refused), None, dtype=object)
    accepted = sum(
        int((asked.judge(cells | {name: nothing}).pd < THRESHOLD).sum()) for name in SOURCES
    )
    assert accepted > 20


def test_a_word_for_missing_or_no_value_is_no_way_around():
    asked, applicants = scorer("lr", False), raw()
    whole = {name: applicants[name].to_numpy(dtype=object) for name in SOURCES}
    refused = np.flatnonzero(decisions(asked, whole) == REJECT)
    cells = {name: values[refused] for name, values in whole.items()}
    for name in SOURCES:
        for text in ("?", " ", "nonsense", "-99999", "1e999"):
            other = np.full(len(refused), text, dtype=object)
            assert set(decisions(asked, cells | {name: other})) == {REFER}, (name, text)


def test_a_gain_is_referred_if_it_is_asked_for():
    """With `gain: true`, no acceptance of a refused applicant is left, whatever may be missing."""
    plain, applicants = scorer("lr", True), raw()
    rules = plain.champion.description.referral
    train = part("train")
    usual = {
        name: sorted(train[name].dropna().unique().tolist())
        for name in ("amount", "savings", "employment_duration")
    }
    about = plain.champion.description.model_copy(
        update={"referral": rules.model_copy(update={"gain": usual})}
    )
    careful = Scorer(Champion(plain.champion.model, about), NOTATION)
    whole = {name: applicants[name].to_numpy(dtype=object) for name in SOURCES}
    refused = np.flatnonzero(decisions(plain, whole) == REJECT)
    cells = {name: values[refused] for name, values in whole.items()}
    nothing = np.full(len(refused), None, dtype=object)
    for source in GAPS:
        without = cells | {source: nothing}
        assert ACCEPT in set(decisions(plain, without)) or source != "sparkont"
        assert set(decisions(careful, without)) <= {REJECT, REFER}
    reasons = careful.referral_reasons(careful.judge(cells | {"sparkont": nothing}))
    texts = {one.text for own in reasons for one in own}
    assert texts == {
        "savings: not given; with some usual value the applicant would not be accepted"
    }
    assert isinstance(applicants, pd.DataFrame)

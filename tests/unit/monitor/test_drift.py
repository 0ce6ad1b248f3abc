"""Drift: the tests by hand, how often they err, what they find; references and counts."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from creditrisk.champion.grades import GradesParams
from creditrisk.champion.groups import FairnessParams
from creditrisk.champion.reference import Reference, Spread, make_reference
from creditrisk.monitor.counts import add_up, count_batch
from creditrisk.monitor.drift import compare, compare_shares, holm
from creditrisk.monitor.judge import judge
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.parse import parse
from tests.support.champions import part
from tests.support.small_data import DEFAULT
from tests.support.watching import (
    PARAMS,
    PROMISED,
    as_rows,
    counted,
    facts,
    judged,
    oof,
    raw,
    reference,
    scorer,
    window,
)


def changed(seed: int, **columns: object) -> pd.DataFrame:
    """A window of 200 with columns that are functions of the old ones."""
    rows = window(200, seed)
    rng = np.random.default_rng(seed)
    return rows.assign(**{name: change(rows[name], rng) for name, change in columns.items()})


def numbers(change):
    return lambda texts, rng: change(texts.astype(float)).round().astype(int).astype(str)


def share(value, part_of=0.1):
    return lambda texts, rng: texts.where(rng.random(len(texts)) >= part_of, value)


def test_two_samples_by_hand():
    old, new = np.array([50.0, 30, 20]), np.array([10.0, 20, 20])
    found = compare(old, new, ordered=False)
    assert found.p == pytest.approx(stats.chi2_contingency([old, new], correction=False).pvalue)
    ordered = compare(old, new, ordered=True)
    values = [np.repeat([0, 1, 2], side.astype(int)) for side in (old, new)]
    wilcoxon = stats.mannwhitneyu(*values, method="asymptotic", use_continuity=False).pvalue
    assert ordered.p == pytest.approx(2 * min(found.p, wilcoxon), rel=1e-6)
    assert found.by_chance == pytest.approx(2 * (1 / 50 + 1 / 100))


def test_rare_bins_are_put_together_and_equal_samples_do_not_differ():
    assert compare(np.array([1000.0, 1, 1]), np.array([50.0, 0, 0]), ordered=False).p == 1
    old = np.array([80.0, 10, 10, 1, 1, 1])
    assert compare(old, old, ordered=True).p == 1
    empty = compare(old, np.zeros(6), ordered=True)
    assert np.isnan(empty.psi)
    assert empty.p == 1


def test_the_spread_of_the_models_makes_a_difference_less_sure():
    old, new = np.array([80.0] * 10), np.array([32.0, 11, 20, 20, 20, 20, 20, 20, 20, 17])
    sure = compare(old, new, ordered=False)
    less = compare(old, new, ordered=False, spread=Spread(excess=0.05, models=10))
    assert sure.p < less.p
    assert less.by_chance == pytest.approx(sure.by_chance + 0.05)


def test_shares_by_fishers_exact_test():
    found = compare_shares(20, 200, 8, 800)
    assert (found.now, found.then) == (0.1, 0.01)
    assert found.p == pytest.approx(stats.fisher_exact([[20, 180], [8, 792]]).pvalue)
    assert compare_shares(0, 200, 0, 800).p == 1
    assert compare_shares(0, 200, 80, 800, more_only=True).p == 1


def test_holm_by_hand():
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert {name: p for name, (p, _) in found.items()} == pytest.approx(
        {"a": 0.03, "c": 0.06, "b": 0.06}
    )


@pytest.mark.slow
def test_windows_without_drift_raise_hardly_an_alarm_and_drift_is_found():
    quiet = sum(bool(judged(window(200, seed)).found) for seed in range(200))
    assert quiet <= 3
    for name, change in (
        ("amount", {"hoehe": numbers(lambda amount: 1.5 * amount)}),
        ("age", {"alter": numbers(lambda age: age + 5)}),
    ):
        found = [judged(changed(seed, **change)).series[name]["alarm"] for seed in range(20)]
        assert sum(found) >= 19, name


def test_missing_values_and_new_levels_are_found_in_their_column_only():
    verdict = judged(changed(1, hoehe=share(None), verw=share("77")))
    assert [(one.kind, one.place) for one in verdict.found] == [
        ("unseen", "purpose"), ("missing", "amount"),
    ]  # fmt: skip
    assert verdict.series["amount"]["missing_rate"] == pytest.approx(0.1, abs=0.05)
    assert verdict.series["purpose"]["unseen_rate"] == pytest.approx(0.1, abs=0.05)


def test_a_difference_that_is_sure_but_small_is_no_alarm():
    rows = pd.concat([raw()] * 20, ignore_index=True)
    rows["alter"] = (rows["alter"].astype(int) + 1).astype(str)
    verdict = judged(rows)
    assert verdict.series["age"]["p_holm"] < PARAMS.family_alpha / 5
    assert not verdict.series["age"]["alarm"]


def test_a_window_without_enough_rows_shows_numbers_and_raises_no_alarm():
    rows = counted(changed(1, hoehe=numbers(lambda amount: 3 * amount)))
    assert judge(rows, reference(), PARAMS).found
    verdict = judge(rows, reference(), PARAMS, complete=False)
    assert not verdict.found
    assert not verdict.series["amount"]["alarm"]
    assert verdict.series["amount"]["psi"] > 0.3


def test_counts_of_batches_add_up():
    rows = window(300, 3)
    both = add_up([counted(rows.iloc[:100]), counted(rows.iloc[100:], number=2)])
    whole = counted(rows)
    assert both.sum_pd == pytest.approx(whole.sum_pd)
    assert both.model_copy(update={"sum_pd": whole.sum_pd}) == whole


def test_the_reference_counts_each_training_row_once_and_has_no_row():
    found, train = reference(), part("train")
    for name, like in found.variables.items():
        counts = sum(like.counts) + sum(like.special.values()) + like.missing
        assert counts == len(train), name
        numeric = DEFAULT.variables[name].kind == "numeric"
        assert (like.kind == "numeric") == numeric
    assert sum(found.score.counts) == pytest.approx(len(train))
    pds = oof()["pd"].to_numpy()
    assert found.accepted.accepted == pytest.approx((pds < found.threshold).mean() * len(train))
    assert sum(grade.rows for grade in found.grades) == pytest.approx(len(train))
    assert Reference.model_validate_json(found.model_dump_json()) == found
    assert len(found.model_dump_json()) < 30_000


def test_training_rows_are_known_again_and_others_are_not():
    cells, _ = parse(raw(), DEFAULT, Notation.of(".", ",", []))
    arrays = {name: cells[name].to_numpy() for name in reference().variables}
    is_training = reference().is_training_row(arrays)
    assert is_training.sum() == 800
    assert is_training[part("train")["row_id"].to_numpy() - 1].all()
    arrays["amount"] = arrays["amount"] + 1
    assert reference().is_training_row(arrays).mean() < 0.01


def test_the_champions_own_training_rows_are_no_news():
    count, lines = count_batch(as_rows(raw()), facts(), scorer(), reference())
    assert (count.rows, count.fresh) == (1000, 200)
    assert lines["pd"].isna().sum() == 800  # no outcome is compared with what was learned by heart
    assert sum(count.score) == 200


def test_the_spread_is_what_the_models_differ_in_beyond_chance():
    rng = np.random.default_rng(4)
    alike = oof().assign(pd=rng.random(len(oof())))
    is_other = (alike["fold"] == alike["fold"].min()).to_numpy()
    apart = alike.assign(pd=np.where(is_other, alike["pd"] / 2, alike["pd"]))

    def spread(lines: pd.DataFrame) -> tuple[float, float]:
        found = make_reference(
            part("train"), lines, DEFAULT, {}, FairnessParams(), np.zeros(len(lines), dtype=bool),
            GradesParams(),
            threshold=0.5, model_sha256="0" * 64, promised=PROMISED,
        )  # fmt: skip
        assert found.score.spread.models == 10
        return found.score.spread.excess, found.accepted_spread.excess

    # One model in five has all of its PDs in the lower half: the variance of the share that is
    # accepted is that of 0.5, 0.5, 0.5, 0.5, 1, summed over both decisions.
    assert max(spread(alike)) < 0.02
    score, accepted = spread(apart)
    assert accepted == pytest.approx(0.044 / 0.6 + 0.044 / 0.4, rel=0.25)
    assert score > 0.1

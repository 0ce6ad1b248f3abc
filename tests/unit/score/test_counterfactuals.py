"""Counterfactuals: typed in they are accepted, and on a scorecard none is smaller."""

import numpy as np
import pytest

from creditrisk.score.counterfactuals import search
from creditrisk.score.counterfactuals.options import Options
from creditrisk.score.counterfactuals.search import Counterfactuals
from tests.support.asgi import applicants
from tests.support.changeable import MUTABLE, champion_with, default_champion, texts
from tests.support.small_card import LEVELS, WORDS, brute_force, small_champion, with_mutable


def finder(model):
    champion = model.champion
    return Counterfactuals(champion.description, champion.predictor, champion.baseline)


def found_for(model, columns, most=3):
    """The counterfactuals of each applicant who is not accepted, by position."""
    judged = model.scorer.judge(columns)
    rows = np.flatnonzero(~judged.accepted & judged.readable)
    stated = {name: values[rows] for name, values in judged.cells.original.items()}
    return dict(zip(rows.tolist(), finder(model).find(stated, judged.pd[rows], most), strict=True))


def typed(model, columns, row, changes):
    """An applicant with changes, as texts."""
    own = {name: values[row] for name, values in columns.items()}
    for source, column in model.schema.columns.items():
        if column.name in changes:
            value = changes[column.name]
            own[source] = value if isinstance(value, str) else repr(float(value))
    return own


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "X": rng.integers(0, 25, count).astype(str).astype(object),
        "Y": rng.integers(1, 21, count).astype(str).astype(object),
        "Rank": rng.choice(LEVELS, count).astype(object),
        "Word": rng.choice(WORDS, count).astype(object),
    }


@pytest.mark.parametrize("operation", ["ratio", "product", "sum", "difference"])
@pytest.mark.parametrize(
    "mutable",
    [
        {},
        {"x": "down", "rank": "true"},
        {"y": "up", "word": "false"},
        {"threshold": 0.2, "rank": "false"},
        {"threshold": 0.12},
    ],
)
def test_no_set_of_changes_is_smaller_on_a_scorecard(operation, mutable):
    model = with_mutable(small_champion(operation), **mutable)
    columns = drawn(60)
    assert finder(model).exact is not None
    found = found_for(model, columns)
    assert len(found) > 20
    names = {"x": "X", "y": "Y", "rank": "Rank", "word": "Word"}
    none = 0
    for row, own in found.items():
        applicant = {name: values[row] for name, values in columns.items()}
        ours = [(tuple(names[n] for n in one.changes), one.size) for one in own]
        brute = brute_force(model, applicant, 3)
        none += not brute
        assert [set(a) for a, _ in ours] == [set(a) for a, _ in brute], (applicant, ours, brute)
        assert [s for _, s in ours] == pytest.approx([s for _, s in brute])
    assert none < len(found)


EXACT, SEARCHED = ("scorecard", "scorecard platt"), ("lr", "xgb", "rf", "mlp")


@pytest.mark.parametrize("kind", [*EXACT, *SEARCHED])
def test_what_is_found_is_accepted_when_it_is_typed_in(kind):
    model, columns = default_champion(kind), texts(applicants(250))
    assert (finder(model).exact is not None) == (kind in EXACT)
    found = found_for(model, columns)
    rows = [typed(model, columns, row, one.changes) for row, own in found.items() for one in own]
    assert len(rows) > 50
    judged = model.scorer.judge(texts(rows))
    assert judged.accepted.all()
    assert judged.pd.tolist() == [one.pd for own in found.values() for one in own]


@pytest.mark.parametrize("kind", ["scorecard", "xgb"])
def test_only_what_can_change_changes_and_in_its_direction(kind):
    model, columns = default_champion(kind), texts(applicants(250))
    found = found_for(model, columns)
    judged, seen = model.scorer.judge(columns), set()
    grades = list(model.schema.variables["employment_duration"].levels)
    for row, own in found.items():
        sets = [set(one.changes) for one in own]
        assert [len(s) for s in sets] == sorted(len(s) for s in sets)
        for i, one in enumerate(sets):
            assert 1 <= len(one) <= 3
            assert not any(other <= one for other in sets[:i])
        for one in own:
            seen |= one.changes.keys()
            for name, value in one.changes.items():
                old = judged.cells.original[name][row]
                assert value != old
                if name == "amount":
                    assert np.isnan(old) or value < old
                    assert value == int(value)
                if name == "employment_duration" and old is not None:
                    assert grades.index(value) > grades.index(old)
    assert seen == set(MUTABLE)


@pytest.mark.parametrize("kind", ["scorecard", "xgb"])
def test_an_applicant_gets_the_same_alone_and_in_any_company(kind):
    model, columns = default_champion(kind), texts(applicants(150))
    together = found_for(model, columns)
    for row in list(together)[::12]:
        alone = found_for(model, {name: values[row : row + 1] for name, values in columns.items()})
        assert alone[0] == together[row]
    order = np.random.default_rng(1).permutation(150)
    mixed = found_for(model, {name: values[order] for name, values in columns.items()})
    assert {int(order[row]): own for row, own in mixed.items()} == together


@pytest.mark.parametrize("kind", ["lr", "xgb"])
def test_a_found_number_is_the_nearest_one_that_is_accepted(kind):
    model = champion_with(kind, {"duration": True, "amount": True})
    columns = texts(applicants(200, spoiled=False))
    nearer, count = [], 0
    for row, own in found_for(model, columns).items():
        for one in own:
            if list(one.changes) == ["duration"]:
                old = int(columns["laufzeit"][row])
                step = 1 if old > one.changes["duration"] else -1
                if one.changes["duration"] + step != old:
                    changed = {"duration": one.changes["duration"] + step}
                    nearer.append(typed(model, columns, row, changed))
                count += 1
    assert count > 10
    accepted = model.scorer.judge(texts(nearer)).accepted
    assert not accepted.any()


@pytest.mark.parametrize("kind", ["xgb", "rf"])
def test_on_other_models_the_search_misses_few_single_changes(kind):
    model = champion_with(kind, {"duration": True, "savings": True})
    columns = texts(applicants(120, spoiled=False))
    found = found_for(model, columns)
    missed = 0
    for row, own in found.items():
        tried = [{"duration": float(months)} for months in range(1, 73)]
        rows = [typed(model, columns, row, changes) for changes in tried]
        exists = model.scorer.judge(texts(rows)).accepted.any()
        ours = any(list(one.changes) == ["duration"] for one in own)
        assert exists or not ours
        missed += exists and not ours
    # Only usual values are tried, which leave out a twentieth of the rows at each end.
    assert missed <= 0.05 * len(found)


def test_an_applicant_takes_a_bounded_number_of_pds(monkeypatch):
    model = champion_with("xgb", dict.fromkeys(
        (n for n, c in champion_with("xgb").schema.variables.items()), True))  # fmt: skip
    columns = texts(applicants(40))
    search, scored = finder(model), []
    own = search.decisions.predictor.pd
    monkeypatch.setattr(
        search.decisions.predictor, "pd", lambda rows: scored.append(len(rows["age"])) or own(rows)
    )
    judged = model.scorer.judge(columns)
    for row in np.flatnonzero(~judged.accepted & judged.readable)[:15]:
        scored.clear()
        stated = {name: values[[row]] for name, values in judged.cells.original.items()}
        list(search.find(stated, judged.pd[[row]], 3))
        assert sum(scored) <= 20_000


def test_fewer_pds_are_computed_if_that_is_the_bound(monkeypatch):
    model = champion_with("xgb", dict.fromkeys(default_champion("xgb").schema.variables, True))
    columns = texts(applicants(20))
    judged = model.scorer.judge(columns)
    rows = np.flatnonzero(~judged.accepted & judged.readable)
    stated = {name: values[rows] for name, values in judged.cells.original.items()}
    counts = []
    for bound in (5000, 20):
        monkeypatch.setattr(search, "MOST_PDS", bound)
        monkeypatch.setattr(search, "MOST_SETS", bound)
        one, scored = finder(model), []
        own = one.decisions.predictor.pd
        with monkeypatch.context() as patch:
            patch.setattr(
                one.decisions.predictor, "pd",
                lambda rows, own=own, scored=scored: scored.append(len(rows["age"])) or own(rows),
            )  # fmt: skip
            list(one.find(stated, judged.pd[rows], 60))
        counts.append(sum(scored) / len(rows))
    singles = sum(len(v.usual) for v in one.variables.values())
    assert counts[1] <= singles + 3 * 20 * (1 + 3 * 24 + 3)
    assert counts[1] < 0.8 * counts[0]


def test_of_too_many_changes_the_smallest_and_the_most_promising_are_tried(monkeypatch):
    numbers = np.arange(100.0)
    every = Options({"x": numbers}, sizes=numbers, deltas=-numbers)
    kept = search._fewer(every, 10).values["x"]
    assert kept.tolist() == [0, 1, 2, 3, 4, 95, 96, 97, 98, 99]
    assert search._fewer(every, 100) is every
    bounds, own = [], search._fewer
    monkeypatch.setattr(search, "_fewer", lambda o, most: bounds.append(most) or own(o, most))
    found_for(default_champion("xgb"), texts(applicants(30)))
    assert max(bounds) <= search.MOST_PDS
    bounds.clear()
    found_for(default_champion("scorecard"), texts(applicants(30)))
    assert {*bounds} == {None}  # an exact search leaves out nothing


def test_what_is_missing_is_filled_in_near_the_middle_of_what_is_usual():
    model = default_champion("scorecard")
    middle = finder(model).variables["duration"].middle
    rows = [row | {"laufzeit": None} for row in applicants(100, spoiled=False)]
    found = found_for(model, texts(rows))
    seen = 0
    for row, own in found.items():
        if not own or set(own[0].changes) != {"duration"}:
            continue
        months = np.arange(1, 73)
        tried = [typed(model, texts(rows), row, {"duration": float(m)}) for m in months]
        accepted = months[model.scorer.judge(texts(tried)).accepted]
        nearest = np.abs(accepted - middle).min()
        assert abs(own[0].changes["duration"] - middle) == nearest
        seen += 1
    assert seen > 10


def test_who_is_referred_is_told_what_to_state_only_if_it_can_change():
    model = default_champion("scorecard")
    good = next(
        row for row in applicants(200, spoiled=False)
        if model.scorer.judge(texts([row])).accepted.all()
    )  # fmt: skip
    rows = [
        good | {"laufzeit": None}, good | {"alter": None}, good | {"sparkont": "?"},
        good | {"laufzeit": None, "hoehe": None},
    ]  # fmt: skip
    found = found_for(model, texts(rows))
    assert set(found) == {0, 1, 2, 3}
    assert found[1] == []  # nobody can change an age
    for row, needed in ((0, {"duration"}), (2, {"savings"}), (3, {"duration", "amount"})):
        assert found[row]
        for one in found[row]:
            assert needed <= one.changes.keys()
    judged = model.scorer.judge(texts([typed(model, texts(rows), 0, found[0][0].changes)]))
    assert judged.accepted.all()


def test_who_is_in_the_band_is_told_what_leads_to_acceptance_and_not_into_the_band():
    model = champion_with("scorecard", refer={"band": [0.1, 0.4]})
    columns = texts(applicants(200, spoiled=False))
    judged = model.scorer.judge(columns)
    found = found_for(model, columns)
    assert (judged.decisions[list(found)] == "refer").any()
    assert (judged.decisions[list(found)] == "reject").any()
    pds = [one.pd for own in found.values() for one in own]
    assert len(pds) > 50
    assert max(pds) < 0.1


def test_an_acceptance_that_depends_on_a_missing_value_is_not_suggested():
    model = champion_with("scorecard", refer={"missing": False, "gain": True})
    rows = [row | {"sparkont": None} for row in applicants(150, spoiled=False)]
    found = found_for(model, texts(rows))
    rows = [typed(model, texts(rows), row, one.changes) for row, own in found.items()
            for one in own]  # fmt: skip
    assert len(rows) > 20
    assert model.scorer.judge(texts(rows)).accepted.all()


def test_special_codes_and_missing_values_are_never_suggested():
    model = small_champion()
    columns = drawn(80, seed=4)
    columns["X"][:40] = "99"
    found = found_for(model, columns)
    assert any("x" in one.changes for row in range(40) for one in found.get(row, ()))
    for own in found.values():
        for one in own:
            assert not np.isnan(one.changes.get("x", 0.0))
            assert one.changes.get("x", 0.0) <= 24
    rows = [typed(model, columns, row, one.changes) for row, own in found.items() for one in own]
    judged = model.scorer.judge(texts(rows))
    assert judged.accepted.all()
    assert judged.pd.tolist() == [one.pd for own in found.values() for one in own]
    # A smaller change of x is not enough: what takes the place of a code is as near as can be.
    with_code = [own for row, own in found.items() if row < 40]
    assert any(list(one.changes) == ["x"] for own in with_code for one in own)


def test_nothing_is_found_where_nothing_can_change():
    model = champion_with("scorecard", {})
    assert finder(model).variables == {}
    assert all(own == [] for own in found_for(model, texts(applicants(50))).values())


def test_other_small_models_are_searched_with_derived_and_special_codes():
    model = small_champion("ratio", "lr", (("encoder", "onehot"), ("resample", "none"), ("C", 1.0)))
    assert finder(model).exact is None
    columns = drawn(80)
    found = found_for(model, columns)
    rows = [typed(model, columns, row, one.changes) for row, own in found.items() for one in own]
    assert len(rows) > 20
    assert model.scorer.judge(texts(rows)).accepted.all()
    sizes = {row: len(own[0].changes) for row, own in found.items() if own}
    fewest = {
        row: brute_force(model, {name: v[row] for name, v in columns.items()}, 1)
        for row in list(found)[:25]
    }
    worse = [row for row, brute in fewest.items() if brute and sizes.get(row) != len(brute[0][0])]
    assert len(worse) <= 1

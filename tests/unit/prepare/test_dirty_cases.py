"""The rules of prepare in cases of a few rows: twins, chains, conflicts, ids, notation, gates."""

import itertools

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.prepare.cells import Notation, number_reader
from creditrisk.prepare.duplicates import encode, least_cells, resolve
from creditrisk.prepare.gates import check_quality_gates
from creditrisk.prepare.pairs import find_pairs
from creditrisk.prepare.rejected import REASONS
from creditrisk.schema import parse_schema
from tests.support.defects import Style
from tests.support.small_data import (
    DEFAULT,
    DEFAULT_CSV,
    SMALL,
    alike,
    by_applicant,
    clean,
    ingest,
    params,
    raw_of,
    small_clean,
    with_id,
)

# Rows of the small schema: 8 features, 6 must be compared.
SOURCES = list(SMALL.columns)
BASE = dict(zip(SOURCES, ["1000.5", "30", "-2", "Nord", "low", "Ok", "10", "yes"], strict=True))


def others(count: int = 8) -> list[dict]:
    """Rows of other applicants, so that both classes are there."""
    return small_clean(count, 7).to_dict("records")


def row(target: str = "paid", **cells) -> dict:
    return BASE | {"Out come": target} | cells


@pytest.mark.parametrize("how", ["merge", "drop", "keep"])
def test_a_chain_is_resolved_the_same_in_any_order(how):
    # a and b agree, b and c agree, a and c differ in Grade: nobody knows whose twin b is.
    a, b, c = row(Region=None), row(Grade=None), row(Grade="medium", One=None)
    assert alike(pd.DataFrame([a, b, c])[SOURCES], 6) == {(0, 1), (1, 2)}
    results = []
    for rows in itertools.permutations([a, b, c]):
        done = clean(raw_of([*rows, *others()], SMALL), SMALL, near_duplicates=how)
        kept = done.clean[done.clean["income"] == 1000.5]
        assert len(kept[["applicant", "split"]].drop_duplicates()) == 1
        assert len(kept) == (3 if how == "keep" else 2)
        results.append((by_applicant(done.clean, SMALL), str(done.summary)))
    assert all(r == results[0] for r in results)


@pytest.mark.parametrize(
    "strays",
    [[(3, 4)], [(3, 4), (9, 4)], [(3, 4), (9, 11)], [(3, 20), (9, 0)], [(2, 1), (5, 1), (9, 1)]],
)
def test_a_stray_quote_costs_its_own_row_alone(strays):
    lines = DEFAULT_CSV.read_text(encoding="utf-8").splitlines()[:21]
    whole = ingest("\n".join(lines).encode(), DEFAULT).frame
    for line, column in strays:
        cells = lines[line].split(",")
        lines[line] = ",".join([*cells[:column], '"' + cells[column], *cells[column + 1 :]])
    raw = ingest("\n".join(lines).encode(), DEFAULT).frame
    assert raw["line"].tolist() == list(range(2, 22))
    hit = raw["row_id"].isin([line for line, _ in strays])
    assert not (raw["malformed"].notna() & ~hit).any()
    pd.testing.assert_frame_equal(raw[~hit], whole[~hit])
    sound = hit & raw["malformed"].isna()  # a quote before a row's last cell does no harm
    assert raw.loc[sound, "kredit"].str.strip().tolist() == whole.loc[sound, "kredit"].tolist()


def test_a_quoted_cell_may_hold_a_line_with_as_many_cells_as_the_header():
    plain = [f"{i},x,{'g' if i % 4 else 'b'}" for i in range(5, 25)]
    lines = ["a,note,y", '3,"Main St 5\nFlat 2, 10115, Berlin\nGermany",g', *plain]
    schema = parse_schema(
        {
            "name": "notes",
            "target": {"column": "y", "good": ["g"], "bad": ["b"]},
            "columns": {
                "a": {"name": "a", "kind": "numeric"},
                "note": {"name": "note", "kind": "nominal"},
            },
        },
        "notes.yaml",
    )
    raw = ingest("\n".join(lines).encode(), schema).frame
    assert raw["row_id"].tolist() == list(range(1, 22))
    assert raw["malformed"].isna().all()
    assert raw["note"].iloc[0] == "Main St 5\nFlat 2, 10115, Berlin\nGermany"
    # Two quotes that went astray make no cell, though the record that they make has its width.
    lines = ["a,note,y", '3,"x,g', *plain[:3], '9,x",g']
    raw = ingest("\n".join(lines).encode(), schema).frame
    assert raw["line"].tolist() == [2, 3, 4, 5, 6]
    assert raw["malformed"].isna().tolist()[1:4] == [True] * 3


def test_a_merged_row_has_the_cells_of_both():
    rows = [row(Region=None, Code="?"), row(Grade="", One=None), *others()]
    done = clean(raw_of(rows, SMALL), SMALL, near_duplicate_min_cells=4)
    assert done.summary["merged_cells"] == 2
    assert done.summary["twins"]["near_duplicates"] == 1
    kept = done.clean[done.clean["income"] == 1000.5]
    assert kept[["region", "grade", "code", "one"]].to_numpy().tolist() == [
        ["Nord", "low", "10", "yes"]
    ]


@pytest.mark.parametrize("least", [6, 7])
def test_too_few_cells_compared_are_no_twins(least):
    # Six cells in common; three quarters of eight columns are six.
    rows = [row(Region=None), row(Grade=None), *others()]
    done = clean(raw_of(rows, SMALL), SMALL, near_duplicate_min_cells=least)
    assert done.summary["twins"]["near_duplicates"] == 1
    rows = [row(Region=None, One=None), row(Grade=None), *others()]
    done = clean(raw_of(rows, SMALL), SMALL, near_duplicate_min_cells=least)
    assert done.summary["twins"]["near_duplicates"] == 0


def test_one_cell_that_differs_makes_no_twins():
    rows = [row(Region=None), row(Code="2"), *others()]
    done = clean(raw_of(rows, SMALL), SMALL)
    assert done.summary["rows_rejected"] == 0


@pytest.mark.parametrize("second", [row("default"), row("default", Region="")])
@pytest.mark.parametrize("rule", ["worst", "reject"])
def test_conflicting_targets_are_settled_by_the_rule_and_counted(second, rule):
    rows = [row("paid"), second, *others()]
    done = clean(raw_of(rows, SMALL), SMALL, conflicting_targets=rule)
    found = done.summary["twins"]
    assert found["conflicting_targets"] == 1
    near = second["Region"] == ""
    assert (found["duplicates"], found["near_duplicates"]) == (int(not near), int(near))
    kept = done.clean[done.clean["income"] == 1000.5]
    if rule == "worst":
        assert kept["bad"].tolist() == [1]
        assert done.summary["rows_rejected"] == 1
    else:
        assert len(kept) == 0
        assert done.summary["rows_rejected"] == 2
        assert done.rejected["kept_row_id"].isna().all()


def test_exact_duplicates_are_dropped_or_kept_in_one_group():
    rows = [row(), row(Income=" +1.0005e3 "), row(Code="10.0"), *others()]
    done = clean(raw_of(rows, SMALL), SMALL)
    assert done.summary["rejected"]["duplicate"] == 2
    assert done.rejected["kept_row_id"].tolist() == [1, 1]
    done = clean(raw_of(rows, SMALL), SMALL, duplicates="keep")
    assert done.summary["rows_rejected"] == 0
    assert done.clean["applicant"].tolist()[:3] == [1, 1, 1]


def test_copies_that_are_kept_are_counted():
    rows = [row(), row("default"), row(Region=""), *others()]
    done = clean(raw_of(rows, SMALL), SMALL, duplicates="keep", near_duplicates="keep")
    assert done.summary["rows_rejected"] == 0
    assert done.summary["applicants"] == 9
    found = done.summary["twins"]
    assert found["duplicates"] == found["near_duplicates"] == found["conflicting_targets"] == 1
    # Identical rows may be different people after all: what is kept keeps its outcome.
    assert done.clean["bad"].tolist()[:3] == [0, 1, 0]


@pytest.mark.parametrize("how", ["merge", "drop"])
def test_kept_duplicates_stay_whatever_near_duplicates_others_have(how):
    stranger, *rest = others()
    rows = [row(), row(), *rest, stranger, stranger | {"Region": ""}]
    done = clean(raw_of(rows, SMALL), SMALL, duplicates="keep", near_duplicates=how)
    assert done.summary["rejected"] == dict.fromkeys(REASONS, 0) | {"near_duplicate": 1}
    assert done.summary["twins"]["duplicates"] == 1
    assert done.clean["row_id"].tolist()[:2] == [1, 2]


@pytest.mark.parametrize("how", ["merge", "drop"])
def test_kept_duplicates_fare_alike(how):
    # Both copies get the cell of the row that joins them, and its default.
    gap, full = row(Region=""), row("default", Grade="")
    done = clean(
        raw_of([gap, gap, full, *others()], SMALL), SMALL, duplicates="keep", near_duplicates=how
    )
    assert done.rejected["reason"].tolist() == ["near_duplicate"]
    kept = done.clean[done.clean["income"] == 1000.5]
    assert kept["bad"].tolist() == [1, 1]
    assert kept["region"].isna().tolist() == [how == "drop"] * 2
    assert done.summary["merged_cells"] == (2 if how == "merge" else 0)
    assert done.summary["twins"]["conflicting_targets"] == 1
    # Both join the row that is more complete.
    done = clean(
        raw_of([gap, gap, row(), *others()], SMALL), SMALL, duplicates="keep", near_duplicates=how
    )
    assert done.rejected["reason"].tolist() == ["near_duplicate"] * 2
    assert done.rejected["kept_row_id"].tolist() == [3, 3]


def test_ids_tell_look_alikes_apart():
    schema = with_id()
    rest = [r | {"Customer": f"o{i}"} for i, r in enumerate(others())]
    rows = [row(Customer="7"), row(Customer="8"), row(Customer="9", Region=None), *rest]
    done = clean(raw_of(rows, schema), schema)
    assert done.summary["rows_rejected"] == 0
    # Equal rows stay together in the split whatever their ids; one with an empty cell does not.
    assert done.clean["applicant"].tolist()[:3] == [1, 1, 3]
    assert done.clean["applicant"].nunique() == len(rows) - 1
    assert done.summary["equal_rows"] == {"together": 2, "by_chance": 0}
    assert done.clean["customer"].tolist()[:3] == ["7", "8", "9"]
    # The same id twice: one applicant, however its rows differ.
    rows = [row(Customer="7"), row(Customer=" 7.0 ", Code="2"), row(Customer="7", One=""), *rest]
    done = clean(raw_of(rows, schema), schema)
    assert done.summary["rejected"]["near_duplicate"] == 1
    assert done.clean["applicant"].tolist()[:2] == [1, 1]
    assert done.clean["split"].nunique() == 2
    assert done.clean["split"].iloc[0] == done.clean["split"].iloc[1]


@pytest.mark.parametrize(
    ("decimal", "codes"), [(".", ["+5", "5", "5.0"]), (",", ["5,0", "+5,00", "5", "5.0"])]
)
def test_codes_are_numbers_where_they_are_numbers(decimal, codes):
    style = Style(decimal=decimal, thousands="")
    rest = [r | {"Balance": "8", "Income": "7"} for r in others()]
    rows = [row(Region=code, Income="9", Balance="2") for code in codes]
    done = clean(raw_of([*rows, *rest], SMALL), SMALL, style, duplicates="keep")
    assert done.clean["region"].tolist()[: len(codes)] == ["5"] * len(codes)
    assert done.summary["twins"]["duplicates"] == len(codes) - 1
    other = [row(Region=code, Income="9", Balance="2") for code in ("05", "5", "5a", "+-5", "1e4")]
    done = clean(raw_of([*other, *rest], SMALL), SMALL, style)
    assert done.clean["region"].tolist()[:5] == ["05", "5", "5a", "+-5", "1e4"]


def test_a_level_that_is_a_null_word_is_a_level_in_its_column_alone():
    rows = [row(Status="unknown", Region="unknown"), row(Status=" - ", Region="N / A"), *others()]
    done = clean(raw_of(rows, SMALL), SMALL)
    assert done.clean["status"].tolist()[:2] == ["unknown", "-"]
    assert done.clean["region"].isna().tolist()[:2] == [True, True]
    assert done.summary["cells"]["region"]["null_word"] == 2
    assert done.summary["cells"]["status"]["null_word"] == 0


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "value"),
    [
        (".", ",", "1,234.50", 1234.5),
        (",", ".", "1.234,50", 1234.5),
        (",", " ", "1 234,50", 1234.5),
        (",", " ", "1\u202f234,50\u00a0€", 1234.5),
        (",", "", "1234,5 €", 1234.5),
        (".", ",", "EUR 1,234.5", 1234.5),
        (".", ",", "12,34.5", None),
        (".", ",", "1.234,50", None),
        (",", ".", "1,234.50", None),
        (".", "", "1,234", None),
        (".", ",", "+.5e1", 5),
        (".", ",", "1,234.5.6", None),
    ],
)
def test_a_number_is_read_by_the_notation_or_not_at_all(decimal, thousands, text, value):
    style = Style(decimal=decimal, thousands=thousands)
    plain = [r | {"Income": "7", "Balance": "8"} for r in others()]
    done = clean(raw_of([row(Income=text, Balance="1"), *plain], SMALL), SMALL, style)
    got = done.clean["income"].iloc[0]
    assert got == value or (value is None and np.isnan(got))
    assert done.summary["cells"]["income"]["unparseable"] == (value is None)


@pytest.mark.parametrize("text", ["120Fuß", "120 FUSS", "Fuß 120", "fuss120", "1.2E2 Fuß"])
def test_a_unit_is_taken_off_whole_however_it_is_folded(text):
    assert number_reader(Notation.of(".", ",", []), ["Fuß"])(text) == 120


@pytest.mark.parametrize(
    ("spoil", "limits", "words"),
    [
        (lambda rows: [r | {"Grade": "?"} for r in rows], {}, ["grade", "null_word", "100.0%"]),
        (lambda rows: [r | {"Age Years": "1"} for r in rows], {}, ["age", "out_of_domain"]),
        (lambda rows: [*rows, *[r | {"Out come": "?"} for r in rows]], {}, ["invalid_target"]),
        (lambda rows: [*rows, rows[0]], {"max_rejected_share": 0.0}, ["duplicate"]),
        (lambda rows: [*rows[:-1], rows[-1] | {"Code": ""}], {"max_missing_share": 0.0}, ["code"]),
    ],
)
def test_gates_name_the_column_or_the_reason(spoil, limits, words):
    done = clean(raw_of(spoil(others(40)), SMALL), SMALL)
    with pytest.raises(InputError) as caught:
        check_quality_gates(done.summary, params(**limits), "params.yaml")
    assert all(word in str(caught.value) for word in words)


def test_agreement_by_chance_is_a_parameter_and_told():
    rng = np.random.default_rng(1)
    flags = {f"f{i}": rng.choice(["0", "1"], 60, p=[0.8, 0.2]) for i in range(8)}
    cells = pd.DataFrame(flags).drop_duplicates(ignore_index=True)
    near = cells.iloc[:10].copy()
    for place in range(10):
        near.iloc[place, place % 8] = None
    cells = pd.concat([cells, near], ignore_index=True).drop_duplicates(ignore_index=True)
    assert len(cells) >= 30
    codes = encode(cells, None)
    by_rule = {
        p for p in alike(cells, 6, by_chance=True) if cells.loc[list(p)].isna().any(axis=None)
    }
    assert {tuple(p) for p in find_pairs(codes, 6, 1e9).tolist()} == by_rule
    assert len(find_pairs(codes, 6)) < len(by_rule)
    assert resolve(cells, None, 6, max_expected_matches=1e9).too_common == 0
    found = resolve(cells, None, 6)
    shares = [cells[n].map(cells[n].value_counts(normalize=True)).fillna(1) for n in cells]
    assert found.too_common == (len(cells) * np.prod(shares, axis=0) > 1).sum() > 0


def test_applicants_who_all_count_as_copies_are_named_in_the_error():
    rows = [row(), row(Region=""), row(Grade="", Region=""), row("default", Region=None)]
    with pytest.raises(InputError, match=r"3 rows count as copies of the 1 applicants.*id column"):
        clean(raw_of(rows, SMALL), SMALL)


def test_rows_that_are_alike_by_chance_do_not_chain_strangers_into_one_applicant():
    # Two telling numbers, 3% of each missing; six flags that nearly all rows share.
    rng = np.random.default_rng(0)
    size = 2000
    cells = {
        name: pd.Series(rng.uniform(0, 1e6, size)).mask(rng.random(size) < 0.03)
        for name in ("income", "loan")
    }
    cells |= {f"f{i}": pd.Series(np.where(rng.random(size) < 0.05, "1", "0")) for i in range(6)}
    groups = resolve(pd.DataFrame(cells), None, least_cells(15, 8)).group
    assert np.bincount(groups).max() < size / 10

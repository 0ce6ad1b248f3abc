"""What real files hold: dates, special codes, outcomes not known yet, groups, other notations."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.core.params import Strict
from creditrisk.prepare.cells import Notation, number_reader
from creditrisk.prepare.clean import prepare
from creditrisk.prepare.contract import check_clean
from creditrisk.prepare.gates import check_cells, check_quality_gates
from creditrisk.prepare.params import SplitParams
from creditrisk.prepare.parse import CAUSES, parse
from creditrisk.prepare.rejected import REASONS
from creditrisk.schema import parse_schema
from tests.support.small_data import params, raw_of

DOT = Notation.of(".", ",", params().null_words)
TREE = {
    "name": "loans",
    "target": {
        "column": "status", "good": ["Fully Paid"], "bad": ["Charged Off"],
        "exclude": ["Current", "In Grace Period"],
    },
    "application_date": "issued",
    "columns": {
        "loan": {"name": "loan", "kind": "id"},
        "member": {"name": "member", "kind": "group"},
        "issued": {"name": "issue", "kind": "date", "format": "%Y-%m-%d"},
        "opened": {"name": "first_credit", "kind": "date", "format": "%b-%Y", "max": "720"},
        "born": {"name": "age", "kind": "date", "format": "%d.%m.%y"},
        "late": {"name": "late", "kind": "numeric", "min": "0", "max": "30",
                 "special": {"96": "other", "98": "refused", "-1": "never"}},
        "rate": {"name": "rate", "kind": "numeric", "unit": "%"},
        "grade": {"name": "grade", "kind": "nominal"},
    },
}  # fmt: skip
SCHEMA = parse_schema(TREE, "loans.yaml")


def loans(count: int = 200, seed: int = 0, **cells) -> list[dict]:
    """Applications from 2012 to 2016; `cells` replaces a column's cells in the first rows."""
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2012-01-01") + pd.to_timedelta(rng.integers(0, 1700, count), unit="D")
    opened = days - pd.to_timedelta(rng.integers(400, 6000, count), unit="D")
    rows = pd.DataFrame(
        {
            "loan": [f"L{i}" for i in range(count)],
            "member": [f"M{i}" for i in rng.integers(0, count, count)],
            "issued": days.strftime("%Y-%m-%d"),
            "opened": opened.strftime("%b-%Y"),
            "born": [f"0{i % 9 + 1}.05.{60 + i % 35}" for i in range(count)],
            "late": rng.choice(["0", "1", "2", "96", "98", "-1.0"], count),
            "rate": [f"{x:.2f}%" for x in rng.uniform(5, 25, count)],
            "grade": rng.choice(list("ABC"), count),
            "status": rng.choice(["Fully Paid", "Fully Paid", "Charged Off", "Current"], count),
        }
    )
    for name, texts in cells.items():
        rows.loc[: len(texts) - 1, name] = texts
    return rows.to_dict("records")


def ready(rows: list[dict], split: SplitParams | None = None, tree: dict | None = None, **rules):
    schema = parse_schema(tree or TREE, "loans.yaml")
    split = split or SplitParams(test_size=0.2)
    done = prepare(raw_of(rows, schema), schema, DOT, params(**rules), split, 42, "loans.csv")
    check_clean(done.clean, schema)
    return done


def first_causes(causes: pd.DataFrame, name: str) -> list[str | None]:
    return [None if pd.isna(cause) else cause for cause in causes[name].iloc[:4]]


def test_dates_become_months_before_the_application():
    rows = loans(
        issued=["2015-06-01"] * 4,
        opened=["Jun-2010", "Jan-15", "Feb-2030", "15/01/2010"],
        born=["01.06.85", "01.06.20", "31.02.80", "1.6.85"],
    )
    cells, causes = parse(raw_of(rows, SCHEMA), SCHEMA, DOT)
    assert cells["first_credit"].iloc[0] == 60
    # A year of two digits, a date after the application, another format.
    assert cells["first_credit"].iloc[1:4].isna().tolist() == [True, False, True]
    assert cells["first_credit"].iloc[2] == -176
    assert first_causes(causes, "first_credit") == [None, "unparseable", None, "unparseable"]
    assert cells["age"].iloc[0] == 360
    # 2020 or 1920? Two digits can't tell, and 2020 is after the application.
    assert first_causes(causes, "age") == [None, "out_of_domain", "unparseable", None]
    assert "issue" not in cells
    assert cells["application_date"].iloc[0] == pd.Timestamp("2015-06-01")


def test_without_the_date_of_the_application_other_dates_say_nothing():
    rows = loans(issued=["", "n/a", "2015-13-01", "2015-06-01"], opened=["Jun-2010"] * 4)
    cells, causes = parse(raw_of(rows, SCHEMA), SCHEMA, DOT)
    assert first_causes(causes, "first_credit") == ["empty", "null_word", "unparseable", None]
    assert cells["first_credit"].iloc[:3].isna().all()


def test_special_codes_are_no_numbers_and_are_counted_by_code():
    rows = loans(late=["96", "98.0", " 98 ", "-1", "31", "2"])
    done = ready(rows)
    clean = done.clean.set_index("row_id")
    kept = clean.loc[clean.index.intersection(range(1, 7))]
    codes = {1: "96", 2: "98", 3: "98", 4: "-1", 5: "none", 6: "none"}
    assert kept["special.late"].to_dict() == {row: codes[row] for row in kept.index}
    assert kept["late"].dropna().to_dict() == {row: 2.0 for row in kept.index if row == 6}
    written = pd.Series([row["late"].strip() for row in rows]).str.removesuffix(".0")
    counts = {code: int((written == code).sum()) for code in ("96", "98", "-1")}
    assert done.summary["special"] == {"late": counts}
    assert done.summary["cells"]["late"]["special"] == sum(counts.values())
    # A code is known, so it does not count as missing; the 31 does.
    assert done.summary["missing"]["late"] == int(clean.loc[clean.index == 5, "late"].isna().sum())


def test_outcomes_that_are_not_known_yet_are_rejected_and_are_no_defect():
    rows = loans(status=["Current"] * 120 + ["in grace  period"] * 20)
    done = ready(rows)
    counts = done.summary["rejected"]
    expected = sum(r["status"] in ("Current", "in grace  period") for r in rows)
    assert counts["indeterminate"] == expected > 140
    assert counts["invalid_target"] == 0
    check_quality_gates(done.summary, params(), "params.yaml")
    detail = done.rejected.loc[done.rejected["reason"] == "indeterminate", "detail"]
    assert detail.iloc[0] == "line 2: status is 'Current'"


def test_values_of_the_target_in_no_list_are_named_with_their_counts():
    rows = loans(status=["Late (31-120 days)"] * 60 + [""] * 5)
    done = ready(rows)
    with pytest.raises(InputError) as refused:
        check_quality_gates(done.summary, params(), "p.yaml", SCHEMA.keys, done.unlisted)
    assert "'Late (31-120 days)' (60), '' (5)" in str(refused.value)
    assert "good, bad or exclude" in str(refused.value)
    # None fits: the same words, rather than too few applicants.
    with pytest.raises(InputError, match=r"no row has the outcome bad.*'OK' \(200\)"):
        ready(loans(status=["OK"] * 200))


@pytest.mark.parametrize("seed", range(4))
def test_the_accounts_hold_over_all_reasons_and_causes(seed):
    rng = np.random.default_rng(seed)
    rows = loans(300, seed)
    dirt = {
        "issued": ["", "soon", "2015-02-30"], "opened": ["Jan-10", "?"], "born": ["", "x"],
        "late": ["98", "99", "many", "", "n/a"], "rate": ["%", "7,5", "-"], "grade": [""],
        "status": ["Default", "", "Current"],
    }  # fmt: skip
    for row in rows:
        for name, texts in dirt.items():
            if rng.random() < 0.15:
                row[name] = str(rng.choice(texts))
    rows += [dict(rows[i]) for i in rng.integers(0, 300, 20)]
    done = ready(rows)
    summary = done.summary
    assert tuple(summary["rejected"]) == REASONS
    assert summary["rows_read"] == len(rows) == summary["rows_clean"] + len(done.rejected)
    assert summary["rejected"] == {
        reason: int((done.rejected["reason"] == reason).sum()) for reason in REASONS
    }
    assert set(done.rejected["row_id"]).isdisjoint(done.clean["row_id"])
    for counts in summary["cells"].values():
        assert set(counts) == {"valid", *CAUSES}
        assert sum(counts.values()) == len(rows)
    assert set(summary["cells"]) == {"issue", "loan", "member", *SCHEMA.variables}
    assert all(sum(counts[c] for counts in summary["cells"].values()) > 0 for c in CAUSES)


def test_the_latest_applicants_are_the_test_rows():
    done = ready(loans(400))
    clean, facts = done.clean, done.summary["split_by"]
    first = pd.Timestamp(facts["from"])
    train, test = (clean[clean["split"] == side] for side in ("train", "test"))
    assert train["application_date"].max() < first
    assert (test.groupby("applicant")["application_date"].max() >= first).all()
    assert facts["early"] == (test["application_date"] < first).sum()
    assert test["applicant"].nunique() / clean["applicant"].nunique() == pytest.approx(
        0.2, abs=0.01
    )
    assert not set(train["member"]) & set(test["member"])
    begun = SplitParams.model_validate({"test_size": 0.2, "by": "time", "from": "2015-01-01"})
    facts = ready(loans(400), begun).summary["split_by"]
    assert facts["from"] == "2015-01-01"
    drawn = ready(loans(400), SplitParams(test_size=0.2, by="random"))
    assert drawn.summary["split_by"] == {"by": "random"}
    assert not drawn.clean.groupby("member")["split"].nunique().gt(1).any()


@pytest.mark.parametrize(
    ("block", "tree", "words"),
    [
        ({"by": "time", "from": "2030-01-01"}, TREE, "from 2030-01-01 on"),
        ({"by": "time", "from": "2000-01-01"}, TREE, "both classes"),
        ({"by": "time"}, {k: v for k, v in TREE.items() if k != "application_date"} | {
            "columns": {k: c for k, c in TREE["columns"].items() if c["kind"] != "date"}
        }, "application_date"),
    ],
)  # fmt: skip
def test_a_split_by_time_that_is_not_possible_says_why(block, tree, words):
    split = SplitParams.model_validate({"test_size": 0.2} | block)
    with pytest.raises(InputError, match=words):
        ready(loans(), split, tree)


def test_split_from_is_for_a_split_by_time():
    with pytest.raises(ValueError, match=r"split\.by"):
        SplitParams.model_validate({"test_size": 0.2, "by": "random", "from": "2015-01-01"})
    with pytest.raises(ValueError, match="a date is needed"):
        SplitParams.model_validate({"test_size": 0.2, "from": "soon"})
    assert issubclass(SplitParams, Strict)


def test_a_decimal_comma_is_blamed_on_the_notation():
    rows = loans(rate=[f"1.00{i % 10},5%" for i in range(200)], late=["1"] * 200)
    raw = raw_of(rows, SCHEMA)
    _, causes = parse(raw, SCHEMA, DOT)
    with pytest.raises(InputError) as refused:
        check_cells(raw, causes, SCHEMA, DOT, params(), "params.yaml")
    assert "data.decimal: column rate: 200 of 200 numbers" in str(refused.value)
    assert "data.decimal ',' and data.thousands '.'" in str(refused.value)
    right = Notation.of(",", ".", ())
    cells, causes = parse(raw, SCHEMA, right)
    assert cells["rate"].iloc[7] == 1007.5
    check_cells(raw, causes, SCHEMA, right, params(), "params.yaml")


def test_the_gate_names_the_id_column_that_is_missing():
    tree = TREE | {
        "columns": {k: v for k, v in TREE["columns"].items() if k not in ("loan", "member")}
    }
    rows = loans(100)
    done = ready(rows + rows, tree=tree)
    summary = done.summary | {"columns_ignored": ["comment", "loan_id"]}
    with pytest.raises(InputError, match=r"as duplicate. No id column .*perhaps loan_id"):
        check_quality_gates(summary, params(), "params.yaml")
    done = ready(rows + rows)
    with pytest.raises(InputError, match="They agree in loan and member, too"):
        check_quality_gates(done.summary, params(), "params.yaml", SCHEMA.keys)


def test_applications_of_two_dates_are_no_duplicates():
    one = loans(1)[0] | {"loan": "", "member": "M7", "late": "1"}
    again = [one | {"issued": day} for day in ("2013-02-01", "2015-02-01", "2015-02-01")]
    # The age and the first credit differ then, too: leave out what depends on the date.
    columns = {k: v for k, v in TREE["columns"].items() if k not in ("opened", "born")}
    for rows in (again + loans(100), loans(100) + again):
        done = ready(rows, tree=TREE | {"columns": columns})
        assert done.summary["rejected"]["duplicate"] == 1
        mine = done.clean[done.clean["member"] == "M7"]
        assert {day.year for day in mine["application_date"]} >= {2013, 2015}
        assert len(set(mine["applicant"])) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-$1,234.50", -1234.5), ("$-1,234.50", -1234.5), ("(1,234.50)", -1234.5),
        ("$(1,234.50)", -1234.5), ("($1,234.50)", -1234.5), ("1,234.50-", -1234.5), ("+$5", 5.0),
        ("-(5)", None), ("--5", None), ("(-5)", None), ("- 5", None), ("()", None), ("-", None),
        ("5-6", None), ("($5", None),
    ],
)  # fmt: skip
def test_negative_amounts_of_accountants_are_read(text, value):
    found = number_reader(DOT, ["$"])(text)
    assert (None if found is None else float(found)) == value
    if text.startswith("("):
        assert number_reader(DOT, ["$"], accounting=False)(text) is None


def test_another_format_of_dates_is_named():
    rows = loans(opened=[f"{i % 28 + 1:02d}/03/2009" for i in range(200)])
    raw = raw_of(rows, SCHEMA)
    with pytest.raises(InputError, match=r"column first_credit: 200 of 200 .*by '%d/%m/%Y'"):
        check_cells(raw, parse(raw, SCHEMA, DOT)[1], SCHEMA, DOT, params(), "params.yaml")
    rows = loans(issued=[f"{i % 12 + 1:02d}/{i % 28 + 1:02d}/2014" for i in range(200)])
    raw = raw_of(rows, SCHEMA)
    # The date of the application is blamed, not those that are counted from it.
    with pytest.raises(InputError, match=r"column issue: .*by '%m/%d/%Y'"):
        check_cells(raw, parse(raw, SCHEMA, DOT)[1], SCHEMA, DOT, params(), "params.yaml")


def test_ids_that_are_null_words_are_counted():
    done = ready(loans(member=["unknown"] * 30))
    assert done.summary["cells"]["member"]["null_word"] == 30


def test_a_date_without_quotes_is_refused():
    with pytest.raises(ValueError, match='write it in quotes: "2015-01-01"'):
        SplitParams.model_validate({"test_size": 0.2, "from": date(2015, 1, 1)})


def test_split_from_needs_dates():
    columns = {k: c for k, c in TREE["columns"].items() if c["kind"] != "date"}
    tree = {k: v for k, v in TREE.items() if k != "application_date"} | {"columns": columns}
    split = SplitParams.model_validate({"test_size": 0.2, "from": "2015-01-01"})
    with pytest.raises(InputError, match=r"split\.from: the schema has no application_date"):
        ready(loans(), split, tree)

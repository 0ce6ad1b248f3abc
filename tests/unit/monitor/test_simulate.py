"""Batches made to try alarms with: the rows, each kind of change, the files."""

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from creditrisk.core.dates import months_before, read_date
from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.monitor.drift_kinds import KINDS
from creditrisk.monitor.simulate import SEPARATE, WITHIN, Plan, draw, write_batches
from creditrisk.monitor.simulated_drift import drifted, plan_drift
from creditrisk.prepare.cells import Notation
from creditrisk.schema import Schema, parse_schema
from tests.support.defects import NULL_WORDS, ROOT
from tests.support.small_data import SMALL, small_clean, with_id

NOTATION = Notation.of(".", ",", NULL_WORDS)
DATA = DataParams(source="x.csv", schema_="x.yaml")
RAW = small_clean(300, 0).map(lambda v: str(v).removesuffix(".0")).astype("str")
DATED = parse_schema(
    {
        "name": "dated",
        "target": {"column": "status", "good": ["paid"], "bad": ["lost"]},
        "application_date": "applied",
        "columns": {
            "member": {"name": "member", "kind": "id"},
            "applied": {"name": "applied", "kind": "date", "format": "%Y-%m-%d"},
            "opened": {"name": "opened", "kind": "date", "format": "%b-%Y"},
            "born": {"name": "born", "kind": "date", "format": "%d.%m.%Y"},
        },
    },
    "dated.yaml",
)
DATES = pd.DataFrame(
    {
        "member": ["m1", "m2"],
        "applied": ["2011-03-15", "n/a"],
        "opened": ["Dec-1999", "Jan-2001"],
        "born": ["31.01.1970", "never"],
        "status": ["paid", "lost"],
    },
    dtype="str",
)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def change(kind: str, column: str | None = None, size: str | None = None, raw=RAW, schema=SMALL):
    """Change all rows once; return them and what was planned."""
    planned = plan_drift(raw, schema, DATA, NOTATION, kind, column, size and Decimal(size))
    return drifted(raw, schema, NOTATION, planned, rng()), planned


def only_changed(changed: pd.DataFrame) -> list[str]:
    return [name for name in RAW if (changed[name] != RAW[name]).any()]


def made(folder: Path, plan: Plan, kind: str = "none", data=DATA, schema=SMALL, raw=RAW, **options):
    planned = plan_drift(raw, schema, data, NOTATION, kind, **options)
    return list(write_batches(raw, schema, data, NOTATION, planned, plan, folder))


def read(path: Path, data: DataParams = DATA, schema: Schema = SMALL) -> pd.DataFrame:
    return pd.concat(read_batches(path, data, schema, 1000))


def test_a_scale_rounds_whole_numbers_and_keeps_the_places_of_others():
    ages, _ = change("scale", "age")
    assert only_changed(ages) == ["Age Years"]
    assert (ages["Age Years"].astype(int) - RAW["Age Years"].astype(int) * 1.5).abs().max() == 0.5
    incomes, _ = change("scale", "Income", "2")
    assert np.allclose(incomes["Income"].astype(float), 2 * RAW["Income"].astype(float))
    assert incomes["Income"].str.fullmatch(r"\d+\.\d\d").all()


def test_numbers_keep_the_decimal_sign_and_what_is_no_number_stays():
    raw = RAW.assign(Income=["1.234,50 EUR", "n/a", ""] * 100)
    german = Notation.of(",", ".", NULL_WORDS)
    data = DATA.model_copy(update={"decimal": ",", "thousands": "."})
    planned = plan_drift(raw, SMALL, data, german, "shift", "income", Decimal("0.75"))
    found = drifted(raw, SMALL, german, planned, rng())["Income"]
    assert found[:3].tolist() == ["1235,3", "n/a", ""]


def test_a_special_code_is_no_number_that_moves():
    tree = {
        "name": "x",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {"a": {"name": "a", "kind": "numeric", "special": {"-1": "no"}}},
    }
    raw = pd.DataFrame({"a": ["-1", "5"], "y": ["0", "1"]}, dtype="str")
    changed, _ = change("unit", raw=raw, schema=parse_schema(tree, "x"))
    assert changed["a"].tolist() == ["-1", "500"]


def test_without_a_size_a_shift_is_one_standard_deviation_of_the_first_number():
    changed, planned = change("shift")
    assert planned.columns == ("Income",)
    assert float(planned.size) == pytest.approx(RAW["Income"].astype(float).std(ddof=0), abs=0.01)
    assert only_changed(changed) == ["Income"]


@pytest.mark.parametrize(("kind", "column", "share"), [
    ("move", "region", 0.2), ("missing", "age", 0.2), ("new-level", "grade", 0.1),
])  # fmt: skip
def test_a_share_of_the_rows_changes(kind: str, column: str, share: float):
    changed, planned = change(kind, column)
    (source,) = planned.columns
    new = changed.loc[changed[source] != RAW[source], source]
    assert len({*new}) == 1
    assert len(new) <= share * len(RAW)
    assert (changed[source] == new.iloc[0]).sum() >= share * len(RAW)
    assert only_changed(changed) == [source]


def test_a_new_level_is_none_that_the_schema_knows():
    assert change("new-level", "code")[1].levels == ("11",)
    assert change("new-level", "region")[1].levels == ("new level",)


def test_the_most_and_the_least_frequent_level_change_places():
    raw = RAW.assign(Code=["1"] * 200 + ["2.0"] * 60 + [" 10 "] * 40)
    found, _ = change("swap", "code", raw=raw)
    assert found["Code"].value_counts().to_dict() == {"10": 200, "2.0": 60, "1": 40}


def test_dates_move_by_days_or_change_the_order_of_day_and_month():
    shifted, _ = change("shift", "born", "1", DATES, DATED)
    assert shifted["born"].tolist() == ["01.02.1970", "never"]
    turned, planned = change("date-order", "born", None, DATES, DATED)
    assert turned["born"].tolist() == ["01.31.1970", "never"]
    assert planned.words == "born written as %m.%d.%Y"
    assert change("date-order", None, None, DATES, DATED)[1].columns == ("applied",)


@pytest.mark.parametrize(("options", "words"), [
    (("scale", "incme"), "--column: there is no incme. Did you mean Income"),
    (("scale", "region"), "--column: region is nominal, which is nothing for scale"),
    (("date-order",), "--kind: date-order needs a column"),
    (("encoding", "region"), "--column: encoding has none"),
    (("move", "region", "1.5"), "--size: 1.5 is no share"),
    (("scale", "age", "-1"), "--size: -1 is no factor"),
    (("shift", "age", "NaN"), "--size: NaN is not possible"),
    (("missing-column", None, "1"), "--size: missing-column has none"),
    (("swap", "one"), "--column: one has a single level"),
])  # fmt: skip
def test_what_is_not_possible_is_said(options: tuple, words: str):
    with pytest.raises(InputError) as error:
        change(*options)
    assert words in str(error.value)


@pytest.mark.parametrize(("size", "words"), [("9000000", "years 1 to 9999"), ("1.5", "no number")])
def test_a_date_beyond_the_calendar_is_an_error_of_the_input(size: str, words: str):
    with pytest.raises(InputError, match=words):
        change("shift", "born", size, DATES, DATED)


def test_the_rows_of_a_day_depend_on_the_seed_and_the_day_alone(tmp_path: Path):
    made(tmp_path / "a", Plan(rows=50, batches=3))
    made(tmp_path / "b", Plan(rows=50, start=date(2026, 1, 3)), "missing", column="region")
    made(tmp_path / "c", Plan(rows=50, batches=3, seed=1))
    third = "applicants-2026-01-03.csv"
    a, b, c = (read(tmp_path / name / third) for name in "abc")
    assert (a["row_id"] == b["row_id"]).all()
    assert a.drop(columns="Region").equals(b.drop(columns="Region"))
    assert not a["Income"].equals(c["Income"])
    assert set(map(tuple, a[[*SMALL.columns]].values)) <= set(map(tuple, RAW.iloc[:, :-1].values))
    ids = pd.concat([read(path)["row_id"] for path in sorted((tmp_path / "a").iterdir())])
    assert len(ids) == ids.nunique() == 150


def test_an_id_of_the_schema_is_made_new(tmp_path: Path):
    raw = RAW.assign(Customer="C1")
    made(tmp_path, Plan(rows=50, batches=2, outcomes=SEPARATE), schema=with_id(), raw=raw)
    found = [read(path, schema=with_id()) for path in sorted(tmp_path.glob("applicants-*"))]
    assert pd.concat(found)["Customer"].nunique() == 100
    assert found[0]["row_id"].tolist() == list(range(1, 51)), "a column row_id beside the id"
    known = pd.read_csv(tmp_path / "outcomes-2026-01-01.csv", dtype=str)
    assert [*known] == ["Customer", "Out come"]
    assert known["Customer"].tolist() == found[0]["Customer"].tolist()


def test_outcomes_are_those_of_the_rows_wherever_they_stand(tmp_path: Path):
    made(tmp_path / "apart", Plan(rows=50, outcomes=SEPARATE))
    made(tmp_path / "within", Plan(rows=50, outcomes=WITHIN))
    apart = pd.read_csv(tmp_path / "apart/outcomes-2026-01-01.csv", dtype=str)
    within = pd.read_csv(tmp_path / "within/applicants-2026-01-01.csv", dtype=str)
    assert apart.equals(within[["row_id", "Out come"]])
    new = pd.read_csv(tmp_path / "apart/applicants-2026-01-01.csv", dtype=str)
    assert "Out come" not in new


def test_drift_begins_with_the_batch_that_is_asked_for(tmp_path: Path):
    lines = made(tmp_path, Plan(rows=50, batches=3, first=2), "new-level", column="region")
    assert [line.words.startswith("region: the new level") for line in lines] == [False, True, True]
    shares = [(read(line.path)["Region"] == "new level").mean() for line in lines]
    assert shares == [0, 0.1, 0.1]


@pytest.mark.parametrize("kind", ["renamed-column", "missing-column", "delimiter", "encoding"])
def test_a_broken_format_can_not_be_read_as_it_was(tmp_path: Path, kind: str):
    (line,) = made(tmp_path, Plan(rows=50), kind)
    with pytest.raises(InputError):
        read(line.path)


def test_another_decimal_sign_shows_in_every_number(tmp_path: Path):
    (line,) = made(tmp_path, Plan(rows=50), "decimal")
    found = read(line.path)
    for name in ("Income", "Age Years", "Balance"):
        assert found[name].str.fullmatch(r"-?\d+,\d\d").all()


def test_a_file_is_written_as_params_yaml_has_it(tmp_path: Path):
    written = DATA.model_copy(update={"delimiter": ";", "encoding": "latin-1"})
    raw = RAW.assign(Region='a;"ü"')
    (line,) = made(tmp_path, Plan(rows=5), data=written, raw=raw)
    assert (read(line.path, written)["Region"] == 'a;"ü"').all()
    assert "ü".encode("latin-1") in line.path.read_bytes()


def test_a_text_that_the_encoding_can_not_hold_is_named(tmp_path: Path):
    ascii_only = DATA.model_copy(update={"encoding": "ascii"})
    with pytest.raises(InputError, match="ascii can't hold a text of the column Region") as error:
        made(tmp_path, Plan(rows=5), data=ascii_only, raw=RAW.assign(Region="Süd"))
    assert "Süd" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_no_file_is_overwritten_and_then_none_is_written(tmp_path: Path):
    made(tmp_path, Plan(rows=5, start=date(2026, 1, 2)))
    before = (tmp_path / "applicants-2026-01-02.csv").read_bytes()
    with pytest.raises(InputError, match="is there already"):
        made(tmp_path, Plan(rows=6, batches=2))
    assert [path.name for path in tmp_path.iterdir()] == ["applicants-2026-01-02.csv"]
    assert (tmp_path / "applicants-2026-01-02.csv").read_bytes() == before


def test_days_beyond_the_calendar_are_an_error_of_the_input(tmp_path: Path):
    with pytest.raises(InputError, match="beyond the year 9999"):
        made(tmp_path, Plan(batches=2, start=date(9999, 12, 31)))
    with pytest.raises(InputError, match="would leave the years 1 to 9999"):
        made(tmp_path, Plan(start=date(1, 1, 1)), schema=DATED, raw=DATES)


def test_who_applies_does_so_on_the_day_of_the_batch_and_is_as_old_as_before():
    drawn = draw(DATES, DATED, 40, date(2026, 3, 15), rng())
    applied = drawn[drawn["status"] == "paid"].iloc[0]
    assert applied["applied"] == "2026-03-15"
    form = {"applied": "%Y-%m-%d", "opened": "%b-%Y", "born": "%d.%m.%Y"}
    for name in ("opened", "born"):
        old, new = (
            months_before(
                [read_date(row[name], form[name])], [read_date(row["applied"], "%Y-%m-%d")]
            )[0]
            for row in (DATES.iloc[0], applied)
        )
        assert new == pytest.approx(old, abs=0.2)
    unknown = drawn[drawn["status"] == "lost"].iloc[0]
    assert unknown[["applied", "opened", "born"]].tolist() == ["n/a", "Jan-2001", "never"]


def test_columns_without_names_keep_their_positions(tmp_path: Path):
    tree = {"name": "x", "target": {"column": "2", "good": ["0"], "bad": ["1"]},
            "columns": {"4": {"name": "a", "kind": "numeric"},
                        "1": {"name": "b", "kind": "nominal"}}}  # fmt: skip
    schema, data = parse_schema(tree, "x"), DATA.model_copy(update={"header": "none"})
    raw = pd.DataFrame({"4": ["7"], "1": ["x"], "2": ["0"]}, dtype="str")
    (line,) = made(tmp_path, Plan(rows=2), data=data, schema=schema, raw=raw)
    assert line.path.read_text() == "x,,,7\nx,,,7\n"
    found = read(line.path, data, schema)
    assert found[["4", "1"]].to_numpy().tolist() == [["7", "x"]] * 2
    with pytest.raises(InputError, match="no name to change"):
        made(tmp_path / "a", Plan(), "renamed-column", data=data, schema=schema, raw=raw)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "date-order"])
def test_the_command_makes_every_kind_from_the_default_data(tmp_path: Path, kind: str):
    done = command("--kind", kind, "--rows", "20", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"simulate-drift: {tmp_path}/applicants-2026-01-01.csv: 20 rows")


def test_the_command_refuses_with_one_line(tmp_path: Path):
    done = command("--kind", "scale", "--column", "amout", "--output", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == (
        "error: make simulate-drift: --column: there is no amout. Did you mean amount?\n"
    )


def command(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commands.simulate_drift", *args],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip

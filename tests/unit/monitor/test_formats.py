"""A changed format is seen in the first batch, in its column, and not where nothing changed."""

from datetime import date

import pandas as pd
import pytest

from creditrisk.champion.reference import Distribution
from creditrisk.monitor.formats import changed_formats
from creditrisk.prepare.cells import Notation, reader_of
from creditrisk.prepare.parse import ages, read_texts
from creditrisk.schema import parse_schema
from tests.support.watching import counted, window

DATED = parse_schema(
    {
        "name": "loans",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "application_date": "applied",
        "columns": {
            "applied": {"name": "applied", "kind": "date", "format": "%d/%m/%Y"},
            "opened": {"name": "opened", "kind": "date", "format": "%d/%m/%Y"},
            "income": {"name": "income", "kind": "numeric", "min": "0"},
        },
    },
    "s.yaml",
)
LIKE = {
    "income": Distribution(kind="numeric", counts=[], missing=0, quantiles=[800.5, 2500, 9000]),
    "opened": Distribution(kind="numeric", counts=[], missing=0, quantiles=[1, 60, 300]),
}


def formats(notation=(".", ","), day="2026-03-05", **texts: list[str]) -> dict[str, str]:
    n = len(next(iter(texts.values())))
    given = {"applied": ["05/03/2026"] * n, "opened": ["01/02/2015"] * n, "income": ["2000"] * n}
    cells = {name: pd.Series(values, dtype="str") for name, values in (given | texts).items()}
    numbers = Notation.of(*notation, ["na"])
    values, causes = {}, {}
    for source, column in DATED.columns.items():
        read = reader_of(column, numbers)
        values[source], causes[source] = read_texts(cells[source], read)
    _, causes["opened"] = ages(
        values["opened"], causes["opened"], values["applied"], causes["applied"],
        DATED.columns["opened"],
    )  # fmt: skip
    return changed_formats(cells, causes, DATED, numbers, LIKE, 1000, day)


def test_nothing_changed():
    assert formats(income=["2000", "na", "850.5", "9000", "1200"]) == {}
    assert formats(income=["3,000.5", "12,000", "850", "x", "1200"] * 4) == {}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["2000,50", "850,25", "1.200,00", "900,10", "3.000"], "decimal sign ','"),
        (["2 000.5", "1 850.5", "12 000.1", "2 100.0", "900"], "decimal sign '.'"),
        (["EUR two", "many", "few", "some", "900"], "4 of 5 cells can't be read"),
        (["200000", "85000", "120000", "310000", "90000"], "100 times as large"),
        (["20.5", "8.5", "12.1", "31.0", "90.00"], "100 times as small"),
        (["2.0", "1.5", "1.2", "3.1", "8.5"], "1,000 times as small"),
    ],
)
def test_numbers(texts: list[str], says: str):
    found = formats(income=texts)
    assert set(found) == {"income"}
    assert says in found["income"]


def test_numbers_of_the_decimal_comma():
    found = formats(notation=(",", "."), income=["2000.50", "850.25", "1,200.00", "900.10"])
    assert "decimal sign '.'" in found["income"]


def test_another_order_of_day_and_month():
    found = formats(applied=["03/25/2026", "03/26/2026", "03/27/2026"])
    assert "'%m/%d/%Y'" in found["applied"]
    found = formats(opened=["2015-02-25", "2016-01-26", "2011-03-27"])
    assert "'%Y-%m-%d'" in found["opened"]


def test_day_and_month_change_places_where_all_can_be_read():
    batch = ["03/05/2026", "03/06/2026", "03/04/2026"]
    found = formats(applied=batch)
    assert "changed places" in found["applied"]
    assert formats(applied=batch, day="2026-05-04") == {}


def test_a_date_after_its_batch_shows_that_day_and_month_have_changed_places():
    assert "changed places" in formats(applied=["01/02/2026"] * 5, day="2026-01-02")["applied"]
    for month in range(2, 13):  # a month before, if it is read the old way
        day = date(2026, month, month - 1)
        found = formats(applied=[day.strftime("%m/%d/%Y")] * 5, day=day.isoformat())
        assert "changed places" in found["applied"]
        assert formats(applied=[day.strftime("%d/%m/%Y")] * 5, day=day.isoformat()) == {}
    backlog = ["05/01/2026", "06/01/2026", "07/01/2026", "08/01/2026", "09/01/2026"]
    assert formats(applied=backlog, day="2026-07-01") == {}


def test_a_column_that_is_empty_all_of_a_sudden():
    assert "no cell has a value" in formats(income=["", "na", "", "na", ""] * 4)["income"]
    assert formats(income=["", ""]) == {}  # two may be chance


def test_a_column_of_the_default_data_that_means_something_else():
    rows = window(30, 1)
    assert counted(rows).formats == {}
    labels = rows.assign(laufkont="no checking account")
    assert "status" in counted(labels).formats
    cents = rows.assign(hoehe=(rows["hoehe"].astype(int) * 100).astype(str))
    assert "100 times as large" in counted(cents).formats["amount"]
    comma = rows.assign(hoehe=rows["hoehe"] + ",00")
    assert "decimal sign ','" in counted(comma).formats["amount"]


def test_one_odd_cell_is_no_format():
    rows = window(30, 1)
    rows.loc[0, "hoehe"] = "1169,00"
    assert counted(rows).formats == {}

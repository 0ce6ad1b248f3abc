"""The file to train on again: which rows of the ledger have matured, and what it looks like."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from creditrisk.core.errors import InputError
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_source
from creditrisk.monitor.batches import Facts, known_batches, write_batch
from creditrisk.monitor.retrain import RECEIVED, Matured, file_for, matured, training_file
from creditrisk.monitor.rows import ledger_rows
from creditrisk.prepare.cells import Notation
from creditrisk.schema import Schema, parse_schema
from tests.support.defects import ROOT

NOTATION = Notation.of(".", ",", ["n/a"])
TREE = {
    "name": "shop",
    "target": {"column": "status", "good": ["paid", "ok"], "bad": ["lost"], "exclude": ["open"]},
    "columns": {
        "income": {"name": "income", "kind": "numeric"},
        "town": {"name": "town", "kind": "nominal"},
    },
}
PLAIN = parse_schema(TREE, "shop.yaml")
WITH_ID = parse_schema(
    TREE | {"columns": {"no": {"name": "no", "kind": "id"}} | TREE["columns"]}, "shop.yaml"
)


class Ledger:
    """A ledger in which batches are written as `receive` writes them."""

    def __init__(self, folder: Path, schema: Schema = PLAIN):
        self.folder, self.schema, self.count = folder, schema, 0
        folder.mkdir(parents=True)

    def _write(self, kind: str, rows: pd.DataFrame) -> None:
        self.count += 1
        facts = Facts(
            number=self.count, name=f"{self.count}.csv", sha256=f"{self.count:064x}"[::-1],
            kind=kind, form="csv", day=f"2026-01-{self.count:02}", rows=len(rows), rejected=0,
        )  # fmt: skip
        write_batch(self.folder, facts, rows)

    def applicants(self, ids: list[str | None], outcomes: list[str | None] | None = None) -> None:
        count = len(ids)
        cells = {
            "income": [f"{self.count}{n}.5" for n in range(count)], "town": ["Köln"] * count,
            "no": ids,
        }  # fmt: skip
        cells = {name: cells[name] for name in self.schema.columns}
        none = [None] * count
        rows = ledger_rows(cells, none, self.schema, NOTATION, ids=ids, outcomes=outcomes)
        self._write("applicants", rows)

    def outcomes(self, known: dict[str, str]) -> None:
        none = [None] * len(known)
        rows = ledger_rows({}, none, PLAIN, NOTATION, ids=[*known], outcomes=[*known.values()])
        self._write("outcomes", rows)

    def matured(self) -> Matured:
        return matured(known_batches(self.folder), self.schema)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "batches")


def source(folder: Path, text: str, **changed: str) -> DataParams:
    path = folder / "shop.csv"
    data = DataParams(source=str(path), schema_="shop.yaml", **changed)
    path.write_text(text, encoding=data.encoding)
    return data


SHOP = "town,status,income,remark\nBonn,paid,1,x\nUlm,lost,2,y\nUlm,open,3,z\n"


def test_an_outcome_comes_with_the_row_or_later_by_its_id(ledger: Ledger):
    ledger.applicants(["a", "b", "c", None], ["paid", None, "open", "lost"])
    ledger.outcomes({"b": "lost", "unknown": "paid", "c": "open"})
    found = ledger.matured()
    assert found.rows["id"].fillna("-").tolist() == ["a", "b", "-"]
    assert found.rows["bad"].tolist() == [0, 1, 1]
    assert found.waiting == 1
    assert found.rows["day"].tolist() == ["2026-01-01"] * 3


def test_the_last_outcome_of_an_id_counts_and_one_that_is_open_changes_nothing(ledger: Ledger):
    ledger.applicants(["a", "b"], ["paid", "paid"])
    ledger.outcomes({"a": "lost", "b": "open"})
    ledger.outcomes({"b": "lost"})
    ledger.outcomes({"b": "paid"})
    assert ledger.matured().rows["bad"].tolist() == [1, 0]


def test_an_applicant_counts_once_by_his_last_row(ledger: Ledger):
    ledger.applicants(["a", "b"])
    ledger.applicants(["a"])
    ledger.outcomes({"a": "lost", "b": "paid"})
    found = ledger.matured()
    assert found.rows[["id", "income"]].to_numpy().tolist() == [["b", "01.5"], ["a", "10.5"]]
    assert found.repeated == 1


def test_unreadable_rows_and_broken_batches_are_left_out(ledger: Ledger):
    rows = ledger_rows(
        {"income": ["1", None], "town": ["Ulm", None]}, [None, "line 3: too short"], PLAIN,
        NOTATION, ids=["a", "b"], outcomes=["paid", "lost"],
    )  # fmt: skip
    ledger._write("applicants", rows)
    ledger._write("broken", rows.iloc[:0])
    assert ledger.matured().rows["id"].tolist() == ["a"]


def test_a_column_that_a_batch_does_not_have_is_empty_and_counted(ledger: Ledger):
    ledger._write(
        "applicants",
        ledger_rows({"town": ["Ulm"]}, [None], PLAIN, NOTATION, ids=["a"], outcomes=["paid"]),
    )
    found = ledger.matured()
    assert found.absent == {"income": 1}
    assert found.rows["income"].isna().all()


def test_the_new_file_has_the_old_rows_as_they_were_then_the_matured_ones(
    ledger: Ledger, tmp_path: Path
):
    ledger.applicants(["a", "b"], ["paid", "lost"])
    data = source(tmp_path, SHOP)
    training = training_file(ledger.matured(), PLAIN, data, NOTATION, 1)
    assert training.content.decode().splitlines() == [
        f"income,town,status,{RECEIVED}",
        "1,Bonn,paid,",
        "2,Ulm,lost,",
        "3,Ulm,open,",
        "00.5,Köln,paid,100000000000-1",
        "01.5,Köln,lost,100000000000-2",
    ]
    assert training.rows == (3, 2)
    assert training.bad_rates == (0.5, 0.5)
    assert training.days == ("2026-01-01", "2026-01-01")
    (tmp_path / "again.csv").write_bytes(training.content)
    read = read_source(tmp_path / "again.csv", data, PLAIN)
    assert len(read.frame) == 5
    assert read.ignored == [RECEIVED]


def test_rows_that_an_earlier_retraining_took_are_not_taken_twice(ledger: Ledger, tmp_path: Path):
    ledger.applicants([None, None], ["paid", "lost"])
    first = training_file(ledger.matured(), PLAIN, source(tmp_path, SHOP), NOTATION, 1)
    ledger.applicants([None], ["paid"])
    again = source(tmp_path, first.content.decode())
    second = training_file(ledger.matured(), PLAIN, again, NOTATION, 1)
    assert second.rows == (5, 1)
    assert (second.known, second.matured) == (2, 3)
    assert second.content.startswith(first.content)


def test_rows_that_the_source_has_by_their_id_are_not_taken_again(tmp_path: Path):
    ledger = Ledger(tmp_path / "batches", WITH_ID)
    ledger.applicants(["7", "8"], ["paid", "lost"])
    data = source(tmp_path, "no,town,status,income\n7.0,Bonn,lost,1\n")
    training = training_file(ledger.matured(), WITH_ID, data, NOTATION, 1)
    assert (training.rows, training.known) == ((1, 1), 1)
    assert training.content.decode().splitlines()[1:] == [
        "7.0,1,Bonn,lost,", "8,01.5,Köln,lost,100000000000-2",
    ]  # fmt: skip


def test_the_new_file_is_written_as_params_yaml_has_it(ledger: Ledger, tmp_path: Path):
    ledger.applicants(["a"], ["paid"])
    latin = source(tmp_path, SHOP.replace(",", ";"), encoding="latin-1", delimiter=";")
    content = training_file(ledger.matured(), PLAIN, latin, NOTATION, 1).content
    assert content.splitlines()[-1] == "00.5;Köln;paid;100000000000-1".encode("latin-1")


def test_a_source_without_names_gets_no_names(tmp_path: Path):
    columns = {"3": {"name": "income", "kind": "numeric"}, "1": {"name": "town", "kind": "nominal"}}
    target = TREE["target"] | {"column": "2"}
    schema = parse_schema(TREE | {"target": target, "columns": columns}, "shop.yaml")
    folder = tmp_path / "batches"
    folder.mkdir()
    facts = Facts(number=1, name="1", sha256="f" * 64, kind="applicants", form="csv", day=None,
                  rows=1, rejected=0)  # fmt: skip
    rows = ledger_rows({"3": ["9"], "1": ["Ulm"]}, [None], schema, NOTATION, outcomes=["lost"])
    write_batch(folder, facts, rows)
    data = source(tmp_path, "Bonn,paid,1\n", header="none")
    for known in (0, 1):  # what it wrote it knows again
        found = matured(known_batches(folder), schema)
        if known:
            with pytest.raises(InputError, match="0 matured rows"):
                training_file(found, schema, data, NOTATION, 1)
        else:
            training = training_file(found, schema, data, NOTATION, 1)
            assert training.content == b"Bonn,paid,1,\nUlm,lost,9,ffffffffffff-1\n"
            data = source(tmp_path, training.content.decode(), header="none")


def test_a_text_that_the_encoding_can_not_hold_is_an_error_that_says_so(
    ledger: Ledger, tmp_path: Path
):
    ledger.applicants(["a"], ["paid"])
    data = source(tmp_path, SHOP, encoding="ascii")
    with pytest.raises(InputError, match="ascii can't hold a text of the column town") as error:
        training_file(ledger.matured(), PLAIN, data, NOTATION, 1)
    assert "Köln" not in str(error.value)


@pytest.mark.parametrize(("least", "count"), [(1, 0), (3, 2)])
def test_too_few_matured_rows_are_refused(ledger: Ledger, tmp_path: Path, least: int, count: int):
    if count:
        ledger.applicants(["a", "b"], ["paid", "lost"])
    with pytest.raises(InputError, match=f"{count} matured rows .* of {least} at least"):
        training_file(ledger.matured(), PLAIN, source(tmp_path, SHOP), NOTATION, least)


def test_a_file_is_named_by_its_source_and_never_takes_the_place_of_another(
    ledger: Ledger, tmp_path: Path
):
    ledger.applicants(["a"], ["paid"])
    training = training_file(ledger.matured(), PLAIN, source(tmp_path, SHOP), NOTATION, 1)
    first = file_for(tmp_path, "data/raw/my shop.csv", training)
    assert first.name == "my_shop-1-matured.csv"
    first.write_bytes(training.content)
    assert file_for(tmp_path, "data/raw/my shop.csv", training) == first
    assert file_for(tmp_path, str(first), training) == first
    first.write_text("other")
    assert file_for(tmp_path, str(first), training).name == "my_shop-1-matured-2.csv"


def command(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commands.retrain", *args],
        cwd=folder, env={"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"},
        capture_output=True, text=True,
    )  # fmt: skip


def test_a_dry_run_writes_the_file_and_its_numbers(ledger: Ledger, tmp_path: Path):
    data = source(tmp_path, SHOP)
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(TREE))
    params = {"data": {"source": data.source, "schema": "shop.yaml"}}
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump(params | {"prepare": {"null_words": ["n/a"]}})
    )
    options = ["--batches", "batches", "--dry-run", "--least"]
    refused = command(tmp_path, *options, "1")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: make retrain: outcomes: 0 matured rows")
    assert refused.stderr.count("\n") == 1
    ledger.applicants(["a", "b", "c"], ["paid", "lost", None])
    done = command(tmp_path, *options, "2")
    assert done.stdout.splitlines() == [
        f"retrain: data/retrain/shop-2-matured.csv: 3 rows of {data.source}, and 2 matured ones, "
        "of 2026-01-01; bad rate 50.0%, 50.0% before",
        "  1 applicants have no outcome yet",
        "retrain: a dry run: nothing is trained on data/retrain/shop-2-matured.csv",
    ]
    assert len((tmp_path / "data/retrain/shop-2-matured.csv").read_text().splitlines()) == 6

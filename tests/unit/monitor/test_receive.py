"""Arrived files: what they are, and that each row of them is counted once."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from creditrisk.core.errors import InputError
from creditrisk.ingest.params import DataParams
from creditrisk.monitor.arrival import Arrival, day_of, read_arrival
from creditrisk.monitor.batches import known_batches, read_rows
from creditrisk.monitor.receive import alone, receive_files, summary
from creditrisk.prepare.cells import Notation
from creditrisk.schema import Schema, parse_schema
from tests.support.project import ROOT
from tests.support.small_data import SMALL, SMALL_TREE, small_clean, with_id
from tests.unit.ingest.workbooks import xlsx

CLEAN = small_clean(20, seed=1)
NEW = CLEAN.drop(columns="Out come")
NOTATION = Notation.of(".", ",", ["na"])


def data(**changed: str) -> DataParams:
    return DataParams(source="x", schema_="y", **changed)


def read(path: Path, schema: Schema = SMALL, **changed: str) -> Arrival:
    return read_arrival(path, data(**changed), schema, NOTATION)


def write(path: Path, frame: pd.DataFrame, **options) -> Path:
    frame.to_csv(path, index=False, **options)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "incoming").mkdir()
    return tmp_path / "incoming", tmp_path / "monitor" / "batches"


def take(folders: tuple[Path, Path], reader=read):
    incoming, batches = folders
    with alone(batches):
        return receive_files(incoming, batches, reader)


def rows_in(batches: Path) -> int:
    return summary(known_batches(batches), [])["rows"]


@pytest.mark.parametrize("form", ["csv", "json lines", "parquet", "excel", "packed"])
def test_the_same_rows_from_each_form(tmp_path: Path, form: str):
    texts = NEW.astype("str")
    path = tmp_path / "a.csv"
    if form == "csv":
        write(path, texts)
    elif form == "packed":
        path = tmp_path / "a.csv.gz"
        path.write_bytes(gzip.compress(texts.to_csv(index=False).encode()))
    elif form == "json lines":
        path = tmp_path / "a.jsonl"
        texts.to_json(path, orient="records", lines=True)
    elif form == "parquet":
        path = tmp_path / "a.parquet"
        texts.to_parquet(path)
    else:
        path = tmp_path / "a.xlsx"
        xlsx(path, {"new": [list(texts), *texts.to_numpy().tolist()]})
    found = read(path)
    assert (found.kind, found.form) == ("applicants", "csv" if form == "packed" else form)
    assert found.header == list(NEW)
    assert found.rows["row_id"].tolist() == list(range(1, 21))
    assert found.rows["cell.Region"].tolist() == NEW["Region"].tolist()
    assert "bad" not in found.rows
    assert found.rows[["id", "day", "malformed"]].isna().all(axis=None)


def test_outcomes_with_the_applicants_and_alone(tmp_path: Path):
    known = CLEAN.copy()
    known.loc[3, "Out come"] = "who knows"
    found = read(write(tmp_path / "a.csv", known.assign(row_id=range(101, 121))))
    assert found.kind == "applicants"
    assert found.rows["id"].tolist() == [str(n) for n in range(101, 121)]
    assert found.rows["bad"].dtype == "Int8"
    assert found.rows["bad"].tolist()[:3] == [1, 0, 0]
    assert found.rows["bad"].isna().tolist().index(True) == 3

    late = pd.DataFrame({"Customer": ["7", " 8 ", ""], "OUT  COME": ["paid", "default", "x"]})
    found = read(write(tmp_path / "late.csv", late), with_id())
    assert found.kind == "outcomes"
    assert found.rows["id"].tolist()[:2] == ["7", "8"]
    assert found.rows["bad"].tolist()[:2] == [0, 1]
    assert not [name for name in found.rows if name.startswith("cell.")]
    assert read(tmp_path / "late.csv").problem == (
        "line 1: outcomes without the column row_id or request_id or message_id: nobody knows whose"
    )


def test_the_day_of_a_row_is_that_of_its_application(tmp_path: Path):
    columns = {"asked": {"name": "asked", "kind": "date", "format": "%d.%m.%Y"}}
    tree = SMALL_TREE | {"columns": SMALL_TREE["columns"] | columns, "application_date": "asked"}
    dates = ["01.07.2026", "31.02.2026", "na", ""] * 5
    path = write(tmp_path / "a.csv", NEW.assign(asked=dates))
    days = read(path, parse_schema(tree, "s")).rows["day"]
    assert days[0] == "2026-07-01"
    assert days[1:4].isna().all()


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2026-07-01.csv", "2026-07-01"),
        ("new_20260701.csv", "2026-07-01"),
        ("2026_07_01-b.csv", "2026-07-01"),
        ("scored-20260701T101112Z-3-ab12cd34.jsonl", "2026-07-01"),
        ("20260701101112.csv", "2026-07-01"),
        ("2026-02-30.csv", "2001-09-09"),
        ("loan-1234567890123.csv", "2001-09-09"),
        ("2026-0701.csv", "2001-09-09"),
    ],
)
def test_the_day_of_a_file(name: str, day: str):
    assert day_of(Path(name), 1e9) == day


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (NEW.to_csv(index=False, sep=";").encode(), "stand between ';', not ','"),
        (NEW.rename(columns={"Income": "Wage"}).to_csv(index=False).encode(), "Income; unknown"),
        (NEW.to_csv(index=False, header=False).encode(), "no column"),
        (NEW.to_csv(index=False).encode("utf-16"), "UTF-16"),
        (NEW.to_csv(index=False).encode("latin-1"), "not utf-8"),
        (b"%PDF-1.4 ...", "a PDF document"),
        (b'{"Income": "secret"', "not a JSON object"),
    ],
)
def test_what_can_t_be_read_is_broken_and_says_why_without_a_cell(tmp_path, content, words):
    path = tmp_path / "a.csv"
    if content.startswith(b"{"):
        path = path.with_suffix(".jsonl")
    path.write_bytes(content)
    found = read(path)
    assert found.kind == "broken"
    assert words in found.problem
    assert str(tmp_path) not in found.problem
    assert "secret" not in found.problem
    assert str(NEW["Income"].iloc[0]) not in found.problem
    assert len(found.rows) == 0


def test_a_header_without_rows_is_a_batch_and_a_ragged_row_is_rejected(tmp_path: Path):
    found = read(write(tmp_path / "a.csv", CLEAN[:0]))
    assert (found.kind, len(found.rows), found.rejected) == ("applicants", 0, 0)
    path = write(tmp_path / "b.csv", CLEAN)
    path.write_text(path.read_text() + "1,2\n")
    found = read(path)
    assert (len(found.rows), found.rejected) == (21, 1)


def test_text_in_another_encoding_than_is_said_is_a_finding(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_bytes(NEW.to_csv(index=False).encode())
    assert "Süd" in set(NEW["Region"])
    assert "looks like UTF-8" in read(path, encoding="latin-1").findings[0]
    assert read(path).findings == []
    path.write_bytes(NEW.to_csv(index=False).encode("latin-1"))
    assert read(path, encoding="latin-1").findings == []


def event(row: dict[str, str | None], request: str, of: int, time: str) -> str:
    tree = {"time": time, "request_id": request, "of": of, "model_sha256": "ab", "row": row}
    return json.dumps(tree | {"pd": 0.25, "score": 500, "decision": "accept"})


def test_events_of_the_service_are_known_by_what_is_in_them(tmp_path: Path):
    rows = NEW.astype("str").to_dict("records")
    lines = [event(rows[0], "one", 1, "2026-07-01T23:59:59Z")]
    lines += [event(rows[i], "two", 2, "2026-07-02T00:00:00Z") for i in (1, 2)]
    lines += ["{", event({"Income": "1"}, "three", 1, "2026-07-02T00:00:00Z")]
    path = tmp_path / "whatever.txt"
    path.write_text("\n".join(lines) + "\n")
    found = read(path)
    assert (found.kind, found.form, found.rejected) == ("applicants", "events", 2)
    assert found.rows["id"].tolist()[:3] == ["one", "two:1", "two:2"]
    assert found.rows["day"].tolist()[:3] == ["2026-07-01", "2026-07-02", "2026-07-02"]
    assert found.rows["pd"].tolist()[:3] == [0.25] * 3
    assert found.rows["cell.Income"].tolist()[:3] == [row["Income"] for row in rows[:3]]
    assert found.rows["malformed"].tolist()[3:] == [
        "line 4: not a JSON object", "line 5: no column Age Years",
    ]  # fmt: skip


def test_each_file_counts_once_and_a_copy_is_named(folders, capsys):
    incoming, batches = folders
    write(incoming / "2026-07-01.csv", CLEAN)
    write(incoming / "copy.csv", CLEAN)
    (incoming / "e1.csv").touch()
    (incoming / "e2.csv").touch()
    first = take(folders)
    assert [facts.name for facts in first.received] == ["2026-07-01.csv", "e1.csv", "e2.csv"]
    assert first.duplicates == [{"name": "copy.csv", "same_as": "2026-07-01.csv"}]
    again = take(folders)
    assert again.received == []
    assert again.duplicates == first.duplicates
    counted = summary(known_batches(batches), again.duplicates)
    assert counted == {
        "batches": 3, "rows": 20, "rejected_rows": 0, "outcomes": 0,
        "broken": [{"name": n, "problem": "an empty file"} for n in ("e1.csv", "e2.csv")],
        "duplicates": first.duplicates,
        "last": {"name": "e2.csv", "day": counted["last"]["day"]},
    }  # fmt: skip


def test_a_file_that_changed_later_is_an_error_after_all_others(folders):
    incoming, batches = folders
    write(incoming / "a.csv", CLEAN)
    take(folders)
    write(incoming / "a.csv", CLEAN[:5])
    write(incoming / "b.csv", CLEAN[:6])
    receipt = take(folders)
    assert [facts.name for facts in receipt.received] == ["b.csv"]
    assert "a.csv: file: changed after it was read" in str(receipt.problem)
    assert rows_in(batches) == 26


def test_a_file_that_changes_while_it_is_read_waits(folders, capsys):
    incoming, _ = folders
    path = write(incoming / "a.csv", CLEAN)

    def reading(path: Path) -> Arrival:
        found = read(path)
        with path.open("a") as file:
            file.write("1,2,3\n")
        return found

    assert take(folders, reading).received == []
    assert "changed while it was read" in capsys.readouterr().out
    assert [facts.rows for facts in take(folders).received] == [21]
    path.unlink()
    assert take(folders).problem is None


def test_what_is_no_regular_file_is_never_opened(folders, capsys):
    incoming, _ = folders
    outside = write(incoming.parent / "outside.csv", CLEAN)
    (incoming / "link.csv").symlink_to(outside)
    (incoming / "zero.csv").symlink_to("/dev/zero")
    os.mkfifo(incoming / "pipe.csv")
    (incoming / "folder").mkdir()
    write(incoming / "a.csv.part", CLEAN)
    write(incoming / ".hidden.csv", CLEAN)
    assert take(folders).received == []
    said = capsys.readouterr().out
    for name in ("link.csv", "zero.csv", "pipe.csv", "folder/", "a.csv.part"):
        assert name in said
    assert "hidden" not in said


def test_a_name_that_is_no_text_and_one_of_another_language(folders):
    incoming, batches = folders
    (incoming / os.fsdecode(b"\xff\nx.csv")).write_text(CLEAN.to_csv(index=False))
    write(incoming / "größe=1+1.csv", CLEAN[:3])
    assert len(take(folders).received) == 2
    assert take(folders).received == []
    assert rows_in(batches) == 23


def test_what_a_killed_receiver_left_is_deleted(folders):
    incoming, batches = folders
    batches.mkdir(parents=True)
    (batches / ".000009-x.parquet.abc.part").write_bytes(b"PAR1")
    write(incoming / "a.csv", CLEAN)
    take(folders)
    assert [path.name for path in batches.iterdir()] == ["000001-a.csv.parquet"]
    assert len(read_rows(known_batches(batches)[0])) == 20


def project(folder: Path, files: int, rows: int = 30) -> Path:
    """A folder in which the command runs, with files that have no row in common."""
    (folder / "data/incoming").mkdir(parents=True)
    (folder / "metrics").mkdir()
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["data"]["schema"] = "schema.yaml"
    (folder / "params.yaml").write_text(yaml.safe_dump(tree))
    (folder / "schema.yaml").write_text(yaml.safe_dump(SMALL_TREE))
    for number in range(files):
        frame = small_clean(rows, seed=number).assign(row_id=[f"{number}-{i}" for i in range(rows)])
        write(folder / "data/incoming" / f"f{number:03d}.csv", frame)
    return folder


def start(folder: Path, *args: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "commands.receive", *args], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"},
    )  # fmt: skip


def ids_in(folder: Path) -> list[str]:
    """The ids of all rows in the ledger."""
    batches = known_batches(folder / "data/monitor/batches")
    return [one for batch in batches for one in read_rows(batch, ["id"])["id"]]


def everything(files: int, rows: int = 30) -> list[str]:
    return sorted(f"{number}-{i}" for number in range(files) for i in range(rows))


@pytest.mark.slow
def test_a_receiver_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path):
    folder, chance, files = project(tmp_path / "p", 80), random.Random(3), 80
    kills = 0
    for _ in range(12):
        before = len(known_batches(folder / "data/monitor/batches"))
        process = start(folder)
        while process.poll() is None and len(_listed(folder)) == before:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.04))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 8
    assert len(_listed(folder)) > 0
    done = start(folder)
    done.communicate()
    assert done.returncode == 0
    assert sorted(ids_in(folder)) == everything(files)
    assert not list((folder / "data/monitor/batches").glob(".*.part"))
    numbers = [batch.facts.number for batch in known_batches(folder / "data/monitor/batches")]
    assert numbers == list(range(1, files + 1))


def _listed(folder: Path) -> list[Path]:
    return list((folder / "data/monitor/batches").glob("*.parquet"))


@pytest.mark.slow
def test_two_receivers_at_once_count_each_row_once(tmp_path: Path):
    folder = project(tmp_path / "p", 60)
    both = [start(folder), start(folder)]
    assert [(process.communicate(), process.returncode)[1] for process in both] == [0, 0]
    assert sorted(ids_in(folder)) == everything(60)


@pytest.mark.slow
def test_a_receiver_waits_for_another_one_and_says_so(tmp_path: Path):
    folder = project(tmp_path / "p", 2)
    with alone(folder / "data/monitor/batches"):
        process = start(folder)
        assert process.stdout is not None
        assert "waiting for it" in process.stdout.readline()
        assert _listed(folder) == []
    process.communicate()
    assert process.returncode == 0
    assert sorted(ids_in(folder)) == everything(2)


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_costs_nothing(tmp_path: Path):
    folder = project(tmp_path / "p", 1) / "data/incoming"
    write(
        folder / "f001.csv", small_clean(5000, seed=1).assign(row_id=[f"b{i}" for i in range(5000)])
    )
    code = (
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))\n"
        "sys.argv = ['receive']\n"
        "runpy.run_module('commands.receive', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder.parents[1], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "can't be written: File too large" in done.stderr
    root = folder.parents[1]
    assert len(ids_in(root)) == 30
    assert not list((root / "data/monitor/batches").glob(".*.part"))
    start(root).communicate()
    assert len(set(ids_in(root))) == len(ids_in(root)) == 5030


def test_the_command_ends_with_2_for_a_changed_file_and_0_for_a_broken_one(tmp_path: Path):
    folder = project(tmp_path / "p", 1)
    (folder / "data/incoming/broken.csv").write_text("a,b\n1,2\n")
    first = start(folder)
    first.communicate()
    assert first.returncode == 0
    counted = json.loads((folder / "metrics/receive.json").read_text())
    assert (counted["batches"], counted["rows"], len(counted["broken"])) == (2, 30, 1)
    assert (folder / "data/incoming/.gitignore").exists()
    with (folder / "data/incoming/f000.csv").open("a") as file:
        file.write("\n")
    process = start(folder)
    said = process.communicate()[1]
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert said.startswith("error: data/incoming/f000.csv: file: changed after it was read")


def test_a_foreign_file_in_the_ledger_is_an_error_by_name(folders):
    incoming, batches = folders
    write(incoming / "a.csv", CLEAN)
    take(folders)
    (batches / "000002-x.parquet").write_bytes(b"no")
    with pytest.raises(InputError, match=r"000002-x\.parquet"):
        take(folders)

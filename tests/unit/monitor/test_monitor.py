"""`python -m commands.monitor`: windows, alarms over time, what is written, what is refused."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from commands import monitor
from creditrisk.core.errors import InputError
from creditrisk.monitor import load
from creditrisk.monitor.alarms import Seen, alarms_of, record
from creditrisk.monitor.batches import Facts, known_batches, write_batch
from creditrisk.monitor.judge import Occurrence
from tests.support.watching import as_rows, facts, watched_project, window


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, which is the working directory."""
    monkeypatch.chdir(watched_project(tmp_path / "p"))
    return tmp_path / "p"


def put(number: int, rows: pd.DataFrame | None = None, seed: int = 0, **more: object) -> Facts:
    """Put a batch of 100 rows, or of other rows, into the ledger."""
    rows = as_rows(window(100, seed + number)) if rows is None else rows
    given = {"rows": len(rows), "day": f"2026-02-{number:02}"} | more
    found = facts(number, **given)
    write_batch(Path("data/monitor/batches"), found, rows)
    return found


def run(*args: str) -> tuple[int, dict]:
    """Run the command; return its exit code and metrics/monitor.json."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["monitor", *args])
        try:
            monitor.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    written = Path("metrics/monitor.json")
    return code, json.loads(written.read_text()) if written.exists() else {}


def amounts(rows: pd.DataFrame, factor: float = 2) -> pd.DataFrame:
    return rows.assign(hoehe=(rows["hoehe"].astype(float) * factor).astype(int).astype(str))


def test_nothing_has_arrived(folder: Path):
    code, found = run()
    assert code == 0
    assert (found["batches"], found["rows"], found["window"], found["alarms"]) == (0, 0, None, [])
    assert "Nothing has arrived yet" in (folder / "plots/monitor.html").read_text()
    header = (folder / "plots/monitor.csv").read_text()
    assert header == (
        "window,first_day,last_day,rows,series,psi,p,p_holm,missing_rate,unseen_rate,alarm\n"
    )


def test_only_new_batches_are_counted_and_all_outputs_are_the_same_again(folder: Path, capsys):
    for number in (1, 2, 3):
        put(number)
    run()
    assert "counted now: 3;" in capsys.readouterr().out
    outputs = ("metrics/monitor.json", "plots/monitor.csv", "plots/monitor.html")
    first = [(folder / name).read_bytes() for name in outputs]
    put(4)
    run()
    assert "counted now: 1;" in capsys.readouterr().out
    (folder / "data/monitor/batches/000004-4.csv.parquet").unlink()
    run()
    assert "counted now: 0;" in capsys.readouterr().out
    assert [(folder / name).read_bytes() for name in outputs] == first
    assert len(list((folder / "data/monitor/results").glob("*.parquet"))) == 3


def test_a_result_is_made_again_if_a_hash_differs(folder: Path, capsys, monkeypatch):
    put(1)
    run()
    put(1, seed=50)  # other rows under the same name
    run()
    assert capsys.readouterr().out.count("counted now: 1;") == 2
    monkeypatch.setattr(load, "code_sha256", lambda folder: "0" * 64)
    run()
    assert "counted now: 1;" in capsys.readouterr().out
    (folder / "data/monitor/results/000001.parquet").write_bytes(b"cut off")
    run()
    assert "counted now: 1;" in capsys.readouterr().out


def test_a_drift_is_one_alert_until_it_has_ended(folder: Path):
    drifted = as_rows(amounts(window(200, 9)))
    for number in range(1, 3):
        put(number, as_rows(window(200, number)))
    assert run()[0] == 0
    ids = []
    for number in (3, 4):
        put(number, drifted)
        code, found = run()
        assert code == 3
        (alarm,) = [one for one in found["alarms"] if one["kind"] == "drift"]
        ids.append(alarm["id"])
        assert alarm["place"] == "amount"
        assert alarm["since"] == {"batch": "3.csv", "day": "2026-02-03", "window": 3}
        assert found["series"]["amount"]["alarm"]
    assert ids[0] == ids[1]
    assert run("--exit-zero")[0] == 0
    put(5, as_rows(window(200, 15)))
    assert run()[0] == 3  # one quiet window is not yet the end
    put(6, as_rows(window(200, 16)))
    code, found = run()
    assert (code, found["alarms"]) == (0, [])
    lines = [json.loads(line) for line in (folder / "data/monitor/alerts.jsonl").open()]
    assert [line["id"] for line in lines if line["kind"] == "drift"] == ids[:1]
    assert len({line["id"] for line in lines}) == len(lines)
    table = pd.read_csv(folder / "plots/monitor.csv")
    assert table.query("series == 'amount'")["alarm"].tolist() == [0, 0, 1, 1, 0, 0]


def test_a_broken_batch_and_a_changed_format_are_alarms_from_the_first_batch_on(folder: Path):
    put(1, as_rows(window(20, 1)))
    empty = as_rows(window(20, 1)).iloc[:0]
    put(2, empty, kind="broken", problem="line 1: no column alter")
    rows = window(20, 2)
    put(3, as_rows(amounts(rows, 100)))
    code, found = run()
    assert code == 3
    hard = {one["place"]: one for one in found["alarms"] if one["severity"] == "hard"}
    assert "2.csv: line 1: no column alter" in hard["2.csv"]["message"]
    assert "100 times as large" in hard["amount"]["message"]
    assert (found["batches"], found["rows"]) == (3, 40)


def test_each_broken_file_is_an_alarm_of_its_own(folder: Path):
    empty = as_rows(window(5, 1)).iloc[:0]
    put(1, empty, kind="broken", problem="an empty file")
    ids = {one["id"] for one in run()[1]["alarms"]}
    put(2, empty, kind="broken", problem="line 1: no column alter")
    found = run()[1]["alarms"]
    assert ids < {one["id"] for one in found}
    assert {one["place"] for one in found} == {"1.csv", "2.csv"}


def test_a_changed_format_is_told_once_and_not_as_drift_too(folder: Path):
    put(1, as_rows(amounts(window(250, 2), 100)))
    found = run()[1]
    assert [(one["kind"], one["place"]) for one in found["alarms"]] == [("format", "amount")]


def test_nothing_is_lost_if_a_run_fails_before_it_has_told_all(folder: Path, tmp_path: Path):
    for number in range(1, 9):
        rows = window(200, number)
        put(number, as_rows(amounts(rows) if number == 2 else rows))
    with pytest.raises(InputError, match="is a folder"):
        run("--page", str(tmp_path))
    run()
    assert '"place": "amount"' in Path("data/monitor/alerts.jsonl").read_text()


def test_outcomes_of_nobody_are_an_alarm(folder: Path):
    put(1, as_rows(window(20, 1)))
    lines = {"row_id": range(1, 9), "malformed": None, "day": None, "bad": 1}
    rows = pd.DataFrame(lines).assign(id=[f"x{i}" for i in range(8)])
    types = {"malformed": "str", "day": "str", "id": "str", "bad": "Int8"}
    put(2, rows.astype(types), kind="outcomes")
    found = run()[1]
    assert [(one["kind"], one["place"]) for one in found["alarms"]] == [("format", "2.csv")]
    assert found["outcomes"]["unknown_ids"] == 8


@pytest.mark.parametrize("line", ['{"id": "x', "[1]", "\u2028"])
def test_a_line_of_the_alerts_that_is_none_is_named(folder: Path, line: str):
    (folder / "data/monitor").mkdir(parents=True, exist_ok=True)
    (folder / "data/monitor/alerts.jsonl").write_text(f'{{"id": "a"}}\n{line}\n')
    with pytest.raises(InputError, match=r"alerts\.jsonl: line 2: no alarm"):
        run()


def test_rows_that_cannot_be_read(folder: Path):
    rows = as_rows(window(100, 1))
    rows.loc[:9, "malformed"] = "3 cells, the header has 20"
    put(1, rows, rejected=10)
    code, found = run()
    assert (found["rows"], found["rejected_rows"]) == (100, 10)
    assert [one["kind"] for one in found["alarms"]] == ["rejected"]
    assert code == 3


def test_silence_is_looked_for_only_if_the_time_is_given(folder: Path):
    put(1)
    assert run()[0] == 0
    code, found = run("--now", "2026-02-09T06:00:00")
    assert code == 3
    (alarm,) = found["alarms"]
    assert (alarm["kind"], alarm["severity"]) == ("silence", "hard")
    put(2, as_rows(window(400, 5)), day="2026-01-20")  # late rows of an older day
    again = [one for one in run("--now", "2026-02-10")[1]["alarms"] if one["kind"] == "silence"]
    assert [one["id"] for one in again] == [alarm["id"]]
    assert run("--now", "2026-02-04T01:00:00+05:00")[0] == 0  # in UTC it is the day before
    put(9)
    assert run("--now", "2026-02-10")[0] == 0


def test_outcomes_come_later_by_id(folder: Path):
    rows = window(300, 1).assign(laufzeit="23")  # no training row
    ids = pd.Series([f"a{i}" for i in range(300)], dtype="str")
    put(1, as_rows(rows, id=ids))
    code, found = run()
    assert found["outcomes"]["known"] == 0
    assert 0.5 < found["outcomes"]["expected_auc"] < 1
    bad = pd.Series([i % 2 for i in range(300)], dtype="Int8")
    lines = pd.DataFrame({"row_id": range(1, 301), "malformed": pd.Series(pd.NA, range(300),
                          dtype="str"), "id": ids, "bad": bad, "day": pd.NA})  # fmt: skip
    put(2, lines.astype({"day": "str"}), kind="outcomes")
    code, found = run()
    assert code == 3
    outcomes = found["outcomes"]
    assert (outcomes["known"], outcomes["rows"], outcomes["bad_rate"]) == (300, 300, 0.5)
    assert outcomes["auc_low"] < 0.5 < outcomes["auc_high"]
    assert {"auc"} <= {one["kind"] for one in found["alarms"]}
    page = (folder / "plots/monitor.html").read_text()
    assert "Bad rate by grade" in page


def test_texts_of_the_data_are_data_on_the_page(folder: Path):
    put(1, as_rows(window(5, 1)).iloc[:0], kind="broken", name="<img src=x onerror=alert(1)>.csv",
        problem="<script>alert(2)</script>")  # fmt: skip
    run()
    page = (folder / "plots/monitor.html").read_text()
    assert "<img" not in page
    assert "<script>alert(2)" not in page
    assert "&lt;script&gt;alert(2)" in page


@pytest.mark.parametrize("args", [("--now", "yesterday"), ("--now", "12:00")])
def test_a_wrong_time_is_refused(folder: Path, args: tuple[str, ...], capsys):
    assert run(*args) == (2, {})
    assert "not a time such as" in capsys.readouterr().err


def test_files_that_are_not_the_recorded_ones_are_refused(folder: Path):
    put(1)
    path = folder / "models/reference.json"
    path.write_text(path.read_text().replace('"rows": 800', '"rows": 801'))
    with pytest.raises(InputError, match=r"not the file that dvc\.lock records"):
        run()
    path.unlink()
    with pytest.raises(InputError, match="not found"):
        run()


def test_what_is_no_batch_is_refused_by_name(folder: Path):
    put(1)
    (folder / "data/monitor/batches/000002-x.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"000002-x\.parquet: file: not a batch"):
        known_batches(Path("data/monitor/batches"))


def test_alarms_that_have_ended_within_a_backlog_are_told_too(folder: Path):
    for number in range(1, 9):
        rows = window(200, number)
        put(number, as_rows(amounts(rows) if number == 2 else rows))
    code, found = run()
    assert (code, found["alarms"]) == (0, [])
    lines = map(json.loads, Path("data/monitor/alerts.jsonl").read_text().splitlines())
    assert [(one["kind"], one["place"]) for one in lines if one["kind"] == "drift"] == [
        ("drift", "amount")
    ]
    # Judged anew, by another code or champion, they are no news.
    Path("data/monitor/alerts.jsonl").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "code_sha256", lambda folder: "0" * 64)
        run()
    assert not Path("data/monitor/alerts.jsonl").exists()


def seen(kind: str, *steps: int) -> list[Seen]:
    return [
        Seen(Occurrence(kind, "x", f"at {step}"), "windows", step, f"b{step}", None, step)
        for step in steps
    ]


def test_when_an_alarm_begins_and_ends():
    def on(steps, now):
        found = alarms_of(seen("drift", *steps), {"windows": now}, quiet=2)
        return [alarm.told for alarm in found if alarm.is_on]

    assert [one["message"] for one in on([3, 5], 5)] == ["at 5"]
    assert on([3, 5], 5)[0]["id"] == on([3], 3)[0]["id"]  # a pause of one window is none
    assert on([3], 5) == []
    assert on([3, 8], 8)[0]["id"] != on([3], 3)[0]["id"]
    assert on([3, 8], 8)[0]["since"]["window"] == 8
    assert [one.is_on for one in alarms_of(seen("drift", 3, 8), {"windows": 8}, 2)].count(True) == 1


def test_each_alarm_is_recorded_once(tmp_path: Path):
    path = tmp_path / "alerts.jsonl"
    odd = Seen(Occurrence("drift", "a\u2028b", "x\ny"), "windows", 3, "b3", None, 3)
    assert record(alarms_of([odd], {"windows": 3}, 2), path, 3) == 1
    assert record(alarms_of([odd], {"windows": 3}, 2), path, 3) == 0
    path.unlink()
    alarms = alarms_of([*seen("drift", 3), *seen("score", 3)], {"windows": 3}, 2)
    assert record(alarms[:1], path, 3) == 1
    assert record(alarms, path, 3) == 1
    assert record(alarms, path, 3) == 0
    assert [json.loads(line)["kind"] for line in path.open()] == ["drift", "score"]
    ended = alarms_of(seen("missing", 1), {"windows": 9}, 2)
    assert (record(ended, path, 1), record(ended, path, 0)) == (0, 1)

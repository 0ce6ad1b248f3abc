"""Logs: what happened and what it cost, and neither a cell of an applicant nor a secret."""

import json
import logging
import os
import warnings
from pathlib import Path

import pytest

from creditrisk.core import logs
from creditrisk.core.errors import InputError
from creditrisk.core.files import write_json
from creditrisk.core.logs import current_file, logged_run
from creditrisk.core.params import read_yaml
from tests.support.stage_runs import make_project, run_here

HEADER = (
    "laufkont,laufzeit,moral,verw,hoehe,sparkont,beszeit,rate,famges,buerge,wohnzeit,verm,alter,"
    "weitkred,wohn,bishkred,beruf,pers,telef,gastarb,kredit"
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines(folder: Path = Path(".")) -> str:
    return "".join(path.read_text() for path in sorted((folder / "logs").glob("*.log")))


def test_a_run_logs_what_it_wrote_and_what_it_cost():
    with logged_run("prepare"):
        write_json({"a": 1}, "out.json")
    found = lines()
    assert "INFO    prepare started" in found
    assert "prepare wrote out.json" in found
    last = found.splitlines()[-1]
    assert "finished seconds=" in last
    assert "peak_memory_mb=" in last
    assert current_file() is None


def test_machines_get_a_json_object_per_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CREDITRISK_LOG", "json")
    with logged_run("train@lr"):
        logging.getLogger("creditrisk.core.files").info("read x", extra={"rows": 3})
    found = [json.loads(line) for line in lines().splitlines()]
    assert {line["stage"] for line in found} == {"train@lr"}
    assert found[1]["rows"] == 3
    assert found[-1]["seconds"] >= 0


def test_verbose_shows_the_log_and_off_writes_no_file(monkeypatch, capsys):
    monkeypatch.setenv("CREDITRISK_LOG", "off")
    with logged_run("check", verbose=True):
        pass
    assert not Path("logs").exists()
    assert "check finished" in capsys.readouterr().err


def test_an_error_line_is_logged_in_full_with_its_traceback():
    with pytest.raises(InputError), logged_run("select"):
        raise InputError("params.yaml", "model", "unknown algorithm 'lrr'", "Did you mean lr?")
    found = lines()
    assert "params.yaml: model: unknown algorithm 'lrr'. Did you mean lr?" in found
    assert "test_logs.py" in found


def test_a_bug_is_logged_with_its_traceback_but_without_its_text():
    with pytest.raises(ValueError, match="Mrs Smith"), logged_run("prepare"):
        float("Mrs Smith")
    found = lines()
    assert "CRITICAL prepare bug: builtins.ValueError" in found
    assert "test_logs.py" in found
    assert found.count("Mrs Smith") == 1  # the source line of this test, no value


def test_a_warning_is_shown_as_before_and_logged_by_its_class(recwarn):
    with logged_run("train"):
        warnings.warn("level Mrs Smith is unknown", UserWarning, stacklevel=1)
    assert "WARNING train UserWarning at core/test_logs.py" in lines()
    assert "Mrs Smith" not in lines()


def test_no_secret_gets_into_a_log(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "tok-123456")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter-22")
    error = InputError("environment", "X", "hunter-22 was refused", "Set another.")

    def ask() -> None:
        address = "https://{}@host/?sig=abc".format("me:p@ss/word")
        logging.getLogger("creditrisk.x").info("asking %s with tok-123456", address)
        raise error

    with pytest.raises(InputError), logged_run("mirror"):
        ask()
    found = lines()
    assert "asking https://***@host/?*** with ***" in found
    assert "tok-123456" not in found
    assert "hunter-22" not in found
    assert "ss/word" not in found
    assert "sig=abc" not in found


def test_the_oldest_files_go(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "KEPT_FILES", 3)
    monkeypatch.setattr(logs, "KEPT_SECONDS", 0.0)
    Path("logs").mkdir()
    Path("logs/other.log").write_text("not ours")
    for number in range(5):
        with logged_run(f"run{number}"):
            pass
    names = [path.name for path in sorted(Path("logs").glob("2*.log"))]
    assert [name.split("-")[1] for name in names] == ["run2", "run3", "run4"]
    assert Path("logs/other.log").exists()


def test_a_log_that_is_still_fresh_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "KEPT_FILES", 1)
    with logged_run("long"):
        path = current_file()
        for _ in range(3):
            with logged_run("short"):
                pass
        assert path is not None
        assert path.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_costs_one_line_and_never_the_run(monkeypatch, capsys):
    opened = logs._File._open

    def full(self: logs._File):
        opened(self).close()
        return open("/dev/full", "w")

    monkeypatch.setattr(logs._File, "_open", full)
    with pytest.raises(InputError), logged_run("select"):
        raise InputError("params.yaml", "model", "unknown", "Correct it.")
    assert capsys.readouterr().err.count("logs: logs can't be written") == 1


def test_a_run_goes_on_where_no_log_can_be_written(capsys):
    Path("logs").write_text("a file is in the way")
    with logged_run("check"):
        done = True
    assert done
    assert "logs: logs can't be written" in capsys.readouterr().err


CELLS = [f"Zz{i}q" for i in range(21)]
WRONG = {
    "no header": "\n".join([",".join(CELLS), ",".join(CELLS)]),
    "no header, another delimiter": "\n".join([";".join(CELLS), ";".join(CELLS)]),
    "no readable outcome": "\n".join([HEADER, ",".join(CELLS)]),
    "ragged": "\n".join([HEADER, *(",".join(CELLS[:k]) for k in (20, 19, 18))]),
    "open quote": "\n".join([HEADER, '"' + ",".join(CELLS), ",".join(CELLS)]),
    "bytes": "\n".join([HEADER, ",".join(CELLS)]) + "\xff",
}


@pytest.mark.parametrize("kind", WRONG)
def test_no_cell_of_an_applicant_gets_into_a_log(tmp_path: Path, kind: str):
    folder = make_project(tmp_path, WRONG[kind].encode("latin-1"))
    codes = [run_here(folder, stage)[0] for stage in ("ingest", "prepare")]
    assert 2 in codes
    found = lines(folder)
    assert "error: " in found
    assert [cell for cell in CELLS if cell in found] == []
    assert os.listdir(folder / "logs")


def test_a_file_of_applicants_in_the_place_of_the_parameters_is_not_quoted(tmp_path: Path):
    (tmp_path / "applicants.csv").write_text("name: amount\nMrs Smith: 4711\nMrs Smith: 4712\n")
    with pytest.raises(InputError, match="Smith"), logged_run("score"):
        read_yaml(tmp_path / "applicants.csv")
    assert "Smith" not in lines()


def test_a_secret_with_quotes_is_blanked_in_json_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CREDITRISK_LOG", "json")
    monkeypatch.setenv("MY_PASSWORD", 'pa"ss\\word')
    with logged_run("mirror"):
        logging.getLogger("creditrisk.x").info('tried pa"ss\\word')
    assert [json.loads(x)["message"] for x in lines().splitlines()][1] == "tried ***"

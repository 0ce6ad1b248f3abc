"""`make schema`: from a file to a draft, a few lines, and params.yaml if wanted."""

import os
import sys
from pathlib import Path

import pytest
import yaml

from commands import schema as command
from creditrisk.core.errors import InputError
from creditrisk.core.params import read_yaml
from creditrisk.schema import load_schema
from creditrisk.workflow.check import check

ROOT = Path(__file__).parents[3]
ROWS = ["1.200,50;Köln;0", "900,00;Bonn;1", "1.000,25;Köln;0"] * 4
TABLE = "\n".join(["Betrag;Ort;Ausfall", *ROWS]) + "\n"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with params.yaml, an applicants' file, and nothing else."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "new.csv").write_bytes(TABLE.encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["schema", *arguments])
    command.main()


def test_a_draft_in_the_folder_of_schemas(folder, monkeypatch, capsys):
    run(monkeypatch, "--data", "new.csv", "--target", "ausfall")
    schema = load_schema("data/schema/new.yaml")
    assert {s: c.kind for s, c in schema.columns.items()} == {"Betrag": "numeric", "Ort": "nominal"}
    assert (schema.target.column, schema.target.bad) == ("Ausfall", ["1"])
    text = capsys.readouterr().out
    assert "12 rows, 3 columns: the target, 1 numeric, 1 nominal" in text
    assert 'encoding: "latin-1", delimiter: ";", decimal: ",", thousands: "."' in text
    assert text.splitlines()[-1] == "schema: make check"
    assert (folder / "params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_params_yaml_can_name_the_draft_and_keeps_its_comments(folder, monkeypatch, capsys):
    run(monkeypatch, "--data", "new.csv", "--target", "Ausfall", "--use")
    before = (ROOT / "params.yaml").read_text("utf-8").splitlines()
    after = (folder / "params.yaml").read_text("utf-8").splitlines()
    changed = [new.strip() for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [
        "source: new.csv", "schema: data/schema/new.yaml", "encoding: latin-1", "delimiter: ;",
        "decimal: ','", "thousands: .",
    ]  # fmt: skip
    assert capsys.readouterr().out.splitlines()[-1].endswith("now names both files: make check")
    # What the registry knows is that of the project, so the check runs there.
    (folder / "creditrisk").symlink_to(ROOT / "creditrisk")
    (folder / "data/refused").mkdir(parents=True)
    assert check(read_yaml("params.yaml"), "params.yaml") > 0


def test_a_header_that_is_no_more_is_set_back(folder, monkeypatch):
    Path("none.csv").write_text("12.5,a,0\n13.5,b,1\n14.5,a,0\n")
    run(monkeypatch, "--data", "none.csv", "--target", "3", "--use")
    assert yaml.safe_load(Path("params.yaml").read_text())["data"]["header"] == "none"
    run(monkeypatch, "--data", "new.csv", "--target", "Ausfall", "--use")
    assert yaml.safe_load(Path("params.yaml").read_text())["data"].get("header", "first") == "first"


def test_a_file_is_not_overwritten_without_force(folder, monkeypatch):
    arguments = ("--data", "new.csv", "--target", "Ausfall", "--output", "x.yaml")
    run(monkeypatch, *arguments)
    with pytest.raises(InputError, match="exists already"):
        run(monkeypatch, *arguments)
    run(monkeypatch, *arguments, "--force")


def test_lists_are_cut_at_commas_and_quotes_protect_them(folder, monkeypatch):
    rows = ["1;Fully Paid", "2;late, a bit", "3;Current", "4;Default"] * 3
    Path("loans.csv").write_text("\n".join(["x;status", *rows]))
    run(
        monkeypatch, "--data", "loans.csv", "--target", "status", "--good", "Fully Paid",
        "--bad", 'Default, "late, a bit"', "--exclude", "Current",
    )  # fmt: skip
    target = load_schema("data/schema/loans.yaml").target
    assert (target.bad, target.exclude) == (["Default", "late, a bit"], ["Current"])


def test_names_of_columns_that_programs_write(folder, monkeypatch, capsys):
    Path("new.csv").write_text(
        ",x,x,line,income,bad\n0,1,2,3,10.5,0\n1,1,2,3,11.5,1\n2,1,2,3,12,0\n"
    )
    run(monkeypatch, "--data", "new.csv", "--target", "bad")
    assert list(load_schema("data/schema/new.yaml").columns) == ["income"]
    assert "several columns have this name" in capsys.readouterr().out


def test_long_files_are_cut_off_and_the_draft_says_so(folder, monkeypatch, capsys):
    monkeypatch.setattr(command, "MAX_ROWS", 5)
    run(monkeypatch, "--data", "new.csv", "--target", "Ausfall")
    assert "the first 5 rows, 3 columns" in capsys.readouterr().out
    assert "from the first 5 rows of new.csv" in Path("data/schema/new.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "new.csv"), "DATA and TARGET: missing"),
        (("--data", "", "--target", ""), "DATA and TARGET: missing"),
        (("--data", "absent.csv", "--target", "y"), "absent.csv: file: not found"),
        (("--data", ".", "--target", "y"), "can't be read: Is a directory"),
        (("--data", "new.csv", "--target", "Ausfal"), "no column Ausfal. Did you mean Ausfall"),
        (("--data", "head.csv", "--target", "y"), "no data lines"),
    ],
)
def test_errors_of_one_line(folder, monkeypatch, arguments, words):
    Path("head.csv").write_text("x,y\n")
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        run(monkeypatch, *arguments)
    assert not os.path.exists("data/schema/new.yaml")

"""Cells that count as missing are counted over the batches, and nothing is scored in silence."""

import pandas as pd
import pytest

from tests.support.champions import project, raw_lines
from tests.support.stage_runs import call

pytestmark = pytest.mark.slow

HEADER, LINES = raw_lines()
NAMES = HEADER.split(",")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return project(tmp_path_factory.mktemp("counts") / "p")


def file_with(rows=20, **columns):
    """Lines of the default data; a column's function makes a cell of the row's number and cell."""
    lines = []
    for i, line in enumerate(LINES[:rows]):
        cells = dict(zip(NAMES, line.split(","), strict=True))
        for name, change in columns.items():
            cells[name] = change(i, cells[name])
        lines.append(",".join(cells.values()))
    return "\n".join([HEADER, *lines]) + "\n"


def score(folder, text, *args):
    (folder / "new.csv").write_text(text)
    (folder / "out.csv").unlink(missing_ok=True)
    options = ("--reasons", "0", "--batch", "7", *args)
    return call(folder, "commands.score", "--input", "new.csv", "--output", "out.csv", *options)


def refused(folder, done):
    """The one line on stderr, after exit code 2 and without any output."""
    assert done.returncode == 2
    assert done.stderr.startswith("error: new.csv: ")
    assert done.stderr.count("\n") == 1
    assert not list(folder.glob("*out.csv*"))
    return done.stderr


# Cells of twenty rows, the share that can't be read, and the causes.
UNREADABLE = {
    "throughout": (lambda i, cell: "2020-01-02", "100.0%", "20 unparseable"),
    "almost": (lambda i, cell: cell if i == 3 else "1.234.5", "95.0%", "19 unparseable"),
    "or empty": (lambda i, cell: "" if i < 12 else "x", "100.0%", "12 empty, 8 unparseable"),
    "outside": (lambda i, cell: "-1", "100.0%", "20 out of domain"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_column_that_is_unreadable_stops_without_output(folder, kind):
    change, share, causes = UNREADABLE[kind]
    line = refused(folder, score(folder, file_with(hoehe=change)))
    assert f"column hoehe: {share} of the cells that are not empty can't be read" in line
    assert f"({causes})" in line
    assert "--max-missing-share 1" in line
    done = score(folder, file_with(hoehe=change), "--max-missing-share", "1")
    assert done.returncode == 0
    assert len(pd.read_csv(folder / "out.csv")) == 20


def test_several_columns_that_are_unreadable_are_one_line(folder):
    text = file_with(hoehe=lambda i, cell: "x", verw=lambda i, cell: "x", alter=lambda i, cell: "x")
    assert "; the same in 2 more" in refused(folder, score(folder, text))


def test_a_column_that_is_empty_is_named_and_scored(folder):
    done = score(folder, file_with(verw=lambda i, cell: "" if i % 2 else "na"))
    assert done.returncode == 0
    assert done.stderr == (
        "score: column verw: 100.0% of the cells are missing (10 empty, 10 null word), "
        "more than in training (prepare.max_missing_share: 50.0%)\n"
    )
    assert pd.read_csv(folder / "out.csv")["pd"].notna().all()


def test_a_column_with_as_many_missing_cells_as_in_training_is_not_named(folder):
    for change in (lambda i, cell: "" if i < 10 else cell, lambda i, cell: "x" if i < 10 else cell):
        done = score(folder, file_with(hoehe=change))
        assert (done.returncode, done.stderr) == (0, "")
    named = score(folder, file_with(hoehe=lambda i, cell: "x" if i < 11 else cell))
    assert (named.returncode, named.stderr.count("\n")) == (0, 1)
    assert "column hoehe: 55.0% of the cells are missing (11 unparseable)" in named.stderr


def test_one_applicant_with_a_wrong_cell_is_scored_and_the_cell_is_listed(folder):
    done = score(folder, file_with(rows=1, hoehe=lambda i, cell: "x"))
    assert done.returncode == 0
    assert "column hoehe: 100.0%" in done.stderr
    assert pd.read_csv(folder / "out.csv")["missing"].tolist() == ["amount: unparseable"]
    two = score(folder, file_with(rows=2, hoehe=lambda i, cell: "x"))
    assert "column hoehe" in refused(folder, two)


@pytest.mark.parametrize("cell", ["", "x"])
def test_a_given_share_counts_each_cause(folder, cell):
    text = file_with(hoehe=lambda i, old: cell if i < 5 else old)
    line = refused(folder, score(folder, text, "--max-missing-share", "0.24"))
    assert "column hoehe: 25.0% of the cells are missing, more than 24.0%" in line
    assert score(folder, text, "--max-missing-share", "0.25").returncode == 0


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan", "inf", "half", ""])
def test_a_share_is_a_number_from_0_to_1(folder, share):
    done = score(folder, file_with(), f"--max-missing-share={share}")
    assert done.returncode == 2
    assert "is not a number from 0 to 1" in done.stderr


def test_rows_that_could_not_be_read_do_not_count_as_missing_cells(folder):
    text = file_with(rows=4) + "1,2\n" * 30
    done = score(folder, text, "--max-missing-share", "0")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_of_which_no_row_can_be_read_stops_without_output(folder):
    line = refused(folder, score(folder, HEADER + "\n1,2\n1,2,3\n"))
    assert "none of the 2 rows could be read (first: line 2: 2 cells, the header has 21)" in line


def test_a_parquet_column_of_dates_is_refused_by_name(folder):
    frame = pd.DataFrame([line.split(",") for line in LINES[:3]], columns=NAMES)
    frame["hoehe"] = pd.Timestamp("2020-01-02")
    frame.to_parquet(folder / "new.parquet")
    done = call(folder, "commands.score", "--input", "new.parquet", "--output", "out.csv")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "new.parquet: column hoehe: of the type timestamp[" in done.stderr

"""Refused applicants are read as any applicants are: nothing lost, no skew, no trap in the file."""

import gzip
import os

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.predict import Predictor
from creditrisk.champion.referral import columns_of
from creditrisk.core.columns import original_columns
from creditrisk.core.errors import InputError
from creditrisk.ingest import limits
from creditrisk.ingest.params import DataParams
from creditrisk.prepare.cells import Notation
from creditrisk.score.load_champion import Champion
from creditrisk.score.refused import NAMED, find_refused, read_refused
from tests.support.champions import PARAMS, columns, described, model, rows
from tests.support.small_data import DEFAULT, DEFAULT_CSV

TARGET = DEFAULT.target.column
DATA = DataParams(source="x", schema_="y")
NOTATION = Notation.of(".", ",", PARAMS["prepare"]["null_words"])


def champion():
    return Champion(model("lr"), described("lr"))


def raw(count=200):
    return pd.read_csv(DEFAULT_CSV, dtype=str).head(count).drop(columns=TARGET)


def read(folder, frame, name="refused.csv"):
    path = folder / name
    frame.to_csv(path, index=False)
    return read_refused(path, champion(), DATA, NOTATION)


def refuses(folder, frame, match, name="refused.csv"):
    with pytest.raises(InputError, match=match):
        read(folder, frame, name)


def test_an_empty_folder_has_no_file_and_marks_and_pointers_are_none(tmp_path):
    (tmp_path / ".gitignore").write_text("/a.csv")
    (tmp_path / ".a.csv.part").write_text("half")
    assert find_refused(tmp_path) is None
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "a.csv.dvc").write_text("outs: []")
    assert find_refused(tmp_path) == tmp_path / "a.csv"
    assert find_refused(tmp_path / "a.csv") == tmp_path / "a.csv"


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("b.csv", "a.csv"), "has 2 files: a.csv, b.csv.*Leave one there"),
        (("a.csv.dvc",), "has a.csv.dvc, but not the file.*dvc pull"),
        (("folder/a.csv",), "is a folder, a pipe or a device"),
    ],
)
def test_a_folder_that_does_not_say_which_file_is_an_error(tmp_path, names, problem):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match=f"params.yaml: data.rejected: .*{problem}"):
        find_refused(tmp_path)


def test_a_missing_path_standard_input_and_a_pipe_are_errors(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "none.csv", "-"):
        with pytest.raises(InputError, match=r"data\.rejected: no file or folder"):
            find_refused(place)
    with pytest.raises(InputError, match="a pipe or a device"):
        find_refused(tmp_path)


def test_refused_rows_have_the_features_originals_and_pds_of_the_pipeline(tmp_path):
    """The same rows, read by the stages and as refused applicants, are the same."""
    wanted = rows()[0].sort_values("row_id")
    found = read(tmp_path, raw(1000))
    places = wanted["row_id"].to_numpy() - 1
    frame = found.frame.iloc[places]
    for name in columns():
        ours, theirs = frame[name], wanted[name]
        assert pd.api.types.is_numeric_dtype(ours) == pd.api.types.is_numeric_dtype(theirs), name
        same = (ours.to_numpy() == theirs.to_numpy()) | (
            ours.isna().to_numpy() & theirs.isna().to_numpy()
        )
        assert same.all(), name
    assert (found.pd[places] == Predictor(model("lr")).pd(wanted[columns()])).all()


def test_what_an_applicant_stated_is_kept_where_it_is_capped_or_merged(tmp_path):
    frame = raw()
    frame.loc[0, "hoehe"] = "19999"
    found = read(tmp_path, frame).frame
    adjustments = rows()[2]
    adjusted = {*adjustments["caps"], *adjustments["merges"]}
    assert {*original_columns(found)} == {f"original.{name}" for name in adjusted}
    assert found["original.amount"].tolist() == frame["hoehe"].astype(float).tolist()
    assert found["amount"].max() == adjustments["caps"]["amount"]["high"]
    assert columns_of(found, columns(), {})["amount"].max() == 19999


def test_the_decisions_refer_whom_the_service_would_refer(tmp_path):
    frame = raw()
    frame.iloc[3, frame.columns.get_loc("laufzeit")] = ""  # the duration, which is never missing
    found = read(tmp_path, frame)
    assert found.decisions[3] == "refer"
    others = np.delete(np.arange(len(frame)), 3)
    expected = np.where(found.pd >= described("lr").threshold, "reject", "accept")
    assert (found.decisions[others] == expected[others]).all()


def test_no_outcome_is_needed_and_one_that_is_there_is_not_read(tmp_path):
    without = read(tmp_path, raw())
    given = read(tmp_path, raw().assign(**{TARGET: "not an outcome", "notes": "x"}))
    assert without.ignored == []
    assert given.ignored == [TARGET, "notes"]
    assert (given.pd == without.pd).all()


@pytest.mark.parametrize("name", ["refused.parquet", "refused.jsonl", "refused.csv.gz"])
def test_every_form_of_a_source_is_read(tmp_path, name):
    frame, path = raw(), tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    elif name.endswith("jsonl"):
        frame.to_json(path, orient="records", lines=True)
    else:
        path.write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    found = read_refused(path, champion(), DATA, NOTATION)
    assert (found.pd == read(tmp_path, frame).pd).all()


def test_rows_and_cells_that_cannot_be_read_are_counted_and_named(tmp_path):
    frame = raw(60)
    frame.iloc[0, frame.columns.get_loc("alter")] = "<b>old</b>"
    frame.iloc[1, frame.columns.get_loc("alter")] = ""  # missing, but nothing that is unreadable
    frame.iloc[5] = ""
    frame.iloc[6] = "\N{SECTION SIGN}"  # a row without a value is an unread row, not unread cells
    text = frame.to_csv(index=False).splitlines()
    text[11] += ",one,too,many"
    path = tmp_path / "refused.csv"
    path.write_text("\n".join(text))
    found = read_refused(path, champion(), DATA, NOTATION)
    assert found.rows == 60
    assert len(found.pd) == len(found.decisions) == len(found.frame) == 57
    assert found.unread_cells["age"] == 1
    assert sum(found.unread_cells.values()) == 1
    assert sorted(found.problems.values()) == [[6, 7], [11]]


def test_reasons_are_named_up_to_a_bound_and_rows_are_counted_beyond(tmp_path):
    lines = raw(100).to_csv(index=False).splitlines()
    lines[1:51] = [line + ",more" for line in lines[1:51]]
    path = tmp_path / "refused.csv"
    path.write_text("\n".join(lines))
    found = read_refused(path, champion(), DATA, NOTATION)
    assert len(found.problems) == NAMED
    assert (found.rows, len(found.pd)) == (100, 50)


def test_files_that_say_nothing_or_fill_the_memory_are_errors(tmp_path, monkeypatch):
    refuses(tmp_path, raw(0), "no row of an applicant")
    refuses(tmp_path, raw().drop(columns="laufzeit"), "no column laufzeit")
    refuses(
        tmp_path, raw().assign(laufzeit="<script>"), "that are not empty.*leave its cells empty"
    )
    monkeypatch.setattr(limits, "TABLE_BYTES", 1000)
    monkeypatch.setattr(limits, "MAX_EXPANSION", 0)
    refuses(tmp_path, raw(), "its text takes more than")


def test_reading_stops_where_most_rows_do_not_fit_the_header(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_MALFORMED_ROWS", 40)
    lines = raw(100).to_csv(index=False).splitlines()
    path = tmp_path / "refused.csv"
    path.write_text("\n".join([lines[0], *(line + ",more" for line in lines[1:61]), *lines[61:]]))
    with pytest.raises(InputError, match="60 of the first 100 rows do not fit"):
        read_refused(path, champion(), DATA, NOTATION)

"""A folder of parts: each is scored once, as it would be alone, whatever was there or is killed."""

import fcntl
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest

from creditrisk.core.errors import InputError
from creditrisk.ingest.params import DataParams
from creditrisk.score.load_champion import load_champion
from creditrisk.score.parts import job
from creditrisk.score.parts.folders import sign_in
from creditrisk.score.parts.job import Options, Setup, score_part
from creditrisk.score.parts.receipts import FOLDER
from tests.support.champions import PARAMS, project, write_model
from tests.support.killing import kill_while_writing
from tests.support.parts import HEADER, LINES, alone, make_parts, outputs, write_csv
from tests.support.project import ROOT
from tests.support.stage_runs import call

FILES = (Path("models/champion.joblib"), Path("models/champion.json"), Path("dvc.lock"))
SECOND = ".second.parquet.????????.part"  # its output in the making
OPTIONS = ("--reasons", "2", "--what-if", "2", "--batch", "7")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with parts of each form; one has a row that can't be read, and one has no row."""
    folder = project(tmp_path_factory.mktemp("parts") / "p")
    make_parts(folder / "in", a=20, b=11)
    write_csv(folder / "in/c.csv", 31, 9)
    with open(folder / "in/c.csv", "a") as file:
        file.write("1,2,3\n")
    (folder / "in/d.csv").write_text(HEADER + "\n")
    rows = [dict(zip(HEADER.split(","), line.split(","), strict=True)) for line in LINES[40:50]]
    (folder / "in/e.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "p"))


def score(folder, *args, source="in", target="out"):
    return call(folder, "commands.score", "--input", source, "--output", target, *args)


def scored(folder, *args):
    """Score the parts; gives what the command printed after its first line."""
    done = score(folder, *args)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first.startswith("score: loads ")
    return lines


def state(folder):
    """Which files lie in the folder of the outputs, and which writing of them."""
    found = [path.stat() for path in sorted((folder / "out").rglob("*"))]
    return [(one.st_ino, one.st_mtime_ns, one.st_size) for one in found]


def refused(done):
    """The one line of an error."""
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("cores", ["1", "2"])
def test_each_part_becomes_the_file_that_it_becomes_alone(folder, monkeypatch, cores):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", cores)
    expected = alone(folder, "in", "alone", *OPTIONS)
    assert scored(folder, *OPTIONS)[0] == "score: 5 of 5 parts are scored"
    assert outputs(folder / "out") == expected
    assert set(expected) == {"a.parquet", "b.parquet", "c.csv", "d.csv", "e.jsonl"}


def test_the_folder_is_summed_up_as_one_file_is(folder):
    whole = folder / "whole.csv"
    write_csv(whole, 0, 50)
    whole.write_text(whole.read_text() + "1,2,3\n")
    limit = ("--max-missing-share", "1")
    one = call(folder, "commands.score", "--input", "whole.csv", "--output", "o.csv", *limit)
    _, *summary = one.stdout.splitlines()
    assert summary[0].startswith("score: 51 rows, 50 scored, ")
    again = [scored(folder, *limit), scored(folder, *limit)]
    assert [lines[1:] for lines in again] == [summary] * 2


def test_other_programs_read_the_outputs_as_one_table(folder):
    for name in ("c.csv", "d.csv", "e.jsonl"):
        (folder / "in" / name).unlink()
    scored(folder)
    assert len(pd.read_parquet(folder / "out")) == 31


def test_a_repeat_touches_nothing(folder):
    scored(folder)
    before = state(folder)
    assert scored(folder)[0] == "score: 5 of 5 parts are scored, 5 of them before"
    assert state(folder) == before


def test_what_killed_runs_left_is_deleted_and_what_others_write_is_not(folder):
    (folder / "out" / FOLDER).mkdir(parents=True)
    names = (".former.parquet.abc.part", f"{FOLDER}/.a.parquet.json.abc.part", ".b.parquet.x.part")
    for name in names:
        (folder / "out" / name).write_bytes(b"half")
    with open(folder / "out" / names[2], "rb") as written:
        fcntl.flock(written, fcntl.LOCK_EX)
        scored(folder)
    assert [name for name in names if (folder / "out" / name).exists()] == [names[2]]


def test_a_part_that_changed_is_scored_again_and_no_other(folder):
    scored(folder)
    before = {path.name: path.stat().st_ino for path in (folder / "out").iterdir()}
    write_csv(folder / "in/c.csv", 70, 5)
    line = scored(folder)[0]
    assert line == "score: 5 of 5 parts are scored, 4 of them before"
    after = {path.name: path.stat().st_ino for path in (folder / "out").iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"c.csv"}
    assert outputs(folder / "out") == alone(folder, "in", "alone")


def edit(folder):
    frame = pd.read_parquet(folder / "out/a.parquet")
    frame.assign(pd=0.5).to_parquet(folder / "out/a.parquet")


def cut(folder):
    os.truncate(folder / "out/a.parquet", 100)


def lose(folder):
    (folder / "out/a.parquet").unlink()


def forget(folder):
    (folder / f"out/{FOLDER}/a.parquet.json").unlink()


def garble(folder):
    (folder / f"out/{FOLDER}/a.parquet.json").write_text('{"input": 3}')


@pytest.mark.parametrize("spoil", [edit, cut, lose, forget, garble])
def test_an_output_that_is_not_surely_the_right_one_is_made_again(folder, spoil):
    scored(folder)
    expected = outputs(folder / "out")
    spoil(folder)
    assert scored(folder)[0] == "score: 5 of 5 parts are scored, 4 of them before"
    assert outputs(folder / "out") == expected


def other_champion(folder):
    write_model(folder, "dt")


def other_params(folder):
    text = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(text.replace("null_words: [", "null_words: [nought, "))


@pytest.mark.parametrize(
    ("change", "args"),
    [(other_champion, ()), (other_params, ()), (None, ("--reasons", "1")),
     (None, ("--what-if", "1")), (None, ("--batch", "5"))],
)  # fmt: skip
def test_another_champion_or_other_options_are_another_output(folder, change, args):
    scored(folder)
    if change:
        text = (folder / "params.yaml").read_text(), (folder / "dvc.lock").read_text()
        change(folder)
        assert text != ((folder / "params.yaml").read_text(), (folder / "dvc.lock").read_text())
    assert scored(folder, *args)[0] == "score: 5 of 5 parts are scored"
    assert outputs(folder / "out") == alone(folder, "in", "alone", *args)


def test_other_code_is_another_output(folder, monkeypatch):
    scored(folder)
    monkeypatch.setattr(job, "_code", lambda: "of tomorrow")
    assert scored(folder)[0] == "score: 5 of 5 parts are scored"


def test_a_part_that_cannot_be_read_is_named_and_the_others_are_scored(folder):
    expected = alone(folder, "in", "alone")
    (folder / "in/b.parquet").write_bytes(b"PAR1 no more")
    line = refused(score(folder))
    assert line.startswith("error: in/b.parquet: file: ")
    assert outputs(folder / "out") == {n: c for n, c in expected.items() if n != "b.parquet"}
    assert not list((folder / "out").rglob("*.part"))


def test_several_parts_that_cannot_be_read_are_all_named(folder):
    (folder / "in/b.parquet").write_bytes(b"PAR1 no more")
    (folder / "in/c.csv").write_text("a,b\n1,2\n")
    done = score(folder)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first == "score: can't be scored: b.parquet, c.csv; the first:"
    assert second.startswith("error: in/b.parquet: file: ")
    assert "score: 3 of 5 parts are scored\n" in done.stdout


def spoil_column(path, every):
    head, *lines = path.read_text().splitlines()
    cells = [line.split(",") for line in lines]
    place = head.split(",").index("hoehe")
    for row in cells[:: 1 if every else 9]:
        row[place] = "x" * (place < len(row))
    path.write_text("\n".join([head, *map(",".join, cells)]) + "\n")


def test_missing_cells_count_over_all_parts_together(folder):
    make_parts(folder / "few", z=30)
    write_csv(folder / "few/c.csv", 31, 9)
    spoil_column(folder / "few/c.csv", every=True)
    one = call(folder, "commands.score", "--input", "few/c.csv", "--output", "o.csv")
    assert "column hoehe: 100.0% of the cells that are not empty can't be read" in refused(one)
    assert score(folder, source="few").returncode == 0
    limit = ("--max-missing-share", "0.2")
    for _ in range(2):  # the second time, it is the receipts that are counted
        done = score(folder, *limit, source="few")
        assert done.returncode == 2
        use, line = done.stderr.splitlines()
        assert use == "score: do not use out before this is settled:"
        assert line.startswith("error: few: column hoehe: 23.1% of the cells are missing")


def test_the_folders_have_parts_and_their_outputs_only(folder, monkeypatch):
    def told(*args, **folders):
        return refused(score(folder, *args, **folders))

    (folder / "none").mkdir()
    (folder / "none/_SUCCESS").touch()
    assert told(source="none").startswith("error: none: folder: has no parts. Parts are files")
    assert not (folder / "out").exists()
    for target in ("in", "in/out", "."):
        assert "is not apart from the folder of the parts, in" in told(target=target)
    assert told(target="params.yaml").startswith("error: params.yaml: file: is no folder")
    assert "each part becomes a file of its own" in told(target="-")
    assert "each part becomes a file of its own" in told("--format", "csv")
    (folder / "in/f.csv.gz").touch()
    assert told().startswith(
        "error: in/f.csv.gz: file: can't be a part. Parts are files named .csv"
    )
    (folder / "in/f.csv.gz").unlink()
    (folder / "in/f.parquet").mkdir()
    assert told().startswith("error: in/f.parquet: file: can't be a part")
    (folder / "in/f.parquet").rmdir()
    os.mkfifo(folder / "in/f.csv")
    assert told().startswith("error: in/f.csv: file: can't be a part")
    assert not (folder / "out").exists()


def test_what_begins_with_a_dot_is_left_out_and_said(folder):
    shutil.copy(folder / "in/c.csv", folder / "in/.c.csv")
    (folder / "in/_SUCCESS").touch()
    done = score(folder)
    assert done.returncode == 0
    assert done.stderr == "score: left out, since they begin with . or _: .c.csv\n"
    assert ".c.csv" not in outputs(folder / "out")


def test_an_output_without_its_part_is_an_error_before_anything_is_scored(folder):
    scored(folder)
    (folder / "in/c.csv").unlink()
    write_csv(folder / "in/e.jsonl", 0, 5)
    before = state(folder)
    assert refused(score(folder)).startswith(
        "error: out/c.csv: file: there is no part of this name in in. Remove it"
    )
    assert state(folder) == before
    (folder / "out/c.csv").unlink()
    (folder / "in/e.jsonl").unlink()
    (folder / "out/e.jsonl").unlink()
    scored(folder)
    names = {path.name for path in (folder / "out" / FOLDER).iterdir()}
    assert names == {"a.parquet.json", "b.parquet.json", "d.csv.json"}


def test_a_model_that_is_not_the_recorded_one_is_not_loaded(folder):
    (folder / "models/champion.joblib").write_bytes(pickle.dumps("of somebody else"))
    assert "is not loaded" in refused(score(folder))
    assert not (folder / "out").exists()


def setup_of(folder):
    champion = load_champion(*FILES, folder)
    options = Options(DataParams(**PARAMS["data"]), PARAMS["prepare"]["null_words"], 2, 2, 7)
    return Setup(options.scorer(champion), (folder / FILES[0]).read_bytes(), options)


def test_a_worker_gets_the_bytes_of_the_model_and_scores_the_same(folder):
    setup = setup_of(folder)
    content = pickle.dumps(setup)
    assert setup.model in content
    assert len(content) < len(setup.model) + 100_000
    (folder / "out").mkdir()
    for name in ("a.parquet", "c.csv"):
        done = score_part(pickle.loads(content), folder / "in" / name, folder / "out" / name)
        assert done.counts.rows
    expected = alone(folder, "in", "alone", *OPTIONS)
    assert outputs(folder / "out") == {n: expected[n] for n in ("a.parquet", "c.csv")}


def test_a_worker_that_cannot_see_the_folders_says_so(folder):
    setup = setup_of(folder)
    (folder / "out").mkdir()
    with sign_in(folder / "out") as setup.sign:
        part = folder / "in/a.parquet"
        assert score_part(setup, part, folder / "out/a.parquet").error is None
        with pytest.raises(InputError, match=r"in/x.csv: file: the worker on \S+ can't see it"):
            score_part(setup, folder / "in/x.csv", folder / "out/x.csv")
    # Under the same path it has a folder of its own, which lacks the sign.
    with pytest.raises(InputError, match=r"/out: file: the worker on \S+ can't see it"):
        score_part(setup, folder / "in/b.parquet", folder / "out/b.parquet")
    assert set(outputs(folder / "out")) == {"a.parquet"}


def test_a_part_that_is_written_again_meanwhile_is_not_taken(folder, monkeypatch):
    own = job.write

    def write(batches, *args):
        counts = own(batches, *args)
        write_csv(folder / "in/c.csv", 200, 9)
        return counts

    setup = setup_of(folder)
    (folder / "out").mkdir()
    monkeypatch.setattr(job, "write", write)
    done = score_part(setup, folder / "in/c.csv", folder / "out/c.csv")
    assert "it was changed while it was scored" in str(done.error)
    assert outputs(folder / "out") == {}


def start(folder, cores):
    command = [sys.executable, "-m", "commands.score", "--input", "in", "--output", "out"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LOKY_MAX_CPU_COUNT": cores}
    return subprocess.Popen(
        [*command, *OPTIONS], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def large(folder):
    """Parts that take long enough to be stopped; the second one is stopped."""
    shutil.rmtree(folder / "in")
    make_parts(folder / "in", first=200, second=150, third=20)
    return folder


@pytest.mark.slow
def test_a_command_that_is_killed_leaves_whole_parts_and_a_repeat_makes_the_rest(large):
    expected = alone(large, "in", "alone", *OPTIONS)
    with start(large, "1") as process:
        left = kill_while_writing(SECOND, lambda: [psutil.Process(process.pid)])
    assert left.exists()
    there = outputs(large / "out")
    assert there.pop(left.name) != expected["second.parquet"]
    assert there == {"first.parquet": expected["first.parquet"]}
    before = (large / "out/first.parquet").stat().st_ino
    lines = scored(large, *OPTIONS)
    assert lines[0] == "score: 3 of 3 parts are scored, 1 of them before"
    assert outputs(large / "out") == expected
    assert (large / "out/first.parquet").stat().st_ino == before


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_command_with_one_line(large):
    with start(large, "2") as process:
        kill_while_writing(SECOND, psutil.Process(process.pid).children)
        _, err = process.communicate()
    assert process.returncode == 2
    assert err.startswith("error: this machine: processes: a worker process was killed")
    assert len(err.splitlines()) == 1
    there = outputs(large / "out")
    assert set(there) <= {"first.parquet", "third.parquet"}  # no half part is left
    scored(large, *OPTIONS)
    assert outputs(large / "out") == alone(large, "in", "alone", *OPTIONS)

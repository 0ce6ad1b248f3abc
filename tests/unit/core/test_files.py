import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

from creditrisk.core.errors import InputError
from creditrisk.core.files import atomic_write, read_csv, read_verified, write_csv, write_text

ROOT = Path(__file__).parents[3]


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    """Run the `main` of some code as a script runs it, in a process of its own."""
    script = f"import sys\nfrom creditrisk.core.cli import run\n{code}\nrun(main)"
    return subprocess.Popen(
        [sys.executable, "-c", script], cwd=folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CREDITRISK_LOG": "off"},
    )  # fmt: skip


WRITES_AND_WAITS = """
from creditrisk.core.files import atomic_write
def main():
    with atomic_write("out.csv") as file:
        file.write(b"income of an applicant")
        file.flush()
        print("ready", flush=True)
        sys.stdin.read()
"""


def stop_in_the_middle(folder: Path, number: int) -> subprocess.CompletedProcess[str]:
    process = start(WRITES_AND_WAITS, folder)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate()
    return subprocess.CompletedProcess([], process.returncode, out, err)


def test_a_planted_link_is_not_followed(tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".out.csv.part").symlink_to(victim)
    (tmp_path / "out.csv").symlink_to(victim)
    write_text("new", tmp_path / "out.csv")
    assert victim.read_text() == "mine"
    assert (tmp_path / "out.csv").read_text() == "new"


def test_only_this_user_can_read_a_file_in_the_making(tmp_path: Path):
    with atomic_write(tmp_path / "out.csv") as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        assert not (tmp_path / "out.csv").exists()
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "out.csv").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("place", ["device", "/proc/self/fd/1", "fifo", "."])
def test_a_pipe_a_device_and_a_folder_stay_what_they_are(tmp_path: Path, place: str, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    # A link, so that a writer that fails this test does not replace a device of the machine.
    os.symlink("/dev/null", "device")
    before = os.lstat(place).st_mode
    with pytest.raises(InputError, match=r"is a pipe or a device|is a folder"):
        write_text("new", place)
    assert os.lstat(place).st_mode == before


def test_two_writers_of_one_file_leave_the_whole_file_of_one(tmp_path: Path):
    path, both = tmp_path / "out.csv", threading.Barrier(2)

    def write(letter: bytes):
        with atomic_write(path) as file:
            for _ in range(50):
                file.write(letter * 1000)
                both.wait()

    writers = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_bytes() in (b"a" * 50_000, b"b" * 50_000)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGTERM, 143, ""), (signal.SIGINT, 130, "-c: interrupted\n")],
)
def test_a_stopped_run_leaves_nothing_and_prints_one_line_at_most(tmp_path, number, code, line):
    done = stop_in_the_middle(tmp_path, number)
    assert (done.returncode, done.stderr) == (code, line)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next_one_and_a_running_one_is_spared(tmp_path: Path):
    assert stop_in_the_middle(tmp_path, signal.SIGKILL).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".out.csv.")
    assert left.name.endswith(".part")
    with atomic_write(tmp_path / "out.csv") as running:
        running.write(b"first")
        write_text("second", tmp_path / "out.csv")
        assert not left.exists()
    assert (tmp_path / "out.csv").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_full_disk_is_one_line_and_leaves_no_file(tmp_path: Path):
    process = start(
        """
import resource
from creditrisk.core.files import write_text
def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    write_text("x" * 100_000, "out.csv")
""",
        tmp_path,
    )
    _, err = process.communicate()
    assert process.returncode == 2
    assert err.startswith("error: out.csv: file: can't be written: File too large. ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_t_be_made_is_one_line(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/out\.csv: file: can't be written: "):
        write_text("x", tmp_path / "file" / "out.csv")


def test_an_error_of_the_system_is_one_line_without_a_traceback(tmp_path: Path):
    process = start("def main():\n    open('missing/file')", tmp_path)
    _, err = process.communicate()
    assert process.returncode == 2
    assert err.startswith("error: missing/file: file: No such file or directory. ")
    assert err.count("\n") == 1


def test_ctrl_c_during_the_imports_is_one_line():
    code = "import os, signal, sys; sys.argv[0] = '-m'; import stages; "
    code += "os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGTERM, 143, ""), (signal.SIGINT, 130, "-c: interrupted\n")],
)
def test_a_library_that_swallows_the_signal_while_it_is_imported_does_not(
    tmp_path: Path, number: int, code: int, line: str
):
    (tmp_path / "library.py").write_text(
        "import time\nprint(flush=True)\n"
        "try:\n    time.sleep(60)\nexcept BaseException:\n    pass\n"
    )
    process = start("def main():\n    import library\n    print('goes on')", tmp_path)
    process.stdout.readline()
    process.send_signal(number)
    assert process.communicate() == ("", line)
    assert process.returncode == code


def test_no_cell_of_a_csv_is_a_formula_and_reading_gives_the_texts_back(tmp_path: Path):
    texts = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "'=quoted", "plain", "-5"]
    texts += [" =1", "\uff1d1", "\x0b=1", "\ufeff@x", " '=x"]
    frame = pd.DataFrame({"level": texts, "=name": [-1.5] * len(texts)})
    write_csv(frame, tmp_path / "table.csv")
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert [line[0] for line in lines[1:6]] == ["'"] * 5
    assert lines[0] == "level,'=name"
    assert lines[8] == "-5,-1.5"
    assert "'\uff1d1,-1.5" in lines
    back = read_csv(tmp_path / "table.csv")
    assert list(back["level"]) == texts
    assert list(back) == ["level", "=name"]


def test_a_file_with_another_hash_is_not_read(tmp_path: Path):
    path = tmp_path / "model"
    path.write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert read_verified(path, known) == b"abc"
    path.write_bytes(b"abd")
    with pytest.raises(InputError, match="its hash is not the recorded one, so it is not loaded"):
        read_verified(path, known)

"""Files that are read whole: never one without an end."""

import os
import time
from pathlib import Path

import pytest

from creditrisk.core.errors import InputError
from creditrisk.core.files import read_frame, read_json
from creditrisk.core.params import read_yaml
from creditrisk.core.regular import read_regular
from creditrisk.schema import load_schema


@pytest.mark.parametrize("place", ["/dev/zero", "fifo"])
@pytest.mark.parametrize("read", [read_yaml, load_schema, read_json, read_frame])
def test_a_device_or_a_pipe_is_refused_at_once(tmp_path: Path, monkeypatch, read, place):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    started = time.process_time()
    with pytest.raises(InputError, match="it is a pipe or a device"):
        read(place)
    assert time.process_time() - started < 5


def test_a_file_over_the_limit_is_refused(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_regular(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(tmp_path / "file", 4)


def test_json_of_another_shape_is_one_line(tmp_path: Path):
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(InputError, match="not a JSON object"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"numeric": []}')
    with pytest.raises(InputError, match="nominal: no key of this name"):
        read_json(tmp_path / "a.json", ("numeric", "nominal"))
    (tmp_path / "a.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="not JSON"):
        read_json(tmp_path / "a.json")

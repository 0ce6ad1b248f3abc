"""DVC reads YAML by a library in C, which must understand our files as the one in Python does."""

import pytest
from dvc.utils.serialize import loads_yaml
from ruamel.yaml import YAML
from ruamel.yaml.scanner import ScannerError

from tests.support.project import ROOT

FILES = ["dvc.yaml", "dvc.lock", "monitor/dvc.yaml", "params.yaml", "creditrisk/algorithms.yaml"]
# What people write into params.yaml, and what YAML 1.1 and 1.2 read in different ways.
VALUES = """
numbers: [1, 1.0, 1e-3, 1.0e-3, 0o17, 017, 1_000, .5, -0.0, .inf, -.inf]
words: [yes, no, on, off, y, n, true, True, null, ~, "", NO]
dates: [2026-01-31, "12:30"]
time: 2026-01-31T10:00:00Z
texts: ["a: b", 'it''s', a#b, größe, "\\u00e9", a-b, "1"]
block: |
  a
    b
folded: >-
  a
  b
? long key
: value
5: number as a key
anchors: &a {x: 1}
same: *a
"""


def in_python(text: str) -> object:
    return YAML(typ="safe", pure=True).load(text)


def test_dvc_has_the_library_in_c():
    from ruamel.yaml import main

    assert main.CParser is not None
    assert YAML(typ="safe").Parser is main.CParser


@pytest.mark.parametrize("path", FILES)
def test_a_file_of_the_project_reads_the_same(path: str):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert loads_yaml(text) == in_python(text)


@pytest.mark.parametrize("line", [one for one in VALUES.splitlines() if ": [" in one])
def test_a_value_reads_the_same(line: str):
    found, wanted = loads_yaml(line), in_python(line)
    assert repr(found) == repr(wanted)  # with the types


def test_other_forms_read_the_same():
    assert repr(loads_yaml(VALUES)) == repr(in_python(VALUES))


def test_a_colon_in_an_unquoted_list_is_refused_with_its_place():
    # The one in Python takes it. Quotes help, and a list with a line for each value.
    with pytest.raises(ScannerError, match=r"unexpected ':'[\s\S]*line 1, column"):
        loads_yaml("words: [s3://x]")
    assert loads_yaml('words: ["s3://x"]') == loads_yaml("words:\n- s3://x")

"""Bad input ends in exit code 2 and one line that tells a person what to mend."""

from pathlib import Path

import pytest
import yaml

from tests.support.defects import ROOT
from tests.support.stage_runs import assert_refused, make_project, run_apart, run_here

LINES = (ROOT / "data/raw/german_credit.csv").read_text(encoding="utf-8").splitlines(keepends=True)
HEAD, ROWS = LINES[0], LINES[1:41]
GOOD = "".join([HEAD, *ROWS])
SCHEMA = "data/schema/german_credit.yaml"


def refuse(folder: Path, stage: str, *words: str, run=run_apart):
    """Run the stages up to `stage`, which must refuse with all the words in its line."""
    if stage == "prepare":
        code, err = run_here(folder, "ingest")
        assert code == 0, err
    code, err = run(folder, stage)
    assert_refused(folder, stage, code, err)
    missing = [word for word in words if word not in err]
    assert not missing, f"{missing} not in {err}"


def run_for(case: str):
    """A process of its own for the cases that users meet most; they share the code of the rest."""
    own = ("misspelt", "unknown", "duplicate", "no target")
    return run_apart if case.startswith(own) else run_here


FILES = {
    "empty": ("", ["source.csv", "empty"]),
    "blank lines only": ("\n\n\r\n", ["source.csv", "empty"]),
    "byte-order mark only": ("\ufeff", ["source.csv", "empty"]),
    "header only": (HEAD, ["source.csv", "no data lines"]),
    "header and blank lines": (HEAD + "\n\n", ["source.csv", "no data lines"]),
    "column missing": (GOOD.replace("hoehe,", "hohe,"), ["line 1", "no column hoehe", "hohe?"]),
    "target missing": (GOOD.replace("kredit", "credit"), ["line 1", "no column kredit", "credit"]),
    "column twice": (GOOD.replace("moral", " ALTER "), ["line 1", "moral"]),
    "column twice, none missing": (
        "".join(line.rstrip() + (",Alter\n" if line is HEAD else ",1\n") for line in [HEAD, *ROWS]),
        ["line 1", "alter", "twice"],
    ),
    "wrong delimiter": (GOOD.replace(",", ";"), ["line 1", "data.delimiter", "';'"]),
    "tabs": (GOOD.replace(",", "\t"), ["line 1", "data.delimiter", "'\\t'"]),
    "blanks": (GOOD.replace(",", " "), ["line 1", "data.delimiter", "' '"]),
    "header parted otherwise": (
        HEAD + "".join(ROWS).replace(",", ";"),
        ["line 2", "data.delimiter"],
    ),
    "quote never closed": (HEAD + '"' + ROWS[0] + "no row\n", ["line 2", "quote"]),
    "one class": (
        "".join([HEAD, *[r[:-2] + "1\n" for r in ROWS]]),
        ["source.csv", "column", "outcome bad"],
    ),
    "no class": ("".join([HEAD, *[r[:-2] + "7\n" for r in ROWS]]), ["target"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_refused(tmp_path, case):
    text, words = FILES[case]
    stage = "prepare" if case.endswith("class") else "ingest"
    refuse(make_project(tmp_path, text.encode()), stage, *words)


def test_a_missing_file_is_named(tmp_path):
    refuse(make_project(tmp_path), "ingest", "data/raw/source.csv", "not found", "data.source")


def test_a_folder_is_no_file(tmp_path):
    folder = make_project(tmp_path, data={"source": "data/raw"})
    refuse(folder, "ingest", "data/raw")


def test_undecodable_bytes_are_named_with_their_line(tmp_path):
    rows = [*ROWS * 200]
    rows[3333] = "ü" + rows[3333]
    data = "".join([HEAD, *rows]).encode("latin-1")
    refuse(make_project(tmp_path, data), "ingest", "line 3335:", "utf-8", "data.encoding")


def test_prepare_without_its_input_tells_what_makes_it(tmp_path):
    code, err = run_apart(make_project(tmp_path), "prepare")
    assert_refused(tmp_path, "prepare", code, err)
    assert "dvc repro" in err


PARAMETERS = {
    "misspelt in data": ("ingest", {"data": {"delimeter": ";"}}, ["data.delimeter", "delimiter?"]),
    "unknown in data": ("ingest", {"data": {"zzz": 1}}, ["data.zzz", "encoding", "decimal"]),
    "unknown encoding": ("ingest", {"data": {"encoding": "utf-88"}}, ["data.encoding", "utf-88"]),
    "encoding that is none": ("ingest", {"data": {"encoding": "u\0"}}, ["data.encoding"]),
    "two delimiters": ("ingest", {"data": {"delimiter": ",,"}}, ["data.delimiter"]),
    "one sign for both": (
        "ingest",
        {"data": {"decimal": ","}},
        ["data.decimal", "data.thousands", "same"],
    ),
    "a digit as a sign": ("ingest", {"data": {"thousands": "0"}}, ["'0'"]),
    "no block": ("ingest", {"data": {"schema": None}}, ["data.schema"]),
    "misspelt in prepare": (
        "prepare",
        {"prepare": {"near_duplicate": "drop"}},
        ["prepare.near_duplicate", "near_duplicates"],
    ),
    "unknown choice": (
        "prepare",
        {"prepare": {"near_duplicates": "mergee"}},
        ["prepare.near_duplicates", "merge", "mergee"],
    ),
    "share above one": ("prepare", {"prepare": {"max_missing_share": 1.5}}, ["max_missing_share"]),
    "null words as text": ("prepare", {"prepare": {"null_words": "na"}}, ["prepare.null_words"]),
    "null words unquoted": ("prepare", {"prepare": {"null_words": [None]}}, ["null_words"]),
    "misspelt in split": (
        "prepare",
        {"split": {"testsize": 0.2}},
        ["split.testsize", "test_size?"],
    ),
    "split of all": ("prepare", {"split": {"test_size": 1}}, ["split.test_size"]),
    "seed as text": ("prepare", {"seed": "x"}, ["seed"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", PARAMETERS)
def test_a_bad_parameter_is_named(tmp_path, case):
    stage, blocks, words = PARAMETERS[case]
    refuse(
        make_project(tmp_path, GOOD.encode(), **blocks),
        stage,
        "params.yaml",
        *words,
        run=run_for(case),
    )


@pytest.mark.parametrize(
    "text", ["", "- 1\n", "data: [\n", "when: 2020-13-45\n", "data: 3\n", "\x00"]
)
def test_a_broken_parameter_file_is_refused(tmp_path, text):
    folder = make_project(tmp_path, GOOD.encode())
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    refuse(folder, "ingest", "params.yaml", run=run_here)


def test_a_parameter_file_that_is_a_folder_is_refused(tmp_path):
    folder = make_project(tmp_path, GOOD.encode())
    (folder / "params.yaml").unlink()
    (folder / "params.yaml").mkdir()
    refuse(folder, "ingest", "params.yaml")


def change(*path: str, to):
    """Make a change of the schema's tree: the value at `path`, removed where `to` is None."""

    def changed(tree: dict) -> dict:
        here = tree
        for part in path[:-1]:
            here = here[part]
        if to is None:
            del here[path[-1]]
        else:
            here[path[-1]] = to
        return tree

    return changed


SCHEMAS = {
    "unknown kind": (
        change("columns", "verw", "kind", to="nominol"),
        ["verw", "nominol", "nominal?"],
    ),
    "no kind": (change("columns", "verw", "kind", to=None), ["columns.verw.kind", "missing"]),
    "duplicate name": (change("columns", "verw", "name", to="amount"), ["amount"]),
    "no target": (change("target", to=None), ["target"]),
    "empty target": (change("target", to={}), ["target"]),
    "target without good": (change("target", "good", to=None), ["target.good", "missing"]),
    "good and bad alike": (change("target", "good", to=["0.0"]), ["target"]),
    "target as column": (change("target", "column", to="verw"), ["verw"]),
    "our own name": (change("columns", "verw", "name", to="split"), ["verw", "split"]),
    "empty name": (change("columns", "verw", "name", to=" "), ["verw"]),
    "misspelt key": (change("columns", "verw", "levls", to=["1"]), ["verw.levls", "levels?"]),
    "misspelt top key": (change("colums", to={}), ["colums", "columns?"]),
    "ordinal without levels": (change("columns", "rate", "levels", to=None), ["rate", "levels"]),
    "level twice": (change("columns", "rate", "levels", to=["1", "1.0"]), ["rate", "level"]),
    "min above max": (change("columns", "alter", "min", to=101), ["alter", "min"]),
    "min no number": (change("columns", "alter", "min", to="many"), ["alter.min", "many"]),
    "min not finite": (change("columns", "alter", "min", to="nan"), ["alter.min"]),
    "no columns": (change("columns", to={}), ["column"]),
    "columns as list": (change("columns", to=["verw"]), ["columns"]),
    "a date without the application's": (
        change("columns", "x", to={"name": "x", "kind": "date", "format": "%Y-%m-%d"}),
        ["application_date", "calendar time"],
    ),
    "a date without a format": (change("columns", "x", to={"name": "x", "kind": "date"}), ["%Y"]),
    "a format without a year": (
        change("columns", "x", to={"name": "x", "kind": "date", "format": "%d.%m."}),
        ["year"],
    ),
    "special text": (
        change("columns", "x", to={"name": "x", "kind": "numeric", "special": {"no": "refused"}}),
        ["special code no", "null_words"],
    ),
    "excluded and good": (
        change("target", to={"column": "t", "good": ["0"], "bad": ["1"], "exclude": ["1.0"]}),
        ["target", "exclude"],
    ),
    "differ in case": (change("columns", "VERW", to={"name": "v", "kind": "nominal"}), ["verw"]),
}


@pytest.mark.parametrize("case", SCHEMAS)
def test_a_bad_schema_is_refused(tmp_path, case):
    changed, words = SCHEMAS[case]
    folder = make_project(tmp_path, GOOD.encode())
    tree = yaml.safe_load((ROOT / SCHEMA).read_text(encoding="utf-8"))
    (folder / SCHEMA).write_text(yaml.safe_dump(changed(tree)), encoding="utf-8")
    refuse(folder, "ingest", SCHEMA, *words, run=run_for(case))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["not found", "data.schema"]),
        ("", ["not a mapping"]),
        ("name: [", ["not YAML"]),
        ("name: a\nname: b\n", ["occurs twice"]),
        (
            "name: x\ntarget: {column: t}\ncolumns: {a: {name: a}, a: {name: b}}\n",
            ["twice"],
        ),
        ("? [a]\n: b\n", ["not YAML"]),
        ("a: &a [*a]\n", []),
        ("\x00", ["not YAML"]),
    ],
)
def test_a_broken_schema_file_is_refused(tmp_path, text, words):
    folder = make_project(tmp_path, GOOD.encode())
    (folder / SCHEMA).unlink()
    if text is not None:
        (folder / SCHEMA).write_text(text, encoding="utf-8")
    refuse(folder, "ingest", SCHEMA, *words, run=run_here)


@pytest.mark.slow
def test_gates_stop_a_broken_extract(tmp_path):
    rows = [",".join(["?", *row.split(",")[1:]]) for row in ROWS]
    folder = make_project(tmp_path, "".join([HEAD, *rows]).encode())
    refuse(folder, "prepare", "max_missing_share", "status", "null_word")
    rows = [row[:-2] + "?\n" if i % 2 else row for i, row in enumerate(ROWS)]
    folder = make_project(tmp_path, "".join([HEAD, *rows]).encode())
    refuse(folder, "prepare", "max_rejected_share", "invalid_target")

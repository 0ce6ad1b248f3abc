"""The drafted file loads, whatever the names and cells of the table are."""

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditrisk.core.errors import InputError
from creditrisk.core.text import fold
from creditrisk.ingest.params import DataParams
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.parse import parse
from creditrisk.schema import load_schema
from creditrisk.workflow.draft.draft import make_draft
from creditrisk.workflow.draft.target import Given
from creditrisk.workflow.draft.write import check_draft, draft_text, scalar

NULL_WORDS = ["?", "na", "none", "-"]
DATA = DataParams(source="new.csv", schema_="new.yaml")
HOSTILE = [
    'a "quoted" one', "it's", "key: value", "# no comment", "- item", "[a, b]", "{a: b}", "*alias",
    "&anchor", "!tag", "%directive", "@at", "`tick`", "yes", "null", "~", "1e3", "0x1f", "1_000",
    "2001-01-01", "back\\slash", "line\nbreak", "tab\there", "nul\0l", "esc\x1b[31m", "é",
    "e\u0301", "日本", "\U0001f600", "rtl\u202eabc", "zero\u200bwidth", "nbsp\u00a0x", "\ufeffmark",
    "\x85next", "\u2028sep", "\ufffe", "x" * 399, "---", "...", "? key", "a,b", "|", ">", "'", '"',
    "\\", "=", "<<", "C:\\new", "a: b # c", "\u00ad", "=cmd()",
]  # fmt: skip


def draft(frame, target="bad", **options):
    options = {"given": Given(), "null_words": NULL_WORDS, "max_missing_share": 0.5} | options
    return make_draft(frame, DATA, target, **options)


def text_of(columns: list[tuple[str, list[str]]]) -> str:
    frame = pd.DataFrame(dict(enumerate(cells for _, cells in columns)), dtype="str")
    return draft_text(draft(frame.set_axis([name for name, _ in columns], axis=1)), "new")


def schema_of(columns):
    return check_draft(text_of(columns), "new.yaml")


BAD = ("bad", ["0", "1"] * 3)
AGE = ("age", ["30", "40", "50"] * 2)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_in_the_schema_or_left_out(name):
    text = text_of([BAD, AGE, (name, ["u", "v", "w"] * 2)])
    schema = check_draft(text, "new.yaml")
    found = [source for source in schema.columns if fold(source) == fold(name)]
    assert found if fold(name) else "it has no name" in text
    assert all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize("cell", HOSTILE)
def test_a_hostile_level_comes_back(cell):
    columns = [BAD, AGE, ("job", [cell, "u", "u", "v", "v", cell])]
    schema = schema_of(columns)
    raw = pd.DataFrame({"age": AGE[1], "job": columns[2][1]}, dtype="str")
    cells, causes = parse(raw, schema, Notation.of(".", ",", NULL_WORDS))
    empty = {"empty", "null_word"} if not fold(cell) or cell in NULL_WORDS else set()
    assert set(causes["job"].dropna()) <= empty
    assert cells["job"].notna().sum() == (6 if not empty else 4)


@pytest.mark.parametrize("cell", [one for one in HOSTILE if fold(one)])
def test_a_hostile_outcome_comes_back(cell):
    schema = schema_of([("bad", [cell, "u", "u"] * 2), ("age", ["30", "40", "50"] * 2)])
    assert {fold(v) for v in (*schema.target.good, *schema.target.bad)} == {fold(cell), "u"}


@pytest.mark.parametrize("text", [*HOSTILE, "007", "1.50", "-", "-1", "Fully Paid", "no", "N", ""])
def test_a_scalar_comes_back(text):
    assert yaml.load(scalar(text), yaml.CBaseLoader) == text


def test_names_that_no_schema_can_have_are_left_out():
    names = ["row_id", "line", "", "twice", "Twice ", "x" * 500, "age", "bad"]
    cells = [["u", "v", "w"] * 2] * 6 + [AGE[1], BAD[1]]
    text = text_of(list(zip(names, cells, strict=True)))
    assert list(check_draft(text, "new.yaml").columns) == ["age"]
    assert text.count("reserved") == 2
    assert text.count("several columns have this name") == 1 or "twice" in text
    assert "has more than 400 characters" in text


def test_columns_of_every_kind():
    frame = pd.DataFrame(
        {
            "id": ["a1", "a2", "a3", "a4", "a5", "a6"],
            "member": ["m1", "m1", "m2", "m3", "m4", "m5"],
            "issue_d": ["Oct-2016", "Jul-2015", "Jan-2017"] * 2,
            "opened": ["Oct-2006", "Jul-2005", "Jan-2007"] * 2,
            "last_seen": ["Oct-2018", "Jul-2018", "Jan-2018"] * 2,
            "amount": ["$1,000", "$2,000", "$3,500"] * 2,
            "grade": ["A", "B", "C"] * 2,
            "purpose": ["car", "debt", "other"] * 2,
            "note": [""] * 6,
            "bad": ["0", "1", "0"] * 2,
        },
        dtype="str",
    )
    made = draft(frame)
    text = draft_text(made, "new")
    schema = check_draft(text, "new.yaml")
    kinds = {source: column.kind for source, column in schema.columns.items()}
    assert kinds == {
        "id": "id", "member": "group", "issue_d": "date", "opened": "date", "amount": "numeric",
        "grade": "ordinal", "purpose": "nominal",
    }  # fmt: skip
    assert schema.application_date == "issue_d"
    assert schema.columns["amount"].unit == ["$"]
    assert "100% are after issue_d: known only later, a leak" in text
    assert "# last_seen: {name: last_seen, kind: date" in text
    assert "#   source: new.csv" in text.replace("#     ", "#   ")


def test_each_left_out_column_can_be_put_back():
    text = text_of([BAD, AGE, ("url", [f"see {i}" for i in range(6)]), ("k", ["7"] * 6)])
    whole = text.replace("  # url: ", "  url: ").replace("  # k: ", "  k: ")
    assert list(check_draft(whole, "new.yaml").columns) == ["age", "url", "k"]


def test_a_suspicious_code_has_a_line_to_paste():
    late = ["0", "1", "2", "3"] * 10 + ["98", "98"]
    text = text_of([("bad", ["0", "1"] * 21), ("late", late)])
    assert "# suspicious: 98 (2 rows), far above the rest (0 to 3): special: {98: ?}" in text


def test_the_notation_is_that_of_the_file():
    frame = pd.DataFrame({"x": ["1.234,5", "12,5", "7"], "bad": ["0", "1", "0"]}, dtype="str")
    made = draft(frame)
    assert (made.data.decimal, made.data.thousands) == (",", ".")
    assert made.guesses[0].kind == "numeric"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([AGE, ("job", ["a"] * 6)], "no column bad"),
        ([BAD, ("job", ["a"] * 6)], "no column is left .* job is left out: constant"),
        ([BAD], "no column is left"),
        ([BAD, BAD, AGE], "several columns have this name"),
    ],
)
def test_tables_without_a_schema(columns, words):
    with pytest.raises(InputError, match=words):
        text_of(columns)


def test_a_file_without_header_says_how_its_columns_are_named():
    frame = pd.DataFrame({"1": ["a", "b"], "2": ["0", "1"]}, dtype="str")
    data = DATA.model_copy(update={"header": "none"})
    with pytest.raises(InputError, match="named 1 to 2"):
        make_draft(frame, data, "bad", Given(), NULL_WORDS, 0.5)


TEXTS = (
    st.text(max_size=12)
    | st.sampled_from(HOSTILE)
    | st.from_regex(r"[$]?-?\d{1,6}([.,]\d{1,3})?%?")
)
CELLS = TEXTS | st.sampled_from(
    ["", "1", "2", "A", "B", "none", "Oct-2016", "2016-01-31", "10+ years"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_table_gives_a_draft_that_loads(tmp_path_factory, data):
    rows = data.draw(st.integers(2, 12))
    names = data.draw(st.lists(TEXTS, min_size=1, max_size=5))
    pools = [data.draw(st.lists(CELLS, min_size=1, max_size=6)) for _ in names]
    columns = [
        (name, [pool[data.draw(st.integers(0, len(pool) - 1))] for _ in range(rows)])
        for name, pool in zip(names, pools, strict=True)
    ]
    columns += [("the outcome", ["p", "q"] * rows), ("sure", ["3", "4.5", "6"] * rows)]
    frame = pd.DataFrame(
        {i: pd.Series(cells[:rows], dtype="object") for i, (_, cells) in enumerate(columns)}
    )
    frame.columns = pd.Index([name for name, _ in columns], dtype="object")
    try:
        made = draft(frame, "the outcome")
    except InputError:  # a column of the same name, or nothing to learn from
        return
    path = tmp_path_factory.mktemp("draft") / "new.yaml"
    path.write_bytes(draft_text(made, "new").encode("utf-8"))
    assert load_schema(path).target.column == "the outcome"

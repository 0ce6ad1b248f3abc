"""What keeps time and memory of prepare in proportion to the rows, and changes no result."""

import hashlib
import weakref
from datetime import date
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.prepare import pairs, parse, split
from creditrisk.prepare.cells import (
    Notation,
    numeric_cell,
    plain_numbers,
    plain_reader_of,
    plain_texts,
    reader_of,
    text_cell,
)
from creditrisk.prepare.clean import prepare
from creditrisk.prepare.duplicates import encode
from creditrisk.prepare.equal_rows import equal_rows
from creditrisk.prepare.params import SplitParams
from creditrisk.prepare.parse import read_cells, read_text
from creditrisk.schema import Column
from tests.support.small_data import DEFAULT, DEFAULT_CSV, ingest, params

NOTATIONS = [
    Notation.of(".", ",", ["n/a", "-", "9999", "null"]),
    Notation.of(",", ".", ["n/a", "1,5"]),
    Notation.of(".", "", []),
    Notation.of("'", " ", ["x"]),
]
NUMBERS = [
    {},
    {"unit": ["$", "%"], "min": 0, "max": 500},
    {"unit": ["0"]},
    {"unit": ["-x"]},
    {"integer": True, "special": {"96": "refused", "-1": "unknown", "98.5": "odd"}},
]
TEXTS = st.text(alphabet="0123456789.,-+e $%x()\u200b\u0661 ", max_size=18) | st.sampled_from(
    ["96", "96.0", "096", "-0", "-0.0", "-1", "98.5", "9999", "1,5", "1.5", "1e3", "(5)", "5-", "0",
     "123456789012345", "96.0000000000000000001", "500", "500.01", "0.30000000000000004"]
)  # fmt: skip


@given(st.integers(0, 40), st.integers(0, 4), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_equal_rows_are_those_that_numpy_finds(n, d, values, seed):
    codes = np.random.default_rng(seed).integers(-1, values, (n, d + 1)).astype("int32")
    found = equal_rows(codes[:, :d], codes[:, d])
    _, first, group, counts = np.unique(
        codes, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    for got, wanted in zip(found, (first, group.ravel(), counts), strict=True):
        np.testing.assert_array_equal(got, wanted)


@given(st.lists(TEXTS, max_size=30), st.sampled_from(NOTATIONS), st.sampled_from(NUMBERS))
@settings(max_examples=300, deadline=None)
def test_plain_numbers_are_what_the_exact_reader_reads(texts, notation, facts):
    column = Column(name="x", kind="numeric", **facts)
    read = numeric_cell(column, notation)
    distinct = pd.Series([*dict.fromkeys(texts)], dtype="str")
    for text, number in zip(distinct, plain_numbers(column, notation)(distinct), strict=True):
        if not np.isnan(number):
            value, cause = read_text(text, read)
            assert (number, cause) == (value, None)
            assert not np.signbit(number) or number < 0


@given(
    st.lists(
        st.text(alphabet="aA1.+-_/ \t\u00e9\u200b", max_size=6) | st.just("NULL"), max_size=30
    ),
    st.sampled_from(NOTATIONS),
)
@settings(max_examples=200, deadline=None)
def test_plain_texts_are_what_the_exact_reader_leaves_as_they_are(texts, notation):
    read = text_cell(notation)
    distinct = pd.Series([*dict.fromkeys(texts)], dtype="str")
    for text, found in zip(distinct, plain_texts(notation)(distinct), strict=True):
        if isinstance(found, str):
            assert read_text(text, read) == (found, None)


@pytest.mark.parametrize(
    ("column", "texts", "most"),
    [
        (Column(name="x", kind="numeric"), [f"{i}.25" for i in range(5000)], 3),
        (Column(name="x", kind="id"), [f"C{i:06}" for i in range(5000)], 3),
        (Column(name="x", kind="nominal"), [f"{i}" for i in range(5000)], 3),
    ],
)
def test_one_by_one_are_read_only_the_cells_that_are_not_plain(column, texts, most):
    notation = NOTATIONS[0]
    raw = pd.Series([*texts, " n/a", " 7 ", "\u200b", None, *texts], dtype="str")
    read, asked = reader_of(column, notation), []

    def counted(text):
        asked.append(text)
        return read(text)

    dtype = "float64" if column.kind == "numeric" else "str"
    values, causes = read_cells(raw, counted, dtype, plain_reader_of(column, notation))
    assert 0 < len(asked) <= most
    expected, why = read_cells(raw, read, dtype)
    pd.testing.assert_series_equal(values, expected)
    pd.testing.assert_series_equal(causes, why)


def applicants(rows):
    """Rows that agree little by chance, 5% of the cells missing; each twentieth has a twin."""
    rng = np.random.default_rng(0)
    cells = {f"x{i}": rng.integers(0, 500 * (i + 1), rows).astype(float) for i in range(3)}
    cells |= {f"f{i}": rng.integers(0, 5, rows).astype(float) for i in range(7)}
    frame = pd.DataFrame(cells)
    frame.iloc[: rows // 20] = frame.iloc[-(rows // 20) :].to_numpy()
    return frame.mask(rng.random(frame.shape) < 0.05)


@pytest.mark.parametrize("rows", [5_000, 40_000])
def test_a_row_is_compared_with_a_few_others_not_with_all(rows):
    compared, compare = [], pairs._compare

    def counted(codes, chances, a, b, *rest):
        compared.append(len(a) * len(a if b is None else b))
        return compare(codes, chances, a, b, *rest)

    with patch.object(pairs, "_compare", counted):
        found = pairs.find_pairs(encode(applicants(rows), None), 7)
    assert len(found) > rows // 40
    assert sum(compared) < 50 * rows


class Columns:
    """A raw frame that gives its columns one by one and counts how many are held."""

    def __init__(self, frame):
        self.frame, self.given, self.most = frame, [], 0

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, name):
        self.most = max(self.most, sum(one() is not None for one in self.given))
        column = self.frame[name].copy()
        self.given.append(weakref.ref(column))
        return column


def test_no_more_than_two_columns_of_text_are_held_at_once():
    raw = ingest(DEFAULT_CSV.read_bytes(), DEFAULT).frame
    asked = Columns(raw)
    notation = Notation.of(".", ",", params().null_words)
    settings_ = (DEFAULT, notation, params(), SplitParams(test_size=0.2), 42)
    found, expected = (prepare(frame, *settings_, "f", "params.yaml") for frame in (asked, raw))
    assert len(asked.given) >= len(DEFAULT.columns)
    assert asked.most <= 2
    pd.testing.assert_frame_equal(found.clean, expected.clean)
    assert found.summary == expected.summary


@pytest.mark.parametrize("at_once", [3, 1 << 16])
def test_the_draw_of_a_row_is_the_hash_of_its_cells_whatever_is_held(at_once):
    content = pd.DataFrame(
        {"a": [1.0, None, 1.0, 2.5, 1.0, None], "b": pd.Series([*"xyxzx", None], dtype="str")}
    )
    bad = np.array([1, 0, 0, 1, 0, 0])

    def hashed(text):
        digest = hashlib.blake2b(text.encode(), digest_size=8, key=b"7").digest()
        return float(int.from_bytes(digest)) / 2.0**64

    same = "1.0\x1fx"  # three rows, the good ones first: the second, the third, then the first
    texts = [f"{same}\x1e2", "\x1fy", same, "2.5\x1fz", f"{same}\x1e1", "\x1f"]
    with patch.object(split, "ROWS_AT_ONCE", at_once):
        assert split.draw(content, 7, bad).tolist() == [hashed(text) for text in texts]


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
@settings(max_examples=100, deadline=None)
def test_the_day_of_the_split_is_the_one_that_trying_all_days_finds(seed, size):
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(4, 40))
    days = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 9, rows), "D"))
    days = days.mask(rng.random(rows) < 0.2).astype("datetime64[us]")
    group, bad = np.arange(rows), rng.integers(0, 2, rows)
    tried = []
    for day in sorted(days.dropna().unique()):
        late = (days >= day).to_numpy()
        if all((late & here).any() and (~late & here).any() for here in (bad == 1, bad == 0)):
            tried.append((abs(late.mean() - size), day))
    if not tried:
        with pytest.raises(split.InputError, match="no test rows by time"):
            split.split_by_time(days, group, bad, size)
        return
    found = split.split_by_time(days, group, bad, size)
    assert found.start == min(tried)[1].date()
    wanted = np.where(days >= min(tried)[1], "test", "train")
    assert found.side.tolist() == wanted.tolist()


def test_a_day_that_is_given_is_taken():
    days = pd.Series(pd.to_datetime(["2020-01-01", "2020-02-01"] * 2)).astype("datetime64[us]")
    found = split.split_by_time(
        days, np.arange(4), np.array([0, 0, 1, 1]), 0.2, start=date(2020, 1, 15)
    )
    assert (found.start, found.side.tolist()) == (date(2020, 1, 15), ["train", "test"] * 2)


def test_the_cause_of_a_cell_takes_a_byte():
    texts = pd.Series(["1", "", "?", "x", None] * 100, dtype="str")
    _, causes = read_cells(texts, numeric_cell(Column(name="x", kind="numeric"), NOTATIONS[0]))
    assert causes.array.codes.dtype == "int8"
    assert causes.iloc[:5].tolist()[1:] == ["empty", "unparseable", "unparseable", "empty"]
    assert set(causes.dropna()) <= set(parse.CAUSES)

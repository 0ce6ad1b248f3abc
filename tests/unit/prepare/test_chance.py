"""Equal rows: one applicant where chance can't explain them, strangers where it can."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.modeling.folds import make_folds
from creditrisk.prepare.chance import believable_copies, level_columns
from creditrisk.prepare.params import SplitParams
from creditrisk.prepare.split import split
from creditrisk.schema import parse_schema
from tests.support.small_data import clean, raw_of


def table(columns: dict[str, np.ndarray], bad: np.ndarray, keys: dict | None = None):
    """A schema of nominal columns, and the raw frame."""
    keys = keys or {}
    schema = parse_schema(
        {
            "name": "t",
            "target": {"column": "y", "good": ["0"], "bad": ["1"]},
            "columns": {name: {"name": name, "kind": "id"} for name in keys}
            | {name: {"name": name, "kind": "nominal"} for name in columns},
        },
        "t.yaml",
    )
    frame = pd.DataFrame(keys | columns | {"y": bad})
    return schema, raw_of(frame.to_dict("records"), schema)


def people(seed: int, count: int, rows: int, levels: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The same people over and over: `rows` equal rows of each."""
    rng = np.random.default_rng(seed)
    return {f"c{i}": np.repeat(rng.integers(0, k, count), rows) for i, k in enumerate(levels)}


def strangers(seed: int, count: int, levels: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        f"c{i}": rng.choice(k, count, p=rng.dirichlet(np.full(k, 2.0)))
        for i, k in enumerate(levels)
    }


def straddling(frame: pd.DataFrame, columns: list[str], side: pd.Series) -> int:
    """Number of combinations of values on both sides."""
    sides = frame.assign(side=side).groupby(columns)["side"].agg(["min", "max"])
    return int((sides["min"] != sides["max"]).sum())


@pytest.mark.parametrize(
    ("count", "rows", "levels"), [(60, 3, (70, 50, 3)), (200, 4, (300, 60, 5)), (40, 2, (99, 98))]
)
@pytest.mark.parametrize("seed", range(3))
def test_equal_rows_under_any_ids_never_straddle(count, rows, levels, seed):
    columns = people(seed, count, rows, levels)
    n = count * rows
    rng = np.random.default_rng(seed)
    bad = (rng.random(n) < 0.3).astype(int)
    schema, raw = table(columns, bad, {"id": np.array([f"C{i}" for i in range(n)])})
    done = clean(raw, schema)
    assert len(done.clean) == n  # other ids: nothing is dropped
    assert straddling(done.clean, list(columns), done.clean["split"]) == 0
    train = done.clean[done.clean["split"] == "train"].reset_index(drop=True)
    for fold in make_folds(train["bad"].to_numpy(), train["applicant"].to_numpy(), 3, 2, seed):
        tested = pd.Series(np.isin(np.arange(len(train)), fold.test))
        assert straddling(train, list(columns), tested) == 0
    assert done.summary["equal_rows"]["together"] == n
    assert done.summary["equal_rows"]["by_chance"] == 0


def test_equal_rows_do_not_straddle_in_time_either():
    columns = people(1, 60, 3, (70, 50, 3))
    n = 180
    rng = np.random.default_rng(1)
    schema, raw = table(columns, (rng.random(n) < 0.4).astype(int))
    dated = schema.model_dump(exclude_defaults=True)
    dated["columns"] |= {
        "id": {"name": "id", "kind": "id"},
        "d": {"name": "d", "kind": "date", "format": "%Y-%m-%d"},
    }
    dated = parse_schema(dated | {"application_date": "d"}, "t.yaml")
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    raw = raw.assign(id=[f"C{i}" for i in range(n)], d=days.strftime("%Y-%m-%d"))
    done = clean(raw, dated)
    assert done.summary["split_by"]["by"] == "time"
    assert straddling(done.clean, list(columns), done.clean["split"]) == 0


@pytest.mark.parametrize("levels", [(57, 120, 2), (4,) * 8, (5, 2), (3, 3, 3), (10,), (6, 7, 8, 2)])
def test_strangers_that_are_equal_stay_strangers(levels):
    n = 3000
    columns = strangers(5, n, levels)
    bad = (np.random.default_rng(6).random(n) < 0.2).astype(int)
    done = clean(*table(columns, bad)[::-1])
    assert len(done.clean) >= n - 15  # a few rare ones may look like more than chance
    assert done.clean["applicant"].nunique() >= n - 15
    assert abs(done.clean["bad"].mean() - bad.mean()) < 0.005
    test = done.clean["split"] == "test"
    assert test.mean() == pytest.approx(0.2, abs=0.01)
    train = done.clean[~test]
    folds = make_folds(train["bad"].to_numpy(), train["applicant"].to_numpy(), 5, 1, 0)
    sizes = [len(fold.test) for fold in folds]
    assert max(sizes) - min(sizes) <= 5


def test_ten_combinations_of_dependent_columns_are_not_ten_applicants():
    number = np.random.default_rng(0).integers(0, 10, 5000)
    codes = np.column_stack([number, number * 3, number % 5])
    assert not believable_copies(codes, 1.0).any()


@pytest.mark.slow
def test_the_bad_rate_stays_on_200_tables_of_chance_duplicates():
    moved = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(300, 2000))
        levels = tuple(rng.integers(2, 40, rng.integers(1, 6)).tolist())
        rate = rng.uniform(0.05, 0.4)
        bad = (rng.random(n) < rate).astype(int)
        bad[:4] = [0, 0, 1, 1]
        done = clean(*table(strangers(seed, n, levels), bad)[::-1])
        noise = np.sqrt(bad.mean() * (1 - bad.mean()) / n)
        moved.append((done.clean["bad"].mean() - bad.mean()) / noise)
        assert done.summary["rows_rejected"] <= 0.01 * n + 5, (seed, levels)
    assert np.abs(moved).max() < 0.5
    assert abs(np.mean(moved)) < 0.05  # not even a little upwards


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_rows_says_nothing(seed):
    columns = strangers(seed, 120, (5, 4, 3))
    rng = np.random.default_rng(seed)
    bad = rng.integers(0, 2, 120)
    schema, raw = table(columns, bad)
    assert SplitParams(test_size=0.3).by == "auto"
    once = clean(raw, schema).clean
    again = clean(raw.sample(frac=1, random_state=seed).reset_index(drop=True), schema).clean
    content = [*columns, "bad", "split"]
    assert sorted(map(tuple, once[content].to_numpy().tolist())) == sorted(
        map(tuple, again[content].to_numpy().tolist())
    )


def test_rows_of_one_id_are_duplicates_however_common_their_values():
    columns = {"a": np.tile([0, 1], 50), "b": np.tile([0, 0, 1, 1], 25)}
    ids = np.arange(100) // 2 * 2 + np.tile([0, 1], 50)  # pairs of rows with different values
    schema, raw = table(columns, np.tile([0, 1, 1, 0], 25), {"id": ids.astype(str)})
    doubled = pd.concat([raw, raw], ignore_index=True).assign(row_id=range(1, 201))
    done = clean(doubled, schema)
    assert done.summary["rejected"]["duplicate"] == 100
    assert done.summary["rows_clean"] == 100


def believed(columns: list[np.ndarray], numeric: bool) -> np.ndarray:
    codes = np.column_stack([np.unique(c, return_inverse=True)[1] for c in columns])
    return believable_copies(codes, 1.0, level_columns(codes, np.array([numeric] * len(columns))))


@pytest.mark.parametrize(("count", "rows"), [(3, 10), (10, 10), (25, 12), (28, 50), (40, 3)])
def test_few_people_with_many_rows_are_people(count, rows):
    rng = np.random.default_rng(0)
    columns = [np.repeat(rng.normal(size=count), rows) for _ in range(8)]
    assert believed(columns, numeric=True).all()


def test_one_person_with_very_many_rows_is_a_person():
    rng = np.random.default_rng(1)
    columns = [np.append(rng.integers(0, 4, 499), np.zeros(300, int)) for _ in range(12)]
    assert believed(columns, numeric=False).sum() == 300


@pytest.mark.parametrize(("branches", "n"), [(10, 5000), (60, 3000), (200, 5000)])
def test_columns_that_are_functions_of_each_other_are_one(branches, n):
    rng = np.random.default_rng(2)
    branch, sex = rng.integers(0, branches, n), rng.integers(0, 2, n)
    assert not believed([branch, branch * 7, branch // 2, sex], numeric=False).any()
    product = rng.integers(0, 8, n)
    columns = [branch, branch // 2, branch // 10, product, product // 3, product % 4, sex]
    assert believed(columns, numeric=False).mean() < 0.02


def test_columns_that_depend_on_each_other_are_no_proof():
    rng = np.random.default_rng(3)
    for noise in (0.5, 0.3, 0.05):
        kind = rng.integers(0, 4, 3000)
        columns = [
            np.where(rng.random(3000) < noise, rng.integers(0, 4, 3000), kind) for _ in range(8)
        ]
        assert believed(columns, numeric=False).mean() < 0.1


def test_an_applicant_with_many_rows_is_drawn_like_any_other():
    shares = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        group = np.concatenate([np.arange(300), np.repeat(np.arange(300, 400), 20)])
        content = pd.DataFrame({"x": rng.normal(size=len(group))})
        bad = (group % 3 == 0).astype(int)
        side = split(content, group, bad, 0.2, seed)
        tested = pd.Series(side == "test").groupby(group).first()
        shares.append((tested[:300].mean(), tested[300:].mean()))
    few, many = np.mean(shares, axis=0)
    assert few == pytest.approx(0.2, abs=0.03)
    assert many == pytest.approx(0.2, abs=0.04)


def test_monthly_rows_of_one_id_say_nothing_about_strangers():
    # Each customer has the same five monthly rows; in so narrow a table, strangers are equal too.
    rng = np.random.default_rng(8)
    columns = {f"c{i}": np.repeat(rng.integers(0, k, 400), 5) for i, k in enumerate((9, 8, 7, 5))}
    bad = np.repeat((rng.random(400) < 0.3).astype(int), 5)
    ids = np.repeat(np.arange(400), 5).astype(str)
    months = np.array([f"m{i}" for i in range(2000)])  # a number of the row: no row is a duplicate
    schema, raw = table(columns, bad, {"customer": ids, "row": months})
    done = clean(raw, schema)
    assert len(done.clean) == 2000
    assert done.clean["applicant"].nunique() == 400
    assert done.summary["equal_rows"] == {"together": 2000, "by_chance": 0}

"""A small schema with every kind of column, clean tables for it, and the way to a result."""

import math
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import Extract, read_csv
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.clean import Prepared, prepare
from creditrisk.prepare.params import PrepareParams, SplitParams
from creditrisk.schema import Schema, load_schema, parse_schema
from tests.support.defects import PARAMS, PLAIN, ROOT, Style
from tests.support.dirt import clean_values

DEFAULT = load_schema(ROOT / "data/schema/german_credit.yaml")
DEFAULT_CSV = ROOT / "data/raw/german_credit.csv"
DEFAULT_CLEAN = clean_values(pd.read_csv(DEFAULT_CSV, dtype=str), DEFAULT)

# `unknown`, `none` and `-` are null words elsewhere; here they are levels.
SMALL_TREE = {
    "name": "small",
    "target": {"column": "Out come", "good": ["paid", "1"], "bad": ["default"]},
    "columns": {
        "Income": {
            "name": "income",
            "kind": "numeric",
            "unit": ["EUR", "€"],
            "min": "0.5",
            "max": "99999",
        },
        "Age Years": {
            "name": "age",
            "kind": "numeric",
            "integer": "true",
            "min": "18",
            "max": "99",
        },
        "Balance": {"name": "balance", "kind": "numeric"},
        "Region": {"name": "region", "kind": "nominal"},
        "Grade": {"name": "grade", "kind": "ordinal", "levels": ["low", "medium", "very high"]},
        "Status": {"name": "status", "kind": "nominal", "levels": ["unknown", "none", "-", "Ok"]},
        "Code": {
            "name": "code",
            "kind": "nominal",
            "levels": {"1": "one", "2": "two", "10": "ten"},
        },
        "One": {"name": "one", "kind": "nominal", "levels": ["yes", "no"]},
    },
}
SMALL = parse_schema(SMALL_TREE, "small.yaml")


def with_id() -> Schema:
    columns = {"Customer": {"name": "customer", "kind": "id"}} | SMALL_TREE["columns"]
    return parse_schema(SMALL_TREE | {"columns": columns}, "small.yaml")


def small_clean(rows: int, seed: int) -> pd.DataFrame:
    """Draw a clean table for `SMALL`: independent columns, so that few rows are alike by chance."""
    rng = np.random.default_rng(seed)
    values = {
        "Income": np.round(rng.uniform(1, 90000, rows), 2),
        "Age Years": rng.integers(18, 99, rows).astype(float),
        "Balance": np.round(rng.normal(0, 5000, rows), 1),
        "Region": rng.choice(["Nord", "Süd", "a, b", "10115", "01099", "x y"], rows),
        "Grade": rng.choice(["low", "medium", "very high"], rows),
        "Status": rng.choice(["unknown", "none", "-", "Ok"], rows),
        "Code": rng.choice(["1", "2", "10"], rows),
        "One": np.full(rows, "yes"),
        "Out come": np.where(np.arange(rows) % 4 == 0, "default", "paid"),
    }
    return pd.DataFrame({k: pd.Series(v.tolist(), dtype=object) for k, v in values.items()})


def params(**changed) -> PrepareParams:
    return PrepareParams(**(PARAMS["prepare"] | changed))


def ingest(data: bytes, schema: Schema, style: Style = PLAIN) -> Extract:
    """Read a file's bytes as the stage does."""
    written = DataParams(
        source="file.csv",
        schema_="schema.yaml",
        encoding=style.encoding,
        delimiter=style.delimiter,
        decimal=style.decimal,
        thousands=style.thousands,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.csv")
        path.write_bytes(data)
        return read_csv(path, written, schema)


def clean(raw: pd.DataFrame, schema: Schema, style: Style = PLAIN, **changed) -> Prepared:
    """Prepare a raw frame as the stage does, gates apart."""
    rules = params(**changed)
    notation = Notation.of(style.decimal, style.thousands, rules.null_words)
    return prepare(raw, schema, notation, rules, SplitParams(**PARAMS["split"]), PARAMS["seed"])


def raw_of(rows: list[dict[str, object]], schema: Schema) -> pd.DataFrame:
    """Make a raw frame of rows given by source name; None is an empty cell."""
    cells = pd.DataFrame(rows, dtype=object)[[*schema.columns, schema.target.column]]
    raw = cells.map(lambda v: "" if v is None else str(v)).astype("str")
    ids = np.arange(1, len(raw) + 1)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "row_id": ids,
                    "line": ids + 1,
                    "malformed": pd.Series([None] * len(raw), dtype="str"),
                }
            ),
            raw,
        ],
        axis=1,
    )


def back_to_csv(frame: pd.DataFrame, schema: Schema) -> bytes:
    """Write a clean frame under the source's names."""
    out = pd.DataFrame({s: frame[c.name] for s, c in schema.columns.items()})
    target = schema.target
    out[target.column] = frame["bad"].map({0: target.good[0], 1: target.bad[0]})
    return out.to_csv(index=False, na_rep="").encode()


def alike(
    frame: pd.DataFrame, least: int, by_chance: bool = False, weighed: bool = True
) -> set[tuple[int, int]]:
    """All pairs of duplicates by the rule's own words, cell by cell: by position, smaller first.

    Identical rows count too. The reference that the fast search is held against. `by_chance` leaves
    out all talk of chance, `weighed` the comparison of all pairs with those that chance gives.
    """
    codes = np.column_stack([pd.factorize(frame[name])[0] for name in frame])
    different = frame.drop_duplicates()
    common = np.column_stack(
        [
            frame[name].map(different[name].value_counts(normalize=True)).astype(float).fillna(1)
            for name in frame
        ]
    )
    pairs, exact = set(), set()
    for i in range(len(codes) - 1):
        both = (codes[i] >= 0) & (codes[i + 1 :] >= 0)
        differ = ((codes[i] != codes[i + 1 :]) & both).any(axis=1)
        same = (codes[i] == codes[i + 1 :]).all(axis=1)
        chance = len(different) * np.where(both, common[i], 1).prod(axis=1) > 1
        chance &= len(different) >= 30 and not by_chance
        near = (both.sum(axis=1) >= least) & ~differ & ~chance & ~same
        pairs |= {(i, i + 1 + int(j)) for j in np.flatnonzero(near)}
        exact |= {(i, i + 1 + int(j)) for j in np.flatnonzero(same)}
    if weighed and not by_chance and len(different) >= 30:
        pairs = _beyond_chance(pairs, codes, different)
    return pairs | exact


def _beyond_chance(pairs: set, codes: np.ndarray, different: pd.DataFrame) -> set:
    """The pairs up to the most common rows where chance explains few of all pairs so far."""
    place = {row: i for i, row in enumerate(different.index)}
    first = {tuple(codes[row]): row for row in reversed(different.index)}
    heads = {tuple(sorted(first[tuple(codes[i])] for i in pair)) for pair in pairs}
    n = len(different)
    expected = np.full(n, float(n))
    for name in different:
        counts, gaps = different[name].value_counts(), different[name].isna().sum()
        agree = different[name].map(lambda v, c=counts, g=gaps: 1 if pd.isna(v) else (c[v] + g) / n)
        expected *= agree.astype(float).to_numpy()
    of = {pair: max(expected[place[row]] for row in pair) for pair in heads}
    limit = -1.0
    for step in of.values():
        found = sum(value <= step for value in of.values())
        chance = expected[expected <= step].sum() / 2
        fewer = sum(math.exp(-chance) * chance**k / math.factorial(k) for k in range(found))
        if chance <= 0.2 * found and 1 - fewer <= 0.01 and step <= 1:
            limit = max(limit, step)
    return {p for p in pairs if of[tuple(sorted(first[tuple(codes[i])] for i in p))] <= limit}


def content(frame: pd.DataFrame, schema: Schema) -> list[tuple]:
    names = [*schema.features, "bad", "split"]
    return [tuple("" if pd.isna(v) else v for v in row) for row in frame[names].to_numpy(object)]


def by_applicant(frame: pd.DataFrame, schema: Schema) -> Counter:
    """What a clean frame says, whatever the order and the numbers of its rows."""
    rows = pd.Series(content(frame, schema), index=frame.index)
    return Counter(tuple(sorted(g, key=repr)) for _, g in rows.groupby(frame["applicant"]))

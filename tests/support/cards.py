"""Scorecards as cards, applicants of all kinds, and what other programs make of the exports."""

import csv
import shutil
import sqlite3
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from creditrisk.champion.card.make import make_card
from creditrisk.champion.card.model import Card
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.scorecard import scorecard
from creditrisk.eda.adjust import EdaParams, apply, learn
from creditrisk.featurize import FeaturizeParams, derive, manifest
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_csv
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.parse import parse, separate_specials
from creditrisk.schema import Schema, parse_schema
from tests.support import champions
from tests.support.small_data import DEFAULT, DEFAULT_CSV, clean

THRESHOLD = 1 / 6
PLAIN = Notation.of(".", "", [])
SHEET = "Applicants"
NUMBER = "number of the row"


def scale(digits: int | None = 0) -> ScorecardParams:
    return ScorecardParams(base_points=600, base_odds=50, pdo=20, digits=digits)


class Portfolio:
    """A scorecard with its data: `card(digits)`, and `features(stated)` as the stages make them.

    Attributes:
        schema: the schema.
        model: the fitted scorecard.
        stated: what the applicants stated, under the names of the schema: numbers with their
            special codes, texts, or missing.
        train: the training rows: `bad` and the features.
        all_features: the content of features.json.
    """

    def __init__(self, schema: Schema, model, stated: pd.DataFrame, train: pd.DataFrame, features,
                 adjustments):  # fmt: skip
        self.schema, self.model, self.stated = schema, model, stated
        self.train, self.all_features, self._adjustments = train, features, adjustments

    def card(self, digits: int | None = 0) -> Card:
        merges = self._adjustments["merges"]
        common = (self.train, self.all_features, self.schema, scale(digits))
        lines = scorecard(self.model, *common, merges)
        return make_card(
            lines, *common, self._adjustments, threshold=THRESHOLD, algorithm="scorecard"
        )

    def features(self, stated: pd.DataFrame, notation: Notation = PLAIN, **changed) -> pd.DataFrame:
        """Turn what applicants state into features, as ingest, prepare, eda, featurize do.

        Args:
            stated: under the names of the schema, shape (n, d).
            notation: how numbers and missing values are written.
            changed: other `caps` or `merges` than those that were learned.
        """
        texts = pd.DataFrame(
            {source: stated[column.name].map(_text).astype("str")
             for source, column in self.schema.columns.items()}
        )  # fmt: skip
        cells = separate_specials(parse(texts, self.schema, notation)[0], self.schema)
        adjusted = apply(cells, self._adjustments | changed)
        return derive(adjusted, self.all_features["derived"])


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


@cache
def default() -> Portfolio:
    """The default data: all 1,000 rows as applicants stated them."""
    rows, features, adjustments = champions.rows()
    data = DataParams(source="x", schema_="y")
    raw = clean(read_csv(DEFAULT_CSV, data, DEFAULT).frame, DEFAULT).clean
    train = rows[rows["split"] == "train"].reset_index(drop=True)
    stated = raw[list(DEFAULT.variables)].reset_index(drop=True)
    model = champions.model("scorecard")
    return Portfolio(DEFAULT, model, stated, train, features, adjustments)


HOSTILE = ["o'brien", 'say "x"', "=cmd|' /C calc'!A0", "*", "?", "~a", "a", "A", "b;c", "x -- y",
           "{=1}", "_x0041_", "<b>&amp;</b>", "Zürich", "@sum", "-2+3", "+a", "a,b", "$1",
           "%d"]  # fmt: skip
NASTY = parse_schema(
    {
        "name": "nasty",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {
            "c1": {"name": "late", "kind": "numeric", "min": "0", "max": "90", "integer": "true",
                   "special": {"96": "other", "-1": "refused; 'x'", "1e3": "more"}},
            "c2": {"name": "score", "kind": "numeric"},
            "c3": {"name": 'it\'s a "name"', "kind": "numeric", "min": "-5.5", "max": "40.25"},
            "c4": {"name": "points_late", "kind": "nominal"},
            "c5": {"name": "home", "kind": "nominal",
                   "levels": {"1": "own", "2": "=1+1", "10": "other", "99": "never seen"}},
            "c6": {"name": "grade", "kind": "ordinal", "levels": ["low", "it's", "top", "none"]},
            "c7": {"name": "town", "kind": "nominal"},
            "c8": {"name": "few", "kind": "nominal", "levels": [*HOSTILE[:6], "rare a", "rare b"]},
        },
    },
    "nasty.yaml",
)  # fmt: skip
DERIVED = {
    "ratio": {"op": "ratio", "of": ["score", "late"]},
    "both": {"op": "sum", "of": ["score", 'it\'s a "name"']},
    "twice": {"op": "product", "of": ["both", "both"]},
    "less": {"op": "difference", "of": ["score", "late"]},
    "deep": {"op": "ratio", "of": ["score", "twice"]},
}


@cache
def nasty() -> Portfolio:
    """Columns and levels with signs of SQL and spreadsheets, special codes, gaps, many levels."""
    rng, count = np.random.default_rng(5), 2500
    late = rng.integers(0, 12, count).astype(float)
    late[rng.random(count) < 0.1] = 96.0
    late[rng.random(count) < 0.1] = -1.0
    late[rng.random(count) < 0.01] = 1000.0
    # Eighths: what is computed of them is exact. Spreadsheets compare 15 digits only.
    score = np.round(8 * rng.normal(0, 10, count)) / 8
    score[rng.random(count) < 0.01] *= 20  # beyond the caps
    other = np.round(8 * rng.uniform(-5.5, 40.25, count)) / 8
    text = rng.choice([*HOSTILE, "rare 1", "rare 2"], count, p=[*[0.0499] * 20, 0.001, 0.001])
    home = rng.choice(["1", "2", "10"], count)
    stated = pd.DataFrame(
        {
            "late": late, "score": score, 'it\'s a "name"': other, "points_late": text,
            "home": home, "grade": rng.choice(["low", "it's", "top"], count),
            "town": [f"town {n}" for n in rng.integers(0, 300, count)],
            "few": rng.choice([*HOSTILE[:6], "rare a", "rare b"], count,
                              p=[*[0.166] * 6, *[0.002] * 2]),
        }
    )  # fmt: skip
    for place, name in enumerate(stated):
        if name != "home":  # which never lacks a value
            stated[name] = stated[name].mask(rng.random(count) < 0.01 * (place + 1))
    risk = 0.2 * (late == -1) + (text == "*") + (home == "10") - 0.05 * score
    bad = (risk + rng.normal(size=count) > 0.7).astype(int)
    texts = pd.DataFrame(
        {s: stated[c.name].map(_text).astype("str") for s, c in NASTY.columns.items()}
    )
    cells = separate_specials(parse(texts, NASTY, PLAIN)[0], NASTY).assign(bad=bad)
    adjustments = learn(cells, NASTY, EdaParams(cap_iqr_factor=1.0, rare_level_share=0.01))
    adjusted = apply(cells, adjustments)
    features = manifest(NASTY, FeaturizeParams(derived=DERIVED), adjusted)
    train = derive(adjusted, features["derived"])
    names = [*features["numeric"], *features["nominal"], *features["ordinal"]]
    candidate = {"encoder": "woe", "bins": 5, "C": 0.5}
    model = champions.pipeline("scorecard", candidate, features).fit(train[names], bad)
    return Portfolio(NASTY, model, stated, train, features, adjustments)


def edited() -> tuple[Card, pd.DataFrame, pd.DataFrame]:
    """A card with a cap below an edge and an edge with decimals, applicants and their features.

    The bins that a search finds have neither.
    """
    of = default()
    tree = of.card().model_dump()
    next(field for field in tree["fields"] if field["name"] == "duration")["cap_high"] = 20.0
    burden = next(v for v in tree["variables"] if v["name"] == "monthly_burden")
    for line in burden["lines"]:
        line |= {side: 90.4 for side in ("low", "high") if line[side] == 90}
    kinds = {"amount": int, "duration": int}
    stated = of.stated.astype(kinds)
    caps = {"duration": {"low": None, "high": 20.0}, "amount": {"low": None, "high": 11696.0}}
    features = of.features(stated, caps=caps)
    # There are values beside both that would have other points.
    assert (of.stated["duration"] > 36).any()
    assert features["monthly_burden"].between(90.4, 91, inclusive="left").any()
    return Card.model_validate(tree), stated, features


def applicants(of: Portfolio, drawn: int = 300) -> pd.DataFrame:
    """All rows of a portfolio, and others with gaps, codes, unknown levels, values at the edges."""
    rng, card = np.random.default_rng(3), of.card()
    rows = [of.stated.astype(object).where(of.stated.notna(), None)]
    gaps = rows[0].sample(drawn, replace=True, random_state=1).reset_index(drop=True)
    rows.append(gaps.mask(rng.random(gaps.shape) < 0.4, None))
    base = rows[0].iloc[[0]]
    for field in card.fields:
        if field.kind == "number":
            values = [float(code) for code in field.special]
            edges = [edge for v in card.variables for edge in v.edges]
            edges += [field.min, field.max, field.cap_low, field.cap_high, 0.0, 7.25]
            for edge in filter(lambda e: e is not None, edges):
                values += [float(v) for v in (edge, edge - 1e-6, edge + 1e-6, round(edge) + 1)]
        else:
            codes = list(field.levels or field.kept or [])
            values = [*codes, *HOSTILE, "no such level", "rare levels", None]
        rows += [base.assign(**{field.name: pd.Series([v], index=base.index, dtype=object)})
                 for v in dict.fromkeys(values)]  # fmt: skip
    rows.append(base.map(lambda _: None))
    return pd.concat(rows, ignore_index=True)


def as_imported(stated: pd.DataFrame) -> pd.DataFrame:
    """Write all values as texts, as `.import --csv` of SQLite makes a table: blank if missing."""
    return stated.map(_text).astype(object)


def in_sqlite(sql: str, stated: pd.DataFrame) -> pd.DataFrame:
    """Run a query on the applicants; the result has their order."""
    with sqlite3.connect(":memory:") as base:
        _fill(base, stated, "REAL")
        return _in_order(base.execute(sql))


def in_duckdb(duckdb, sql: str, stated: pd.DataFrame) -> pd.DataFrame:
    """The same in DuckDB; `duckdb` is the module."""
    base = duckdb.connect()
    _fill(base, stated, "DOUBLE")
    return _in_order(base.execute(sql))


def _in_order(found) -> pd.DataFrame:
    names = [column[0] for column in found.description]
    frame = pd.DataFrame(found.fetchall(), columns=names).sort_values(NUMBER, ignore_index=True)
    assert len(set(names)) == len(names)
    return frame


def _fill(base, stated: pd.DataFrame, number: str) -> None:
    # A column of the applicants' table that is none of the schema's.
    stated = stated.assign(**{NUMBER: np.arange(len(stated)).astype("float64")})
    kinds = [
        "INTEGER" if pd.api.types.is_integer_dtype(values.dtype)
        else number if values.map(lambda v: isinstance(v, float)).any() else "VARCHAR"
        for _, values in stated.items()
    ]  # fmt: skip
    names = ['"' + name.replace('"', '""') + '"' for name in stated]
    columns = ", ".join(f"{n} {kind}" for n, kind in zip(names, kinds, strict=True))
    base.execute(f"CREATE TABLE applicants ({columns})")
    marks = ", ".join("?" * len(names))
    rows = stated.astype(object).where(stated.notna(), None).to_numpy().tolist()
    base.executemany(f"INSERT INTO applicants VALUES ({marks})", rows)


def in_libreoffice(workbook: bytes, folder: Path) -> pd.DataFrame:
    """Open a workbook in LibreOffice, and return its sheet of applicants as texts."""
    soffice = shutil.which("soffice")
    assert soffice, "no LibreOffice here: apt-get install libreoffice-calc-nogui to open the card"
    (folder / "card.xlsx").write_bytes(workbook)
    # The separator, the quote, UTF-8, from line 1 on; values and not what is shown; all sheets.
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
    done = subprocess.run(
        [soffice, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless",
         "--convert-to", form, "--outdir", str(folder), str(folder / "card.xlsx")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    written = folder / f"card-{SHEET}.csv"
    assert written.exists(), done.stdout + done.stderr
    with written.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return pd.DataFrame(rows, columns=head)

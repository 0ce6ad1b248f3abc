"""Another data set, by `-S data.source=... -S data.schema=...` alone, from ingest to evaluate."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tests.support.project import Project

SCHEMA = """
name: shop_credit
target: {column: Outcome, good: [paid], bad: [defaulted]}
columns:
  Customer No: {name: customer, kind: id}
  income: {name: income, kind: numeric, unit: EUR, min: 0}
  Children: {name: children, kind: numeric, integer: true, min: 0, max: 20}
  constant: {name: constant, kind: numeric}
  Education: {name: education, kind: ordinal, levels: [none, school, university]}
  Marital status: {name: marital, kind: nominal, levels: [single, married, "it's complicated"]}
  region: {name: region, kind: nominal}
  one: {name: one, kind: nominal}
"""


def make_csv(path: Path, rows: int = 600) -> None:
    rng = np.random.default_rng(0)
    income = rng.lognormal(10, 0.5, rows).round(2)
    # 5% bad, the poor ones likelier.
    bad = np.argsort(income * rng.lognormal(0, 0.5, rows)) < rows * 0.05
    frame = pd.DataFrame(
        {
            "region": [f"region {i % 300}" for i in range(rows)],
            "Outcome": np.where(bad, "defaulted", " Paid "),
            "Customer No": [f"C{i:05}" for i in range(rows)],
            "income": [f"{v:.2f} EUR".replace(".", ",") for v in income],
            "Children": rng.integers(0, 5, rows),
            "constant": 7,
            "Education": rng.choice(["none", "school", "University"], rows),
            "Marital status": rng.choice(["single", "married", "it's complicated", "", "?"], rows),
            "one": "same",
            "comment": "is no column of the schema",
        }
    )
    frame.to_csv(path, index=False, sep=";", encoding="latin-1")


def test_other_data_goes_from_ingest_to_evaluate(fresh: Project):
    make_csv(fresh.folder / "data/raw/shop.csv")
    (fresh.folder / "data/schema/shop.yaml").write_text(SCHEMA)
    done = fresh.dvc(
        "exp", "run",
        "-S", "data.source=data/raw/shop.csv", "-S", "data.schema=data/schema/shop.yaml",
        "-S", "data.delimiter=';'", "-S", "data.decimal=','", "-S", "data.thousands='.'",
        LOKY_MAX_CPU_COUNT="1",
    )  # fmt: skip
    assert done.ran[-1] == "evaluate"

    prepared = json.loads((fresh.folder / "metrics/prepare.json").read_text())
    assert prepared["rows_clean"] == 600
    assert prepared["bad_rate"] == 0.05
    assert prepared["columns_ignored"] == ["comment"]
    assert prepared["cells"]["income"]["valid"] == 600
    marital = prepared["cells"]["marital"]
    assert marital["empty"] > 50
    assert marital["null_word"] > 50
    clean = pd.read_parquet(fresh.folder / "data/interim/clean.parquet")
    # `none` is a level of this column, so no null word.
    assert set(clean["education"]) == {"none", "school", "university"}
    sides = {s: set(part) for s, part in clean.groupby("split")["region"]}
    assert sides["test"] - sides["train"], "no level that only test rows have"

    features = json.loads((fresh.folder / "data/processed/features.json").read_text())
    assert features["left_out"] == {"monthly_burden": "there is no column amount"}
    assert "customer" not in {*features["numeric"], *features["nominal"], *features["ordinal"]}
    found = json.loads((fresh.folder / "metrics/evaluate.json").read_text())
    assert 0 < found["test"]["roc_auc"] <= 1
    assert (fresh.folder / "plots/report.html").stat().st_size > 100_000
    assert (fresh.folder / "plots/eda.html").stat().st_size > 100_000

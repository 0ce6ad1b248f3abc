"""`make check` looks at the file: it stops at what can't work, and names what to look at."""

import numpy as np
import pandas as pd
import pytest
import yaml

from creditrisk.core.errors import InputError
from creditrisk.workflow import check_data
from creditrisk.workflow.check_data import look_at_source
from tests.support.defects import PARAMS


def project(folder, frame: pd.DataFrame, how: dict | None = None, **data):
    """Write a file with its schema; return the tree of params.yaml."""
    (folder / "x.csv").write_text(frame.to_csv(index=False, **(how or {})), encoding="utf-8")
    numbers = [name for name in frame if name not in ("y", "note")]
    schema = {
        "name": "t",
        "target": {"column": "y", "good": ["0"], "bad": ["1"]},
        "columns": {name: {"name": name, "kind": "numeric"} for name in numbers}
        | ({"note": {"name": "note", "kind": "nominal"}} if "note" in frame else {}),
    }
    (folder / "x.yaml").write_text(yaml.safe_dump(schema), encoding="utf-8")
    written = {"source": str(folder / "x.csv"), "schema": str(folder / "x.yaml")}
    return PARAMS | {"data": PARAMS["data"] | written | data}


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    bad = (rng.random(300) < 0.3).astype(int)
    return pd.DataFrame(
        {
            "a": rng.normal(size=300).round(2),
            "paid": bad * 5 + rng.normal(size=300).round(2),
            "note": [f"n{i}" for i in range(300)],
            "y": bad,
        }
    )


def test_columns_to_look_at_are_named(tmp_path, frame):
    lines = look_at_source(project(tmp_path, frame), "params.yaml")
    assert [line.split(",")[0] for line in lines] == [
        "look at note: unique text",
        "look at paid: high information value",
    ]
    assert look_at_source(project(tmp_path, frame[["a", "y"]]), "params.yaml") == []


def test_only_the_first_rows_are_read(tmp_path, frame, monkeypatch):
    monkeypatch.setattr(check_data, "MAX_ROWS", 100)
    late = frame.assign(y=np.where(np.arange(300) < 200, 0, 1))  # all bad ones come later
    assert len(look_at_source(project(tmp_path, late), "params.yaml")) >= 1
    with pytest.raises(InputError, match="no row has the outcome bad"):
        look_at_source(project(tmp_path, late.head(90)), "params.yaml")


def test_a_decimal_comma_is_found_before_anything_runs(tmp_path, frame):
    text = frame.assign(a=frame["a"].map(lambda x: f"{x:.2f}".replace(".", ",")))
    tree = project(tmp_path, text, {"sep": ";"}, delimiter=";")
    with pytest.raises(InputError, match=r"params.yaml: data.decimal: column a: \d+ of 300"):
        look_at_source(tree, "params.yaml")


def test_a_column_that_is_missing_is_named(tmp_path, frame):
    tree = project(tmp_path, frame)
    frame.drop(columns="paid").to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(InputError, match="no column paid"):
        look_at_source(tree, "params.yaml")


def test_a_file_that_a_stage_will_make_is_not_missed(tmp_path, frame):
    tree = project(tmp_path, frame)
    (tmp_path / "x.csv").unlink()
    assert look_at_source(tree, "params.yaml") == []


def test_the_newest_loans_may_come_first(tmp_path, frame, monkeypatch):
    monkeypatch.setattr(check_data, "MAX_ROWS", 100)
    tree = project(tmp_path, frame.assign(y=np.where(np.arange(300) < 200, 7, frame["y"])))
    assert "have no outcome" in look_at_source(tree, "params.yaml")[0]


def test_a_column_with_many_unreadable_cells_is_named(tmp_path, frame):
    text = frame["a"].astype(str).where(np.arange(300) % 4 > 0, "many")
    lines = look_at_source(project(tmp_path, frame.assign(a=text)), "params.yaml")
    assert lines[0] == "look at a: 75 of 300 cells are unparseable, so they count as missing"

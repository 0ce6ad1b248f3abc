"""The champion for MLflow: what a cell of a request is, and what travels with the model."""

import re
import sys

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowException

from creditrisk.champion.description import parse_description
from creditrisk.core.environment import LIBRARIES
from creditrisk.modeling.persistence import dump_model
from creditrisk.prepare.cells import Notation
from creditrisk.score.load_champion import Champion
from creditrisk.score.mlflow_model import ServedChampion
from creditrisk.score.scorer import Scorer
from creditrisk.tracking.imports import imported_modules, read_closure
from creditrisk.tracking.registry import MORE_LIBRARIES
from stages.select import LOADER
from tests.support import champions

pytestmark = pytest.mark.slow


def served(folder, decimal: str = ".", thousands: str = ",") -> ServedChampion:
    path = folder / "champion.joblib"
    path.write_bytes(dump_model(champions.model("scorecard")))
    description = parse_description(champions.description(path), "champion.json")
    champion = Champion(champions.model("scorecard"), description)
    return ServedChampion(Scorer(champion, Notation.of(decimal, thousands, ["?"])), decimal)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (" 1.169,5 DM", " 1.169,5 DM"), ("", ""), (None, None), (np.nan, None), (pd.NA, None),
        (pd.NaT, None), (24, "24"), (np.int8(-3), "-3"), (24.0, "24"), (-0.0, "0"), (24.5, "24,5"),
        (np.float32(0.1), "0,1"), (1e-7, "1e-07"), (2.0**70, str(2**70)),
        (float("inf"), "inf"), (True, "1"), (np.False_, "0"), (10**400, "1" + "0" * 400),
    ],
)  # fmt: skip
def test_a_cell_becomes_the_text_of_a_csv(tmp_path, cell, text):
    assert served(tmp_path, ",", ".")._text(cell, "hoehe") == text


@pytest.mark.parametrize("decimal", [".", ","])
def test_numbers_are_read_whatever_the_decimal_sign_is(tmp_path, decimal: str):
    model = served(tmp_path, decimal, "." if decimal == "," else ",")
    raw = pd.read_csv(champions.DEFAULT_CSV).drop(columns="kredit").head(50)
    texts = {name: raw[name].astype("str") for name in raw}
    told = model.predict(raw.astype("float64"))
    judged = model.scorer.judge(texts)
    assert (told["pd"].to_numpy() == judged.pd).all()
    assert (told["score"].to_numpy() == judged.points).all()
    assert judged.readable.all()
    # A fraction is read as one: it is out of the domain of a column of integers.
    months = model.predict(raw.assign(laufzeit=24.5))["pd"].to_numpy()
    assert (months == model.predict(raw.drop(columns="laufzeit"))["pd"].to_numpy()).all()


def test_the_answer_has_the_index_of_the_rows_and_null_where_nothing_is_read(tmp_path):
    model = served(tmp_path)
    frame = pd.DataFrame({"hoehe": [1169, None, "?"], "laufzeit": ["6", None, ""]}, [7, 7, "b"])
    told = model.predict(frame)
    assert list(told.index) == [7, 7, "b"]
    assert told.iloc[1:].to_numpy().tolist() == [[None] * 3] * 2
    assert 0 < told["pd"].iloc[0] < 1
    assert type(told["score"].iloc[0]) is int
    assert model.predict(frame.iloc[:0]).empty


@pytest.mark.parametrize("cell", [[1], {"a": 1}, pd.Timestamp(0), b"1", 1j])
def test_a_cell_of_another_type_is_refused_without_quoting_it(tmp_path, cell):
    frame = pd.DataFrame({"hoehe": pd.Series([cell], dtype=object)})
    with pytest.raises(MlflowException, match=r"^column hoehe: neither text nor number$"):
        served(tmp_path).predict(frame)
    with pytest.raises(MlflowException, match=r"^none of the columns laufkont, "):
        served(tmp_path).predict(pd.DataFrame({"branch": [1]}))


@pytest.mark.parametrize("kind", ["scorecard platt", "lr", "dt", "vote"])
def test_the_code_of_all_classes_in_a_model_file_travels(kind: str):
    modules = {path.removesuffix(".py").replace("/", ".") for path in read_closure(LOADER)}
    named = re.findall(rb"creditrisk(?:\.[a-z_]+)+", dump_model(champions.model(kind)))
    assert {name.decode() for name in named} <= {m.removesuffix(".__init__") for m in modules}


def test_the_registered_model_names_all_libraries_that_its_code_imports():
    # pydantic pins its own pydantic_core.
    names = {"sklearn": "scikit-learn", "yaml": "pyyaml", "pydantic_core": "pydantic"}
    code = "\n".join(text.decode() for text in read_closure(LOADER).values())
    tops = {name.split(".")[0] for name in imported_modules(code)}
    tops -= {*sys.stdlib_module_names, "creditrisk", "mlflow"}  # MLflow adds itself
    assert {names.get(top, top) for top in tops} <= {*LIBRARIES, *MORE_LIBRARIES}

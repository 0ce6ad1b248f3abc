"""The champion as a model of MLflow: raw applicants in; PD, points and decision out.

This module and all that it imports travel with the registered model
(`creditrisk/tracking/registry.py`). Where that is loaded there is MLflow, but not this project.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import creditrisk
from creditrisk.champion.description import parse_description
from creditrisk.ingest.rows import truth_words

# A model file may name these classes, which are then looked up by their names.
from creditrisk.modeling import binning, risk_regression  # noqa: F401
from creditrisk.prepare.cells import Notation
from creditrisk.schema import KEY_KINDS
from creditrisk.score.load_champion import Champion, check_libraries, unpickle
from creditrisk.score.scorer import Scorer

COLUMNS = ("pd", "score", "decision")


class ServedChampion:
    """The champion, for MLflow.

    Args:
        scorer: scores raw applicants.
        decimal: the decimal sign in their texts.
    """

    def __init__(self, scorer: Scorer, decimal: str):
        self.scorer, self.decimal = scorer, decimal
        columns = scorer.champion.schema.needed.items()
        self.truths = {source: truth_words(column) for source, column in columns
                       if column.kind not in KEY_KINDS}  # fmt: skip

    def predict(self, frame: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Score applicants.

        Args:
            frame: the columns of the applicants' source file, n rows; a cell is a text as in that
                file, a number, a truth value or null. MLflow sees to it that all are there, if the
                model is loaded by it; else a column that is absent counts as empty.
            params: not used; MLflow passes it.

        Returns:
            `pd`, `score` and `decision` (`accept` or `reject`), n rows under the index of `frame`;
            all null for a row of which no cell could be read.

        Raises:
            MlflowException: there is none of the columns, or a cell is of another type.
        """
        if not set(self.truths) & set(frame.columns):
            raise _refusal(f"none of the columns {', '.join(self.truths)}")
        texts = {source: self._texts(frame, source) for source in self.truths}
        judged = self.scorer.judge(texts)
        answer = pd.DataFrame(
            {
                "pd": judged.pd,
                "score": judged.points,
                "decision": judged.decisions,
            },
            index=frame.index,
        )
        if judged.readable.all():
            return answer
        # None is null in JSON, which knows neither NaN nor the missing value of pandas.
        answer = answer.astype(object)
        answer.loc[~judged.readable] = None
        return answer

    def _texts(self, frame: pd.DataFrame, source: str) -> np.ndarray:
        texts = np.full(len(frame), None, dtype=object)
        if source in frame.columns:
            try:
                texts[:] = [self._text(cell, source) for cell in frame[source]]
            except TypeError:
                raise _refusal(f"column {source}: neither text nor number") from None
        return texts

    def _text(self, cell: Any, source: str) -> str | None:
        """Turn a cell into the text that a CSV would have.

        Raises:
            TypeError: it is no text, number, truth value or null.
        """
        if isinstance(cell, str):
            return cell
        if cell is None or cell is pd.NA or cell is pd.NaT:
            return None
        if isinstance(cell, bool | np.bool_):
            return self.truths[source][bool(cell)]
        if isinstance(cell, int | np.integer):
            return str(int(cell))
        if not isinstance(cell, float | np.floating):
            raise TypeError
        if math.isnan(cell):
            return None
        # In a column with a null, pandas turns 24 into 24.0.
        text = str(int(cell)) if float(cell).is_integer() else str(cell)
        return text.replace(".", self.decimal)


def _load_pyfunc(path: str) -> ServedChampion:
    """Load the model; MLflow calls this.

    Whoever lets MLflow load a model trusts its server, since the code comes from there too. The
    hash is compared to notice files that do not belong together.

    Args:
        path: the folder with the champion's files.

    Raises:
        ImportError: another version of `creditrisk` was imported before.
        ValueError: the model file is not the described one.
        InputError: the installed version of a library is not the one that the model was made with.
    """
    folder = Path(path)
    _check_code(folder.parents[1] / "code")
    described_in, model = folder / "champion.json", folder / "champion.joblib"
    described = parse_description(described_in.read_bytes(), described_in)
    pickled = model.read_bytes()
    if hashlib.sha256(pickled).hexdigest() != described.model_sha256:
        raise ValueError(f"{model} is not the model that {described_in} describes")
    check_libraries(described, model, "Install the model's requirements.txt.")
    notation = json.loads((folder / "notation.json").read_bytes())
    scorer = Scorer(Champion(unpickle(pickled), described), Notation.of(**notation))
    return ServedChampion(scorer, notation["decimal"])


def _check_code(travelled: Path) -> None:
    """Check that the code that runs is the model's own, which Python does not see to.

    A process has one `creditrisk`: this project's, or that of the model which was loaded first.
    """
    running = Path(creditrisk.__file__).parents[1]
    if running.resolve() == travelled.resolve():
        return
    for path in sorted(travelled.rglob("*.py")):
        other = running / path.relative_to(travelled)
        if not other.is_file() or other.read_bytes() != path.read_bytes():
            raise ImportError(
                f"this process has another version of creditrisk, from {running}; load the model "
                "in a process of its own"
            )


def _refusal(problem: str) -> Exception:
    from mlflow import MlflowException
    from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

    return MlflowException(problem, error_code=INVALID_PARAMETER_VALUE)

"""What a client asks: applicants as JSON, in the shapes of the three protocols."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from creditrisk.core.errors import nearest, shorten
from creditrisk.core.text import repeated
from creditrisk.schema import Column
from creditrisk.score.applicants import Names, checked, texts_of
from creditrisk.serve.errors import RequestError
from creditrisk.serve.strict_json import Number

MOST_APPLICANTS = 1000
MOST_REASONS = 100
# Alternatives of an applicant; and applicants in such a request, as each may take many PDs.
MOST_WHAT_IF, MOST_WITH_WHAT_IF = 3, 50


@dataclass(frozen=True)
class Asked:
    """Applicants to score.

    Attributes:
        texts: the cells under the names of the source, None where empty.
        count: number of applicants.
        reasons: number of reasons wanted for each.
        identity: the client's own id of the request, in a protocol that has one.
        what_if: number of alternatives wanted for each; None if it was not named.
    """

    texts: dict[str, np.ndarray]
    count: int
    reasons: int = 0
    identity: str | None = None
    what_if: int | None = None


def applicants(tree: Any, names: Names, decimal: str) -> Asked:
    """Read the body of `POST /v1/score`.

    Args:
        tree: from `strict_json.parse`.
        names: of the columns.
        decimal: the decimal sign of texts.

    Raises:
        RequestError: 422, with the place.
    """
    _object(tree, "body", ("applicants", "reasons", "what_if"))
    if "applicants" not in tree:
        hint = 'Send {"applicants": [{...}]}.'
        raise RequestError(422, "applicants", "missing", hint)
    rows = tree["applicants"]
    if not isinstance(rows, list):
        raise RequestError(422, "applicants", "not a list", "Send a list of objects.")
    texts = read_rows(rows, "applicants", names, decimal)
    reasons = _whole(tree, "reasons", MOST_REASONS)
    what_if = _whole(tree, "what_if", MOST_WHAT_IF) if "what_if" in tree else None
    if what_if and len(rows) > MOST_WITH_WHAT_IF:
        what = f"{len(rows):,} applicants, at most {MOST_WITH_WHAT_IF} with what_if"
        hint = "Send them in several requests; for a whole file, see `commands.score`."
        raise RequestError(422, "applicants", what, hint)
    return Asked(texts, len(rows), reasons, what_if=what_if)


def _object(tree: Any, where: str, known: tuple[str, ...]) -> None:
    if not isinstance(tree, dict):
        raise RequestError(422, where, "not an object", f"Send an object with {known[0]}.")
    for name in tree:
        if name not in known:
            raise RequestError(422, name, "unknown name", nearest(name[:200], known))


def _whole(tree: dict[str, Any], name: str, most: int) -> int:
    wanted = tree.get(name, Number("0"))
    number = float(wanted) if isinstance(wanted, Number) else -1.0
    if not (number.is_integer() and 0 <= number <= most):
        hint = "Leave it out for none."
        raise RequestError(422, name, f"not a whole number from 0 to {most}", hint)
    return int(number)


def read_rows(rows: list[Any], where: str, names: Names, decimal: str) -> dict[str, np.ndarray]:
    """Read applicants, an object each.

    Args:
        rows: the objects.
        where: their place in the request.
        names: of the columns.
        decimal: the decimal sign of texts.

    Raises:
        RequestError: 422, with the place.
    """
    check_count(len(rows), where)
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RequestError(422, f"{where}[{i}]", "not an object", "Send an object of cells.")

    def text(value: Any, column: Column) -> str | None:
        if value is None:
            return None
        if isinstance(value, Number):
            # Whatever the decimal sign of texts is, that of JSON is a point.
            return checked(value.replace(".", decimal))
        if isinstance(value, bool):
            hint = "Send the number or the text that the file would have."
            raise ValueError(f"{str(value).lower()} is no number and no text", hint)
        if not isinstance(value, str):
            raise ValueError("a list or an object", "Send a text, a number or null.")
        return checked(value)

    texts, fault = texts_of(rows, names, text)
    if fault is not None:
        row, error = fault
        place = f"{where}[{row}]" + (f".{error.name}" if error.name else "")
        raise RequestError(422, place, error.problem, error.hint)
    return texts


def check_count(count: int, where: str) -> None:
    """Refuse no applicants, and too many.

    Raises:
        RequestError: 422.
    """
    if not 1 <= count <= MOST_APPLICANTS:
        hint = "Send them in several requests; for a whole file, see `commands.score`."
        what = f"{count:,} applicants, wanted are 1 to {MOST_APPLICANTS:,}"
        raise RequestError(422, where, what, hint)


def mlflow_rows(tree: Any, names: Names, decimal: str) -> Asked:
    """Read the body of `POST /invocations` as MLflow's scoring server takes it.

    Raises:
        RequestError: 422, with the place.
    """
    forms = ("dataframe_split", "dataframe_records", "instances", "inputs")
    _object(tree, "body", (*forms, "params"))
    given = [form for form in forms if form in tree]
    if len(given) != 1:
        raise RequestError(422, "body", "not one of the forms", f"Send one of {', '.join(forms)}.")
    if not isinstance(tree.get("params", {}), dict):
        raise RequestError(422, "params", "not an object", "Leave it out.")
    form, rows = given[0], tree[given[0]]
    if form == "dataframe_split":
        rows = _split_rows(rows)
    elif form == "inputs" and isinstance(rows, dict):
        rows = _column_rows(rows)
    if not isinstance(rows, list):
        raise RequestError(422, form, "not a list", "Send a list of objects.")
    return Asked(read_rows(rows, form, names, decimal), len(rows))


def _split_rows(split: Any) -> list[dict[str, Any]]:
    where = "dataframe_split"
    _object(split, where, ("columns", "data", "index"))
    columns, data = split.get("columns"), split.get("data")
    if not isinstance(columns, list) or not all(type(name) is str for name in columns):
        raise RequestError(422, f"{where}.columns", "not a list of names", "Name the columns.")
    twice = repeated(columns)
    if twice is not None:
        what = f"the name {shorten(twice)} stands twice"
        raise RequestError(422, f"{where}.columns", what, "Remove one of them.")
    for name, value in (("data", data), ("index", split.get("index", []))):
        if not isinstance(value, list):
            raise RequestError(422, f"{where}.{name}", "not a list", "Send a list.")
    for i, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            what = "not a list with a cell for each column"
            raise RequestError(422, f"{where}.data[{i}]", what, "Send a cell for each column.")
    return [dict(zip(columns, row, strict=True)) for row in data]


def _column_rows(columns: dict[str, Any]) -> list[dict[str, Any]]:
    lists = {name: v if isinstance(v, list) else [v] for name, v in columns.items()}
    counts = {len(values) for values in lists.values()}
    if len(counts) != 1:
        hint = "Send a list of the same length for each column."
        raise RequestError(422, "inputs", "columns of different lengths", hint)
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def tensors(tree: Any, names: Names, decimal: str) -> Asked:
    """Read the body of `POST /v2/models/credit-risk/infer` (open inference protocol).

    A tensor per column, of shape [n] or [n, 1].

    Raises:
        RequestError: 422, with the place.
    """
    _object(tree, "body", ("inputs", "outputs", "id", "parameters"))
    inputs, identity = tree.get("inputs"), tree.get("id")
    if not isinstance(inputs, list) or not inputs:
        raise RequestError(422, "inputs", "not a list of tensors", "Send a tensor per column.")
    if identity is not None and type(identity) is not str:
        raise RequestError(422, "id", "not a text", "Send a text, or leave it out.")
    columns: dict[str, list[Any]] = {}
    for i, tensor in enumerate(inputs):
        where = f"inputs[{i}]"
        _object(tensor, where, ("name", "shape", "datatype", "data", "parameters"))
        name, data = tensor.get("name"), tensor.get("data")
        if type(name) is not str or name in columns:
            raise RequestError(422, f"{where}.name", "not a name, or twice", "Name the column.")
        if not isinstance(data, list):
            raise RequestError(422, f"{where}.data", "not a list", "Send a list of cells.")
        cells = [c[0] if isinstance(c, list) and len(c) == 1 else c for c in data]
        shape = tensor.get("shape")
        numbers = isinstance(shape, list) and all(isinstance(size, Number) for size in shape)
        if not numbers or shape not in ([str(len(cells))], [str(len(cells)), "1"]):
            what = f"not [{len(cells)}] or [{len(cells)}, 1]"
            raise RequestError(422, f"{where}.shape", what, "Send the shape of the data.")
        columns[name] = cells
    rows = _column_rows(columns)
    texts = read_rows(rows, "inputs", names, decimal)
    return Asked(texts, len(rows), identity=identity)

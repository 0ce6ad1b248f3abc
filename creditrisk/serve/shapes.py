"""The shapes of requests and answers, for the OpenAPI description."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from creditrisk.ingest.limits import MAX_CELL
from creditrisk.schema import Schema
from creditrisk.score.counterfactuals.search import MOST_CHANGES
from creditrisk.serve.requests import (
    MOST_APPLICANTS,
    MOST_REASONS,
    MOST_WHAT_IF,
    MOST_WITH_WHAT_IF,
)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Shape):
    """What is wrong with a request."""

    where: str
    what: str
    hint: str


class ErrorAnswer(_Shape):
    """The answer to a request that can't be answered."""

    error: Problem


class ModelName(_Shape):
    """Which model has answered."""

    sha256: str
    algorithm: str
    threshold: float


class ReasonShape(_Shape):
    """A variable that sets the applicant apart from a typical one who paid back."""

    variable: str
    value: str
    counted: str
    log_odds: float
    code: str


class Gap(_Shape):
    """A cell that counts as missing."""

    column: str
    cause: Literal["empty", "null_word", "unparseable", "out_of_domain"]


Decision = Literal["accept", "reject", "refer"]


class ChangeShape(_Shape):
    """A variable that would have to be different: in words, and as a cell of the source file."""

    variable: str
    old: str = Field(alias="from")
    to: str
    cell: str


class Alternative(_Shape):
    """Changes that together lead to acceptance, by this model and all else equal."""

    changes: list[ChangeShape] = Field(min_length=1, max_length=MOST_CHANGES)
    pd: float = Field(ge=0, le=1)


class Result(_Shape):
    """What is said of an applicant. `what_if` is there if the request names it."""

    pd: float | None = Field(ge=0, le=1)
    score: int | None
    decision: Decision | None
    reasons: list[ReasonShape]
    missing: list[Gap]
    problem: str | None
    what_if: list[Alternative] = Field(default=[], max_length=MOST_WHAT_IF)


class ScoreAnswer(_Shape):
    """The answer of `POST /v1/score`."""

    model: ModelName
    results: list[Result]


class Prediction(_Shape):
    """What MLflow's scoring server says of an applicant."""

    pd: float | None = Field(ge=0, le=1)
    score: int | None
    decision: Decision | None


class Predictions(_Shape):
    """The answer of `POST /invocations`."""

    predictions: list[Prediction]


class Tensor(_Shape):
    """An output of the open inference protocol."""

    name: str
    shape: list[int]
    datatype: Literal["FP64", "INT64", "BYTES"]
    data: list[float | int | str | None]


class Inference(_Shape):
    """The answer in the open inference protocol."""

    model_name: str
    id: str | None = None
    outputs: list[Tensor]


class Health(_Shape):
    """Whether the service answers."""

    status: str


class ModelAnswer(BaseModel):
    """The answer of `GET /v1/model`."""

    algorithm: str
    label: str
    threshold: float
    scorecard: dict[str, float | None]
    calibration: str
    hashes: dict[str, str]
    training_rows: int
    created_by: dict[str, str]
    revision: str | None
    columns: list[dict[str, Any]]
    reason_codes: dict[str, str]


_TEXT = {"type": "string", "maxLength": MAX_CELL}
_CELL = {"anyOf": [_TEXT, {"type": "number"}, {"type": "null"}]}


def _applicant(schema: Schema) -> dict[str, Any]:
    """Describe an applicant: under the names of the schema, or those of the source."""
    own = {c.name: _CELL | {"description": c.description} for c in schema.columns.values()}
    source = {name: _CELL | {"description": c.description} for name, c in schema.columns.items()}
    kinds = [own] if own.keys() == source.keys() else [own, source]
    shapes = [
        {"type": "object", "properties": cells, "additionalProperties": False} for cells in kinds
    ]
    return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}


def _rows(schema: Schema, most: int = MOST_APPLICANTS) -> dict[str, Any]:
    return {
        "type": "array", "minItems": 1, "maxItems": most, "items": _applicant(schema),
    }  # fmt: skip


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "required": required, "properties": properties,
        "additionalProperties": False,
    }  # fmt: skip


def _body(kind: str, shape: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": shape}}}}


def score_body(schema: Schema) -> dict[str, Any]:
    """Describe the body of `POST /v1/score`."""
    reasons = {"type": "integer", "minimum": 0, "maximum": MOST_REASONS, "default": 0}
    what_if = {"type": "integer", "minimum": 0, "maximum": MOST_WHAT_IF, "default": 0}
    # With alternatives, an applicant takes longer, so there are fewer of them.
    most = {MOST_APPLICANTS: what_if | {"maximum": 0}, MOST_WITH_WHAT_IF: what_if}
    shapes = [
        _object(["applicants"], applicants=_rows(schema, rows), reasons=reasons, what_if=asked)
        for rows, asked in most.items()
    ]
    return _body("application/json", {"anyOf": shapes})


def csv_body() -> dict[str, Any]:
    """Describe the body of `POST /v1/score.csv`."""
    words = "A header and 1 to 1,000 rows, with the columns of the source file, as it is written."
    return _body("text/csv", {"type": "string", "description": words})


def form_body(schema: Schema) -> dict[str, Any]:
    """Describe the body of `POST /`."""
    fields = {c.name: _TEXT for c in schema.columns.values()}
    shape = {"type": "object", "properties": fields, "additionalProperties": False}
    return _body("application/x-www-form-urlencoded", shape)


def mlflow_body(schema: Schema) -> dict[str, Any]:
    """Describe the body of `POST /invocations`: that of MLflow's scoring server."""
    names = [*schema.columns, *(c.name for c in schema.columns.values())]
    split = _object(
        ["columns", "data"],
        columns={"type": "array", "items": {"enum": sorted(set(names))}, "uniqueItems": True},
        data={
            "type": "array", "minItems": 1, "maxItems": MOST_APPLICANTS,
            "items": {"type": "array", "items": _CELL},
        },
        index={"type": "array"},
    )  # fmt: skip
    parameters = {"type": "object"}
    column = {"type": "array", "minItems": 1, "maxItems": MOST_APPLICANTS, "items": _CELL}
    columns = _object([], **dict.fromkeys(sorted(set(names)), column)) | {"minProperties": 1}
    forms = {
        "dataframe_split": split,
        "dataframe_records": _rows(schema),
        "instances": _rows(schema),
        "inputs": {"anyOf": [_rows(schema), columns]},
    }
    shapes = [
        _object([name], **{name: shape, "params": parameters}) for name, shape in forms.items()
    ]
    return _body("application/json", {"anyOf": shapes})


def tensor_body(schema: Schema) -> dict[str, Any]:
    """Describe the body in the open inference protocol."""
    names = sorted({*schema.columns, *(c.name for c in schema.columns.values())})
    tensor = _object(
        ["name", "shape", "datatype", "data"],
        name={"enum": names},
        shape={"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
        datatype={"type": "string"},
        data={"type": "array", "minItems": 1, "maxItems": MOST_APPLICANTS, "items": _CELL},
        parameters={"type": "object"},
    )
    shape = _object(
        ["inputs"],
        id={"type": "string"},
        inputs={"type": "array", "minItems": 1, "items": tensor},
        outputs={"type": "array"},
        parameters={"type": "object"},
    )
    return _body("application/json", shape)

"""What the service says of applicants, in the shapes of the protocols."""

from typing import Any

from creditrisk.champion.reason_codes import reason_codes
from creditrisk.schema import Schema
from creditrisk.score.load_champion import Champion
from creditrisk.score.reasons import Reason
from creditrisk.score.referral_reasons import MISSING_CODE, PD_CODE
from creditrisk.score.scorer import NO_CELL, Judged
from creditrisk.score.what_if import Alternative


def model_tree(champion: Champion) -> dict[str, Any]:
    """Name the model, in each answer."""
    described = champion.description
    return {
        "sha256": described.model_sha256,
        "algorithm": described.algorithm,
        "threshold": described.threshold,
    }


def results(
    judged: Judged,
    reasons: list[list[Reason]],
    alternatives: list[list[Alternative]] | None = None,
) -> list[dict[str, Any]]:
    """List what is said of each applicant.

    Args:
        judged: from the scorer, n applicants.
        reasons: of each; those of a referral also where none were asked for.
        alternatives: what would change the decision of each; None to leave them out.
    """
    missing: list[list[dict[str, str]]] = [[] for _ in judged.pd]
    for name, (rows, causes) in judged.missing.items():
        for row, cause in zip(rows.tolist(), causes, strict=True):
            missing[row].append({"column": name, "cause": cause})
    found = []
    for row, gaps in enumerate(missing):
        readable = bool(judged.readable[row])
        own = reasons[row] if readable else []
        found.append(
            {
                "pd": float(judged.pd[row]) if readable else None,
                "score": int(judged.points[row]) if readable else None,
                "decision": judged.decision(row),
                "reasons": [
                    {
                        "variable": one.variable,
                        "value": one.value,
                        "counted": one.value if one.counted is None else one.counted,
                        "log_odds": one.log_odds,
                        "code": one.code,
                    }
                    for one in own
                ],
                "missing": gaps,
                "problem": None if readable else NO_CELL,
            }
        )
    if alternatives is not None:
        for one, choices in zip(found, alternatives, strict=True):
            one["what_if"] = [alternative.to_json() for alternative in choices]
    return found


def predictions(judged: Judged) -> list[dict[str, Any]]:
    """List PD, points and decision of each applicant, as MLflow's scoring server does."""
    nothing: list[list[Reason]] = [[] for _ in judged.pd]
    return [
        {name: one[name] for name in ("pd", "score", "decision")}
        for one in results(judged, nothing)
    ]


def tensors(judged: Judged, identity: str | None) -> dict[str, Any]:
    """Answer in the open inference protocol: a tensor each for PD, points and decision."""
    rows = predictions(judged)
    kinds = {"pd": "FP64", "score": "INT64", "decision": "BYTES"}
    outputs = [
        {"name": name, "shape": [len(rows)], "datatype": kind, "data": [row[name] for row in rows]}
        for name, kind in kinds.items()
    ]
    answer: dict[str, Any] = {"model_name": "credit-risk", "outputs": outputs}
    return answer if identity is None else answer | {"id": identity}


def about(champion: Champion, description_sha256: str, revision: str | None) -> dict[str, Any]:
    """Describe the model: the answer of `GET /v1/model`."""
    described = champion.description
    codes = reason_codes(described.columns)
    return {
        "algorithm": described.algorithm,
        "label": described.label,
        "threshold": described.threshold,
        "scorecard": described.scorecard.model_dump(),
        "calibration": described.calibration,
        "hashes": {
            "model": described.model_sha256,
            "description": description_sha256,
            "data": described.data_sha256,
        },
        "training_rows": described.training_rows,
        "created_by": described.created_by,
        "revision": revision,
        "columns": columns(champion.schema),
        "reason_codes": {code: name for name, code in codes.items()}
        | {PD_CODE: "pd", MISSING_CODE: "missing"},
    }


def columns(schema: Schema) -> list[dict[str, Any]]:
    """List the columns with their domains."""
    return [
        {
            "name": column.name,
            "source": source,
            "kind": column.kind,
            "unit": column.unit,
            "min": column.min,
            "max": column.max,
            "integer": column.integer,
            "levels": column.levels,
            "special": column.special,
            "format": column.format,
            "mutable": column.mutable,
            "description": column.description,
            "audit": column.audit,
        }
        for source, column in schema.columns.items()
    ]

"""All tables that describe the training rows, and the numbers for metrics/eda.json."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from creditrisk.eda import associate, describe
from creditrisk.eda.adjust import apply
from creditrisk.eda.look_at import FINDINGS, columns_to_look_at
from creditrisk.schema import Schema


@dataclass(frozen=True)
class Findings:
    """The tables that describe the training rows; see `describe` and `associate`."""

    missing: pd.DataFrame
    numeric: pd.DataFrame
    outliers: pd.DataFrame
    levels: pd.DataFrame
    information_value: pd.DataFrame
    correlations: pd.DataFrame
    cramers_v: pd.DataFrame
    look_at: pd.DataFrame

    @classmethod
    def of(cls, train: pd.DataFrame, schema: Schema) -> "Findings":
        """Compute all tables."""
        described = describe.levels(train, schema)
        ranked = describe.information_value(described)
        return cls(
            missing=describe.missing(train, schema),
            numeric=describe.numeric_summary(train, schema),
            outliers=describe.outliers(train, schema),
            levels=described,
            information_value=ranked,
            correlations=associate.spearman(train, schema),
            cramers_v=associate.cramers(train, schema),
            look_at=columns_to_look_at(train, schema, ranked),
        )


def summarise(
    train: pd.DataFrame, found: Findings, adjustments: dict[str, Any]
) -> dict[str, object]:
    """Collect the numbers that a reviewer compares between two versions of the data.

    Args:
        train: the training rows, before the adjustments.
        found: their tables.
        adjustments: the result of `learn`.

    Returns:
        The content of metrics/eda.json: `rows` and `bad_rate`; `information_value` by variable,
        greatest first; `caps` and `merges`, numbers of columns; `cells_capped`, `cells_merged` and
        `rows_adjusted`, counted in the training rows; `most_missing`, `strongest_correlation` and
        `strongest_association`, each None if there is none; `look_at`, the variables by finding,
        see `columns_to_look_at`.
    """
    caps, merges = adjustments["caps"], adjustments["merges"]
    touched = [*caps, *merges]
    before, after = train[touched], apply(train, adjustments)[touched]
    # NaN differs from itself, so exclude missing cells; they are never adjusted.
    changed = (before != after) & before.notna()
    ranked = found.information_value.set_index("variable")["information_value"]
    return {
        "rows": len(train),
        "bad_rate": train["bad"].mean(),
        "information_value": ranked.to_dict(),
        "caps": len(caps),
        "merges": len(merges),
        "cells_capped": sum(c["rows_low"] + c["rows_high"] for c in caps.values()),
        "cells_merged": sum(m["rows"] for m in merges.values()),
        "rows_adjusted": int(changed.any(axis=1).sum()),
        "most_missing": _most_missing(found.missing),
        "strongest_correlation": associate.strongest(found.correlations),
        "strongest_association": associate.strongest(found.cramers_v),
        "look_at": {
            finding: found.look_at.loc[found.look_at["finding"] == finding, "variable"].to_list()
            for finding in FINDINGS
        },
    }


def _most_missing(missing: pd.DataFrame) -> dict[str, object] | None:
    worst = missing.loc[missing["missing"].idxmax()]
    return dict(worst[["variable", "share"]]) if worst["missing"] else None

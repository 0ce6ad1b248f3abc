"""Refused applicants against those with an outcome: how far apart they are, and what that hides.

Outcomes are known only of applicants whom the former policy accepted. What refused applicants would
have done is never observed, and they were not refused at random, so that no computation can fill
the gap: "reject inference" rests on an assumption that the data cannot test (Crook and Banasik
2004, "Does reject inference really improve the performance of application scoring models?",
Journal of Banking & Finance 28). So nothing is learned from these rows. They are compared with the
others, and the range of what they may have done is computed under named assumptions.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from creditrisk.champion.description import ChampionDescription
from creditrisk.champion.referral import columns_of, model_columns
from creditrisk.core.columns import NO_CODE, SPECIAL, is_missing
from creditrisk.evaluate.refused_bounds import (
    Lines,
    bounds,
    parcelled,
    pd_bands,
    thin_share,
    together,
)
from creditrisk.evaluate.stability import variable_psi
from creditrisk.metrics.costs import ACCEPT, REFER, REJECT, DecisionParams, Sample, decide
from creditrisk.metrics.stability import psi
from creditrisk.score.refused import Refused

COLUMNS = ["part", "name", "measure", "value"]
QUANTILES = {"p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9}


def refused_table(
    refused: Refused | None,
    train: pd.DataFrame,
    oof: Sample,
    test: Sample,
    test_rows: pd.DataFrame,
    champion: ChampionDescription,
    decision: DecisionParams,
) -> pd.DataFrame:
    """Compute all that is said of refused applicants: plots/refused.csv.

    Args:
        refused: the refused applicants; None if there is no file.
        train: the training rows: the features and original values, shape (n, d).
        oof: outcomes, out-of-fold PDs, costs and referrals of the training rows, each row once.
        test: the same of the test rows; only the bounds use them.
        test_rows: the test rows: the features and original values, shape (m, d).
        champion: the champion's description.
        decision: the costs.

    Returns:
        Columns `part`, `name`, `measure`, `value`; no rows if there is no file. The parts:
        `file` (a line `refused`: `rows`, `unread_rows`, `unread_cells`,
        `known_rows`, see there); `unread` (by reason
        `rows`, and the number of the `first` in the file); `ignored` (by column); `pds`, see
        `compare_pds`; `bounds`, see there; `bands`, see `pd_bands`; `ranges`, see
        `feature_ranges`. Shares are from 0 to 1, costs in the unit of the costs; a value that is
        not defined is missing.
    """
    if refused is None:
        return pd.DataFrame(columns=COLUMNS).astype({"value": "float64"})
    threshold = champion.threshold
    cells = sum(refused.unread_cells.values())
    bands = pd_bands(oof, refused.pd, threshold)
    parts: dict[str, Lines] = {
        "file": {
            "refused": {
                "rows": refused.rows,
                "unread_rows": refused.rows - len(refused.pd),
                "unread_cells": cells,
                "known_rows": known_rows(refused.frame, [train, test_rows], champion.columns),
            }
        },
        "pds": compare_pds(oof, refused.pd, refused.decisions, threshold),
        "bounds": bounds(
            together([oof, test]),
            {
                "all_good": np.zeros(len(refused.pd)),
                "model": refused.pd,
                **parcelled(refused.pd, bands),
                "all_bad": np.ones(len(refused.pd)),
            },
            refused.decisions,
            decision.costs(refused.frame),
            threshold,
        ),
        "bands": bands,
        "ranges": feature_ranges(train, refused, champion),
    }
    lines = [
        (part, name, measure, float(value))
        for part, found in parts.items()
        for name, measures in found.items()
        for measure, value in measures.items()
    ]
    for reason, rows in refused.problems.items():
        lines += [("unread", reason, "rows", len(rows)), ("unread", reason, "first", rows[0])]
    lines += [("ignored", name, "columns", 1.0) for name in refused.ignored]
    return pd.DataFrame(lines, columns=COLUMNS)


def known_rows(refused: pd.DataFrame, known: list[pd.DataFrame], features: list[str]) -> int:
    """Count the refused applicants that equal a training or test row in every variable.

    Values are compared as the model takes them: a capped number equals its cap.

    Args:
        refused: the features of the refused.
        known: frames of training and test rows.
        features: the columns to compare.
    """
    first, *others = (pd.DataFrame(model_columns(one, features)) for one in (refused, *known))
    return len(first.merge(pd.concat(others).drop_duplicates(), on=features))


def part_of(table: pd.DataFrame, part: str) -> pd.DataFrame:
    """Return a part of a `refused_table`: `name`, then a column per measure, in their order."""
    found: Lines = {}
    for name, measure, value in table.loc[table["part"] == part, COLUMNS[1:]].itertuples(
        index=False
    ):
        found.setdefault(name, {})[measure] = value
    wide = pd.DataFrame.from_dict(found, orient="index")
    return wide.rename_axis("name").reset_index()


def compare_pds(oof: Sample, pds: np.ndarray, decisions: np.ndarray, threshold: float) -> Lines:
    """Compare the PDs of the refused with those of the training rows.

    Args:
        oof: out-of-fold PDs and referrals of the training rows.
        pds: PDs of the refused, shape (n,).
        decisions: decisions about the refused, shape (n,).
        threshold: the cut-off.

    Returns:
        Lines `accepted` (the training rows) and `refused`: `rows`, `mean`, the `QUANTILES`,
        `above` (share of the rows whose PD reaches the cut-off); the numbers and the shares that
        this model would accept, reject and refer. Of the refused also `psi` (of the PDs, from the
        training rows to them) and `thin`, see `thin_share`.
    """
    sides = {
        "accepted": (oof.pd, decide(oof.pd, threshold, ~oof.decided)),
        "refused": (pds, decisions),
    }
    found: Lines = {}
    for name, (values, decided) in sides.items():
        counts = {
            "accept": np.sum(decided == ACCEPT),
            "reject": np.sum(decided == REJECT),
            "refer": np.sum(decided == REFER),
        }
        found[name] = (
            {"rows": len(values), "mean": np.mean(values)}
            | {label: np.quantile(values, share) for label, share in QUANTILES.items()}
            | {"above": np.mean(values >= threshold)}
            | counts
            | {f"{label}_share": count / len(values) for label, count in counts.items()}
        )
    found["refused"] |= {
        "psi": psi(pd.Series(oof.pd), pd.Series(pds)),
        "thin": thin_share(pd_bands(oof, pds, threshold)),
    }
    return found


def feature_ranges(train: pd.DataFrame, refused: Refused, champion: ChampionDescription) -> Lines:
    """Compare the variables of the refused with those of the training rows.

    Args:
        train: the training rows: the features and original values, shape (n, d).
        refused: the refused applicants.
        champion: names the features.

    Returns:
        By variable, the highest PSI first: `psi` (as the model takes the values), `outside` (share
        of the refused with a stated number below the lowest or above the highest of the training
        rows, or with a level or a special code that no training row has), `missing_accepted` and
        `missing_refused` (shares), `unread_cells` (cells of the refused that hold a text which is
        no value, and so count as missing).
    """
    features, derived = champion.columns, champion.features["derived"]
    stated = columns_of(train, features, derived)
    others = columns_of(refused.frame, features, derived)
    found: Lines = {}
    for name in features:
        if name.startswith(SPECIAL):
            continue
        outside = is_outside(stated[name], others[name])
        if SPECIAL + name in others:
            outside |= is_outside(stated[SPECIAL + name], others[SPECIAL + name], [NO_CODE])
        found[name] = {
            "psi": variable_psi(train, refused.frame, name),
            "outside": outside.mean(),
            "missing_accepted": is_missing(train, name).mean(),
            "missing_refused": is_missing(refused.frame, name).mean(),
            "unread_cells": refused.unread_cells.get(name, 0),
        }
    return dict(sorted(found.items(), key=lambda item: (-item[1]["psi"], item[0])))


def is_outside(
    reference: np.ndarray, values: np.ndarray, also_seen: Iterable[str] = ()
) -> np.ndarray:
    """Tell which values are beyond those of the reference; a missing value is not.

    Args:
        reference: numbers or texts, shape (n,).
        values: the same of other rows, shape (m,).
        also_seen: texts that count as seen.

    Returns:
        Bool, shape (m,).
    """
    if reference.dtype.kind == "f":
        seen = reference[~np.isnan(reference)]
        if not len(seen):
            return ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            return (values < seen.min()) | (values > seen.max())
    known = {*reference[pd.notna(reference)], *also_seen}
    return np.array([pd.notna(one) and one not in known for one in values], dtype=bool)

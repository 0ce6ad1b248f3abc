"""Made-up differences between two revisions, and what a written review says."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.workflow.review.changes import EVALUATE, INGEST, PREPARE, SELECT, Changes

EVIL = "</details><h1>APPROVED by risk</h1> @octocat ![x](http://127.0.0.1/a.png) | $x$"
# What a review consists of.
TAGS = {
    "h2", "h3", "p", "code", "strong", "details", "summary", "table", "thead", "tbody", "tr", "th",
    "td", "img", "a", "blockquote", "ul", "li", "pre",
}  # fmt: skip


def sections(text: str) -> dict[str, str]:
    """Cut a review at its headings: heading to text."""
    parts = re.split(r"^(?:### (.*)|<details><summary>(.*)</summary>)$", text, flags=re.M)
    return {a or b: body for a, b, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)}


def rows(text: str) -> list[dict[str, str]]:
    """Read the first table of a text."""
    first = re.search(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    table = first[0].splitlines() if first else []
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table]
    head, *body = [[cell.strip() for cell in line] for line in lines]
    return [dict(zip(head, line, strict=True)) for line in body[1:]]


def oof(shift: float, noise: float, seed: int = 1) -> pd.DataFrame:
    """PDs of 400 applicants in 5 folds, twice; `shift` parts the bad from the good."""
    rng, parts = np.random.default_rng(seed), []
    for repeat in range(2):
        bad = np.tile([0, 0, 1, 0], 100)
        score = shift * bad + np.random.default_rng(repeat).normal(size=400)
        score += noise * rng.normal(size=400)
        fold = np.repeat(np.arange(5), 80)
        frame = {"row_id": np.arange(400), "repeat": repeat, "fold": fold, "bad": bad}
        parts.append(pd.DataFrame(frame | {"pd": 1 / (1 + np.exp(-score))}))
    return pd.concat(parts, ignore_index=True)


def made(cv=(0.75, 0.76), nested=(0.74, 0.75), folds=(None, None), se=0.02, **more: Any) -> Changes:
    """Make differences by hand: CV AUC, nested AUC and their standard error, and anything else."""
    pair = {"old": se, "new": se}
    select = {
        "algorithm": {"old": "lr", "new": "rf"},
        "scoring": {"old": "roc_auc", "new": "roc_auc"},
        "cv.roc_auc": {"old": cv[0], "new": cv[1]},
        "nested.mean.roc_auc": {"old": nested[0], "new": nested[1]},
        "cv_se.roc_auc": pair,
        "nested.se.roc_auc": pair,
    }
    evaluate = {"test.roc_auc": {"old": 0.78, "new": 0.70}}
    given = {
        "metrics": {SELECT: select, EVALUATE: evaluate},
        "params": {},
        "old_lock": {},
        "new_lock": {},
        "stale": {},
        "ci": ({"roc_auc": [0.72, 0.90]}, {"roc_auc": [0.62, 0.78]}),
        "folds": folds,
    }
    return Changes(**given | more)


def counted(changes: Changes, rows: int = 10) -> Changes:
    """Add the counts of rows that a page shows, the same in both revisions."""
    names = ("rows_read", "rows_clean", "rows_rejected")
    counts = {name: {"old": rows, "new": rows} for name in names}
    return replace(changes, metrics={INGEST: counts, PREPARE: counts} | changes.metrics)


def auc(part: pd.DataFrame) -> float:
    """Count the pairs that the PD orders rightly."""
    good, bad = (part.loc[part["bad"] == b, "pd"].to_numpy() for b in (0, 1))
    gaps = bad[:, None] - good[None, :]
    return float(((gaps > 0) + 0.5 * (gaps == 0)).mean())

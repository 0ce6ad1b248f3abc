"""Texts that earlier steps make in English, said in the language of the report.

Labels of groups and bins, and warnings, are in the tables that the report shows. Where the text is
not one that our code makes, it is text of the data and stays as it is.
"""

import re
from collections.abc import Mapping

from creditrisk.champion.groups import MISSING
from creditrisk.champion.scorecard import OTHER
from creditrisk.evaluate.stability import SCORE
from creditrisk.report.words import Words
from creditrisk.schema import Column

_Forms = Mapping[str, tuple[str, tuple[str, ...]]]

_NUMBER = r"(-?[\d,.]+(?:e[+-]?\d+)?|inf)"
# From what the code writes to the text in the catalogue.
_RANGES: _Forms = {
    f"under {_NUMBER}": ("under", ("high",)),
    f"from {_NUMBER}": ("from", ("low",)),
    f"over {_NUMBER}": ("over", ("low",)),
    f"from {_NUMBER} to under {_NUMBER}": ("from_under", ("low", "high")),
    f"{_NUMBER} to under {_NUMBER}": ("to_under", ("low", "high")),
    f"{_NUMBER} to {_NUMBER}": ("to", ("low", "high")),
}
_RARE: _Forms = {r"([\d,]+) rare levels": ("rare", ("count",))}
_WARNINGS: _Forms = {
    r"WARNING: the test AUC is (\S+), worse than random .*": ("random", ("auc",)),
    r"WARNING: the test AUC is (\S+)\. Suspect target leakage\. AUC of single variables, "
    r"the highest first: (.*)\. Are their values known before the decision\?": (
        "leak",
        ("auc", "names"),
    ),
}


def label(text: str, column: Column | None, words: Words) -> str:
    """Say the label of a group or a bin.

    Args:
        text: as `champion.groups` and `champion.scorecard` write it.
        column: its variable in the schema, whose own labels stay as they are; None if it is not
            there, as for a derived variable.
        words: the texts of the report.
    """
    if column and text in {*(column.levels or {}).values(), *column.special.values()}:
        return text
    if text == MISSING:
        return words("made.missing")
    if text == OTHER:
        return words("made.other")
    if column and column.kind not in ("numeric", "date"):
        return _said(text, _RARE, words)
    return _said(text, _RANGES, words)


def warning(text: str, words: Words) -> str:
    """Say a warning of `metrics.leakage`."""
    return _said(text, _WARNINGS, words)


def variable_of_stability(name: str, words: Words) -> str | None:
    """Say the line of the PDs in the table of stability; None for a variable."""
    return words("made.score") if name == SCORE else None


def _said(text: str, forms: _Forms, words: Words) -> str:
    for pattern, (key, names) in forms.items():
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return words(f"made.{key}", **dict(zip(names, found.groups(), strict=True)))
    return text

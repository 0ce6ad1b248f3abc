"""Sentences on groups of applicants, for the verdict, the model card and the review."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from creditrisk.core.columns import SPECIAL
from creditrisk.evaluate.fairness import MIN_GROUP_ROWS, OUT_OF_FOLD, TEST
from creditrisk.report import made
from creditrisk.report.language import PLAIN, Language
from creditrisk.report.words import Words
from creditrisk.schema import Schema

FOUR_FIFTHS = 0.8
Line = Mapping[str, Any]


@dataclass(frozen=True)
class _Comparison:
    """Two groups of one variable, in one sample.

    Attributes:
        line: the group with the lower approval rate, or lower among those who paid back.
        base: the group that it is compared with.
        turned: whether `line` is the largest group, so that the ratios of the table turn round.
        sample: `out_of_fold` or `test`.
        ratios: of the approval rates and of those of the good: value, low and high end.
    """

    line: Line
    base: Line
    turned: bool
    sample: str
    ratios: tuple[tuple[float, float, float], tuple[float, float, float]]

    @property
    def severity(self) -> float:
        """The lower of the two ratios; one that is missing does not count."""
        return min(value for value, _, _ in self.ratios if value == value)


def group_findings(
    found: pd.DataFrame,
    words: Words,
    schema: Schema | None = None,
    language: Language = PLAIN,
    most: int | None = None,
) -> list[str]:
    """Say which groups are approved much less often than others: first those where it is certain.

    A group is judged out of fold, where there are more rows; by the test rows if it has too few
    rows out of fold, or if only these show a difference.

    Args:
        found: from `evaluate.fairness`, or plots/fairness.csv.
        words: the texts of the language.
        schema: says which labels are our own, to be said in the language; None leaves all as they
            are.
        language: how text of the data is written.
        most: say so many findings at most, and how many more there are; None for all.

    Returns:
        A text for each group below `min_ratio`, then what to do about it; or one that says that
        there is none, with the lowest ratio; nothing if there is no group at all.
    """
    if not len(found):
        return []
    limit_of = float(found["min_ratio"].iloc[0])
    number = f"{limit_of:g}"
    limit = words("groups.four_fifths", min=number) if limit_of == FOUR_FIFTHS else number
    named = _Names(words, schema, language)
    judged = list(_comparisons(found))
    below = [one for one in judged if one.severity < limit_of]
    if not judged:
        return [words("groups.none_judged", least=MIN_GROUP_ROWS)]
    if not below:
        lowest = min(judged, key=lambda one: one.severity)
        ratio = min((r for r in lowest.ratios if r[0] == r[0]), key=lambda ratio: ratio[0])
        return [
            words(
                "groups.none_below", limit=limit, least=MIN_GROUP_ROWS,
                ratio=_ratio(ratio, words, limit_of),
                variable=named.variable(lowest.line), group=named.group(lowest.line),
                where=_where(lowest.sample, words),
            )
        ]  # fmt: skip
    seen, sentences = set(), []  # of each: uncertain, severity, text
    for one in sorted(below, key=lambda one: (one.sample != OUT_OF_FOLD, one.severity)):
        pair = (one.line["variable"], frozenset((one.line["group"], one.base["group"])))
        if pair not in seen:
            seen.add(pair)
            said = _sentence(one, limit_of, limit, words, named)
            sentences.append((not _is_certain(one, limit_of), one.severity, said))
    sentences.sort(key=lambda found: found[:2])
    texts = [text for _, _, text in sentences[:most]]
    if len(sentences) > len(texts):
        texts.append(words("groups.more", count=len(sentences) - len(texts)))
    return [*texts, words("groups.advice")]


def protected_words(
    schema: Schema,
    columns: Collection[str],
    derived: Mapping[str, Mapping[str, Any]],
    variables: Iterable[str],
    words: Words,
    language: Language = PLAIN,
) -> list[str]:
    """Say which of the variables that groups are compared by the model uses.

    Args:
        schema: says which are for audit only.
        columns: the features of the model.
        derived: the definitions of derived features, see `featurize`.
        variables: by which groups are compared, as `variable` in plots/fairness.csv.
        words: the texts of the language.
        language: how text of the data is written.

    Returns:
        A sentence each for the variables that the model uses, those for audit only and those that
        are neither; nothing if there is no variable.
    """
    kinds: dict[str, list[str]] = {"used": [], "audit": [], "unused": []}
    for name in dict.fromkeys(variables):
        uses = [one for one in _with_derived(name, derived) if one in columns]
        kind = "used" if uses else "audit" if name in schema.audited else "unused"
        kinds[kind].append(language.data(name.replace("_", " ")))
    used, audit, unused = kinds.values()
    sentences = [words("groups.used", names=words.listed(used))] if used else []
    sentences += [words("groups.audit", names=words.listed(audit))] if audit else []
    sentences += [words("groups.unused", names=words.listed(unused))] if unused else []
    if sentences and not used:
        sentences.append(words("groups.proxies"))
    return sentences


class _Names:
    """Names of variables and groups in a sentence."""

    def __init__(self, words: Words, schema: Schema | None, language: Language):
        self.words, self.schema, self.language = words, schema, language

    def variable(self, line: Line) -> str:
        return self.language.data(str(line["variable"]).replace("_", " "))

    def group(self, line: Line) -> str:
        text = str(line["group"])
        if self.schema is not None:
            column = self.schema.variables.get(str(line["variable"]))
            text = made.label(text, column, self.words)
        return self.language.data(text)


def _with_derived(name: str, derived: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """List the features that are made of a variable: itself, its codes, what is derived from it."""
    found = [name, SPECIAL + name]
    for one, definition in derived.items():
        if set(definition["of"]) & set(found):
            found.append(one)
    return found


def _comparisons(found: pd.DataFrame) -> Iterable[_Comparison]:
    """Yield the pairs of judged groups whose ratio is known, the lower one first."""
    for (sample, _), part in found.groupby(["sample", "variable"], sort=False):
        lines = [line for line in part.to_dict("records") if line["judged"]]
        base = next((line for line in lines if line["reference"]), None)
        if base is None:
            continue
        for line in lines:
            ratios = (_ends(line, "approval_ratio"), _ends(line, "equal_opportunity_ratio"))
            known = [value for value, _, _ in ratios if value == value]
            if line is base or not known:
                continue
            if min(known) < 1 / max(max(known), 1e-300):
                yield _Comparison(line, base, False, str(sample), ratios)
            else:
                first, second = map(_turned, ratios)
                yield _Comparison(base, line, True, str(sample), (first, second))


def _ends(line: Line, name: str) -> tuple[float, float, float]:
    return float(line[name]), float(line[f"{name}_low"]), float(line[f"{name}_high"])


def _turned(ratio: Sequence[float]) -> tuple[float, float, float]:
    value, low, high = (1 / end if end else float("inf") for end in ratio)
    return value, high, low


def _sentence(one: _Comparison, limit_of: float, limit: str, words: Words, named: _Names) -> str:
    approval, opportunity = one.ratios
    shown = {
        "variable": named.variable(one.line), "group": named.group(one.line),
        "other": named.group(one.base), "where": _where(one.sample, words), "limit": limit,
        "rate": words.number(one.line["approval_rate"], ".1%"),
        "other_rate": words.number(one.base["approval_rate"], ".1%"),
        "good_rate": words.number(one.line["equal_opportunity"], ".1%"),
        "other_good_rate": words.number(one.base["equal_opportunity"], ".1%"),
        "bad_rate": words.number(one.line["bad_rate"], ".1%"),
        "other_bad_rate": words.number(one.base["bad_rate"], ".1%"),
        "ratio": _ratio(approval, words, limit_of),
        "good_ratio": _ratio(opportunity, words, limit_of),
    }  # fmt: skip
    largest = words("groups.turned", **shown) if one.turned else words("groups.approved", **shown)
    below = [ratio[0] < limit_of for ratio in one.ratios]
    good = words("groups.good_below", **shown)
    if not below[1]:
        good = words("groups.good_above", **shown)
    elif below[0]:
        good = words("groups.good_also", **shown)
    sentences = [
        largest,
        words("groups.ratio_below", **shown) if below[0] else words("groups.ratio_above", **shown),
        good,
        words("groups.certain") if _is_certain(one, limit_of) else words("groups.uncertain"),
        words("groups.risk", **shown),
    ]
    return " ".join(sentences)


def _is_certain(one: _Comparison, limit: float) -> bool:
    """Whether the whole interval of one of the ratios is below the limit."""
    return any(high < limit for _, _, high in one.ratios)


def _ratio(ratio: Sequence[float], words: Words, limit: float) -> str:
    """Write a ratio with its interval, with more digits where two would show it as the limit."""
    value, low, high = ratio
    form = ".2f"
    while value != limit and f"{value:{form}}" == f"{limit:{form}}" and form < ".6f":
        form = f".{int(form[1]) + 1}f"
    return words(
        "groups.ratio", value=words.number(value, form), span=words.span([low, high], ".2f")
    )


def _where(sample: str, words: Words) -> str:
    return words("groups.on_test") if sample == TEST else words("groups.out_of_fold")

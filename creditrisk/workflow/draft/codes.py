"""Codes in the place of a number: `98` for refused, `-1` for not known."""

import re

from creditrisk.workflow.draft.numbers import number_text

MAX_CODES = 6
MIN_RANGE = 5  # distinct numbers beside negative ones that are codes
# Numbers that files use where there is no value. Others must be repeated and far away to count.
_USUAL = frozenset(
    map(float, [-1, -9, -99, -999, -9999, -99999, *range(96, 100), *range(996, 1000)])
) | frozenset(
    map(float, [*range(9996, 10000), 99998, 99999, 999999, 9999999, 99999999, 999999999, 365243])
)
_SAME_DIGIT = re.compile(r"-?([789])\1*")


def suspicious_codes(counts: dict[float, int]) -> str:
    """Name repeated numbers far from all others, with a line to paste; empty without any.

    Args:
        counts: number to its number of rows.
    """
    values = sorted(counts)
    above, rest = _split_off(values, counts)
    lower, negated = _split_off([-v for v in reversed(rest)], {-v: n for v, n in counts.items()})
    below, rest = [-v for v in reversed(lower)], [-v for v in reversed(negated)]
    if not below and rest:
        below = [v for v in rest if v < 0]
        below, rest = (below, rest[len(below) :]) if _are_lone(below, rest, counts) else ([], rest)
    codes = [*below, *above]
    if not codes or not rest:
        return ""
    span = f"({number_text(rest[0])} to {number_text(rest[-1])})"
    where = "far above" if not below else "far below" if not above else "far from"
    if below and not above and below[0] > rest[0] - 10:
        where = "below zero, unlike"
    named = ", ".join(f"{_code(v)} ({counts[v]:,} rows)" for v in codes)
    paste = ", ".join(f"{_code(v)}: ?" for v in codes)
    return f"suspicious: {named}, {where} the rest {span}: special: {{{paste}}}"


def _are_lone(below: list[float], values: list[float], counts: dict[float, int]) -> bool:
    """Whether a few negative numbers are codes beside a range of others that has none."""
    has_range = len(values) - len(below) >= MIN_RANGE or below[:1] <= [-9]
    return 0 < len(below) <= 3 and values[-1] > 0 and has_range and all(
        v == int(v) and counts[v] > 1 and (v in _USUAL or v >= -9) for v in below
    )  # fmt: skip


def _split_off(values: list[float], counts: dict[float, int]) -> tuple[list[float], list[float]]:
    """Split the greatest numbers off that are codes: whole, repeated, a wide gap below them."""
    total = sum(counts.values())
    for cut in range(len(values) - 1, max(len(values) - 1 - MAX_CODES, 1), -1):
        rest, codes = values[:cut], values[cut:]
        gap, span = codes[0] - rest[-1], rest[-1] - rest[0]
        is_far = gap > max(2 * span, abs(rest[-1]), 2.0) and codes[0] > 0
        if not is_far or len(rest) < 2:
            continue
        # Another number that looks like a code must make up a visible share of the rows.
        if all(
            v == int(v)
            and counts[v] > 1
            and (abs(v) in _USUAL or (_SAME_DIGIT.fullmatch(_code(v)) and counts[v] >= total / 100))
            for v in codes
        ):
            return codes, rest
    return [], values


def _code(value: float) -> str:
    return f"{value:.0f}"

"""Cells as people write them, and small cards on which each level and each bin has its points."""

from itertools import pairwise

from creditrisk.champion.card.model import Card, Field, Line, Variable
from tests.support.cards import scale

# Texts in the place of a number: what is one, what begins like one, what a database takes for one.
# Not those that the reader takes and a database does not: a sign behind, brackets, a unit.
TEXTS = [
    "12", " 12 ", "12.0", "+12", "012", "12.", "1.2e1", "1.2E+1", ".12e2", "120e-1", "-9", "-9.0",
    " -9 ", "-.5", "+.5", "-0", "0.0", "96", "96.00", "1e3", "1000", "-1", "1e-400", "1e400",
    "12345678901234567890", "90.4", "20.125", "", "  ", "twelve", "12abc", "12 weeks", "1 2",
    "1,234", "1.234,5", "1_000", "(12", "--12", "+-12", "-+12", "- 12", "1-2", "1+2",
    "12+", "1/2", "0x10", "0b1", "1e", "e1", "e", "1e+", "1e+-3", "1e3e4", "1e3.5", "1.e3",
    ".e3", "-.e3", "1.5.5", "1.5.5e3", "..5", ".-5", "5..", "-", "+", ".", "-.", "--", "<12", "12>",
    "nan", "NaN", "inf", "-inf", "Infinity", "null", "NULL", "true", "\uff11\uff12", "½", "1½",
    "\u0967\u0968", "1|2", "'12'", "12;", "12%", "$12", "#12", "1'000", "12\\", "%", "%.%.%",
    "12\n3",
]  # fmt: skip


def number_card(**field) -> Card:
    """A card of one number, `v`: an integer has its own bin each from -10 to 30."""
    edges = [None, *map(float, range(-10, 31)), None]
    lines = [
        _line("bin", place, low=low, high=high) for place, (low, high) in enumerate(pairwise(edges))
    ]
    own = Field(name="v", kind="number", **field)
    lines += [_line("special", 100 + i, code=code) for i, code in enumerate(own.special)]
    return _card(own, [*lines, _line("missing", 200)])


def level_card(codes, listed=True, **field) -> Card:
    """A card of one variable, `v`: the levels have 0, 1 and so on, a missing one 200, others 300.

    Args:
        codes: the levels.
        listed: whether the schema lists them.
        field: other attributes of the field.
    """
    levels = {code: f"label of {code}" for code in codes} if listed else None
    lines = [_line("level", place, code=code) for place, code in enumerate(codes)]
    own = Field(name="v", kind="level", levels=levels, **field)
    return _card(own, [*lines, _line("missing", 200), _line("other", 300)])


def _line(kind: str, points: float, **of) -> Line:
    return Line(
        kind=kind, label=f"{kind} {points}", rows=1, points=points, points_exact=points, **of
    )


def _card(field: Field, lines: list[Line]) -> Card:
    variable = Variable(name="v", reason_code="R01", lines=lines)
    return Card(
        algorithm="x", scale=scale(), offset=0, factor=1, threshold=0.5, cutoff_points=0,
        fields=[field], variables=[variable],
    )  # fmt: skip

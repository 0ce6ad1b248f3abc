"""What a number counts as in the query of the card, and what is derived from numbers."""

from collections.abc import Iterable

from creditrisk.champion.card.model import Card, Derived, Field, Variable
from creditrisk.champion.card.sql_cells import column, number, number_of

# What is not between these is NaN or infinite, in databases that have such numbers.
LARGEST = "1.7976931348623157e308"
_SIGNS = {"product": "*", "sum": "+", "difference": "-"}


def invalid(value: str, field: Field) -> str:
    """Write the condition that a number is none, or outside its domain."""
    low = f"-{LARGEST}" if field.min is None else number(field.min)
    high = LARGEST if field.max is None else number(field.max)
    whole = f" OR {value} <> ROUND({value})" if field.integer else ""
    return outside(value, low, high) + whole


def outside(value: str, low: str = f"-{LARGEST}", high: str = LARGEST) -> str:
    """Write the condition that a number is none, or not between two others."""
    return f"{value} IS NULL OR {value} < {low} OR {value} > {high}"


class Derivation:
    """The steps to a derived variable: read the fields, cap them, compute what builds on what.

    Each step is a subquery over the one before, so that its expressions are short: SQLite's parser
    takes only so many within each other.

    Args:
        variable: a derived variable.
        card: has its operands.
        null_words: folded, without blanks.
    """

    def __init__(self, variable: Variable, card: Card, null_words: Iterable[str]):
        self._card, self._null_words = card, null_words
        self._derived = {v.name: v.derived for v in card.variables if v.derived is not None}
        self._variable = variable
        self._depths: dict[str, int] = {}
        self._measure(variable.name)
        # Not by their names: a database may take two of them for one.
        self._columns = {name: f"x{place}" for place, name in enumerate(self._depths, start=1)}

    def _measure(self, name: str) -> int:
        """Find how many steps of computation a value needs; 0 for a field."""
        if name not in self._depths:
            operands = self._derived[name].of if name in self._derived else ()
            self._depths[name] = max((self._measure(one) + 1 for one in operands), default=0)
        return self._depths[name]

    def source(self) -> str:
        """Write the query for the value `x`, NULL or not finite if it is missing."""
        fields = [self._card.by_name[name] for name, depth in self._depths.items() if depth == 0]
        read = ", ".join(
            f"({number_of(column(field), self._null_words)}) AS {self._columns[field.name]}"
            for field in fields
        )
        counted = ", ".join(f"{self._counted(f)} AS {self._columns[f.name]}" for f in fields)
        query = f"SELECT {counted} FROM (SELECT {read} LIMIT 1) AS stated"
        last = self._depths[self._variable.name]
        for depth in range(1, last):
            new = ", ".join(
                f"{self._finite(self._derived[name])} AS {self._columns[name]}"
                for name, own in self._depths.items() if own == depth
            )  # fmt: skip
            query = f"SELECT counted.*, {new} FROM ({query} LIMIT 1) AS counted"
        final = self._expression(self._derived[self._variable.name])
        return f"SELECT {final} AS x FROM ({query} LIMIT 1) AS counted"

    def _counted(self, field: Field) -> str:
        value = f"stated.{self._columns[field.name]}"
        caps = [
            f" WHEN {value} {sign} {number(cap)} THEN CAST({number(cap)} AS DOUBLE PRECISION)"
            for cap, sign in ((field.cap_low, "<"), (field.cap_high, ">"))
            if cap is not None
        ]
        codes = ", ".join(number(float(code)) for code in field.special)
        special = f" OR {value} IN ({codes})" if codes else ""
        return (
            f"CASE WHEN {invalid(value, field)}{special} THEN NULL{''.join(caps)} ELSE {value} END"
        )

    def _finite(self, derived: Derived) -> str:
        """Write an operand that is computed: it may be too large, and is missing then."""
        value = self._expression(derived)
        return f"CASE WHEN {outside(value)} THEN NULL ELSE {value} END"

    def _expression(self, derived: Derived) -> str:
        a, b = (f"counted.{self._columns[name]}" for name in derived.of)
        if derived.op == "ratio":
            return f"{a} / NULLIF({b}, 0)"
        return f"{a} {_SIGNS[derived.op]} {b}"

"""What a change made on purpose does to the text of a cell."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from creditrisk.core.errors import InputError
from creditrisk.core.text import exact_number, fold
from creditrisk.monitor.drift_kinds import NONE
from creditrisk.prepare.cells import Notation, number_reader, reader_of
from creditrisk.schema import Column

COMMAND = "make simulate-drift"  # in an error
_CODE = re.compile(r"%.", re.DOTALL)


@dataclass(frozen=True)
class Drift:
    """A change with all that it needs to know, so that each batch is changed in the same way.

    Attributes:
        kind: one of `KINDS`.
        columns: names in the source of the columns that it befalls.
        size: what it is added (`shift`) or multiplied by, or the share of the rows.
        levels: the codes to swap; or the one code that rows get.
        places: decimal places of the numbers.
        words: what it does, in a few words.
    """

    kind: str = NONE
    columns: tuple[str, ...] = ()
    size: Decimal = Decimal(1)
    levels: tuple[str, ...] = ()
    places: int = 0
    words: str = "nothing changed"


def exact_reader(column: Column, notation: Notation) -> Callable[[str], Decimal | None]:
    """Make the reader of a number, exactly; None for anything else, a special code included."""
    read = number_reader(notation, column.unit)
    specials = {exact_number(fold(code)) for code in column.special}

    def number(text: str) -> Decimal | None:
        found = read(text) if isinstance(text, str) else None
        usual = found is not None and math.isfinite(float(found)) and found not in specials
        return found if usual else None

    return number


def change_of(column: Column, notation: Notation, drift: Drift) -> Callable[[str], str]:
    """Make the function that changes the text of a cell.

    Args:
        column: what the schema says of it.
        notation: how numbers are written.
        drift: the change.
    """
    if drift.kind == "missing":
        return lambda text: ""
    if drift.kind in ("move", "new-level"):
        return lambda text: drift.levels[0]
    if drift.kind == "swap":
        one, other = drift.levels
        read, swapped = reader_of(column, notation), {one: other, other: one}
        return lambda text: swapped.get(_level(read, text), text)
    if column.kind == "date":
        return _dates(column, drift)
    number, sign = exact_reader(column, notation), notation.decimal

    def change(text: str) -> str:
        value = number(text)
        if value is None:
            return text
        if drift.kind == "decimal":
            return _rounded_text(value, drift.places, other_sign(sign)) or text
        with_it = value + drift.size if drift.kind == "shift" else value * drift.size
        return _rounded_text(with_it, drift.places, sign) or text

    return change


def _level(read: Callable[[str], tuple[object, str | None]], text: str) -> str:
    return str(read(text)[0]) if isinstance(text, str) and text.strip() else ""


def rounded(value: Decimal, places: int) -> Decimal:
    """Round a number, halves away from zero.

    Raises:
        InvalidOperation: it has more digits than anybody writes.
    """
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _rounded_text(value: Decimal, places: int, sign: str) -> str | None:
    try:
        return f"{rounded(value, places):f}".replace(".", sign)
    except InvalidOperation:
        return None


def _dates(column: Column, drift: Drift) -> Callable[[str], str]:
    form = str(column.format)
    to = swapped_format(form) if drift.kind == "date-order" else form
    days = int(drift.size) if drift.kind == "shift" else 0

    def change(text: str) -> str:
        moment = read_moment(text, form)
        if moment is None:
            return text
        try:
            return moment_text(moment + timedelta(days=days), to)
        except OverflowError:
            problem = f"{column.name} would leave the years 1 to 9999"
            raise InputError(COMMAND, "--size", problem, "Give fewer days.") from None

    return change


def read_moment(text: object, form: str) -> datetime | None:
    """Read a date with its time, or return None if the text is not one."""
    try:
        return datetime.strptime(" ".join(str(text).split()), form)
    except ValueError:
        return None


def moment_text(moment: datetime, form: str) -> str:
    """Write a date so that it can be read back: a year has four digits."""
    year = f"{moment.year:04}"
    return moment.strftime(_CODE.sub(lambda code: year if code[0] == "%Y" else code[0], form))


def other_sign(decimal: str) -> str:
    """Return a decimal sign that the files do not have."""
    return "," if decimal != "," else "."


def swapped_format(form: str) -> str:
    """Put the month where a format of dates has the day, and the day where it has the month."""
    other = {"%d": "%m", "%m": "%d"}
    return _CODE.sub(lambda code: other.get(code[0], code[0]), form)

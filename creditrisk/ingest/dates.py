"""The text of dates that a file holds as dates: Parquet and workbooks."""

from datetime import date, datetime, time

import pandas as pd

from creditrisk.schema import Column

# Instead of a format: date and time in full, to be shortened when all of a column has been read.
IN_FULL = ""
_NO_FRACTION, _MIDNIGHT = ".000000", " 00:00:00.000000"
_FULL = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"


def date_form(contract: Column | None, keeps_all: bool) -> str | None:
    """Return how the dates of a column are written, see `date_text`.

    Args:
        contract: of the column.
        keeps_all: whether there is no schema.
    """
    if keeps_all:
        return IN_FULL
    return contract.format if contract is not None and contract.kind == "date" else None


def date_text(value: date, form: str | None) -> str:
    """Write a date, or a date and time.

    Args:
        value: what is written.
        form: a format of strftime; IN_FULL; or None: by ISO 8601 with a blank before the time,
            without a time at midnight.
    """
    if form:
        return value.strftime(form)
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    text = moment.isoformat(" ", "microseconds")
    return text if form == IN_FULL else text.removesuffix(_MIDNIGHT).removesuffix(_NO_FRACTION)


def shorten(texts: pd.Series) -> pd.Series:
    """Shorten what was written IN_FULL: to dates, if no value of the column has a time.

    Args:
        texts: a column; cells that are no dates stay as they are.
    """
    are_full = texts.str.fullmatch(_FULL).fillna(False).astype(bool)
    full = texts[are_full]
    for rest in (_MIDNIGHT, _NO_FRACTION):
        if full.str.endswith(rest).all():
            return texts.where(~are_full, texts.str.removesuffix(rest))
    return texts

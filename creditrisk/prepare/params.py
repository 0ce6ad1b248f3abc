"""The parameters of prepare."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from creditrisk.core.params import Number, Strict


def _as_date(value: Any) -> Any:
    """Read a date from a text: of one without quotes YAML makes a date, which DVC can't store."""
    if isinstance(value, date):
        raise ValueError(f'DVC can\'t store a date, write it in quotes: "{value}"')
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("a date is needed, such as 2015-01-01") from None


class SplitParams(Strict):
    """The block `split`.

    Attributes:
        test_size: share of the applicants that become the test rows.
        by: `random` draws them; `time` takes the latest applicants; `auto` is `time` if the schema
            names an application date.
        from_: with `time`, the first day of the test rows, instead of `test_size`.
    """

    test_size: Annotated[Number, Field(gt=0, lt=1)]
    by: Literal["auto", "random", "time"] = "auto"
    from_: Annotated[date | None, BeforeValidator(_as_date)] = Field(default=None, alias="from")

    @model_validator(mode="after")
    def _used(self) -> "SplitParams":
        if self.from_ is not None and self.by == "random":
            raise ValueError("split.from is for split.by time; remove it, or set split.by to time")
        return self


class PrepareParams(Strict):
    """The block `prepare`."""

    null_words: list[str]
    duplicates: Literal["drop", "keep"]
    near_duplicates: Literal["merge", "drop", "keep"]
    near_duplicate_min_cells: Annotated[int, Field(ge=1)]
    near_duplicate_max_expected_matches: Annotated[Number, Field(gt=0)] = 1.0
    conflicting_targets: Literal["worst", "reject"]
    max_rejected_share: Annotated[Number, Field(ge=0, le=1)]
    max_missing_share: Annotated[Number, Field(ge=0, le=1)]

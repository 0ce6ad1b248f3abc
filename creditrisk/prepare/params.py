"""The parameters of prepare."""

from typing import Annotated, Literal

from pydantic import Field

from creditrisk.core.params import Number, Strict


class SplitParams(Strict):
    """The block `split`."""

    test_size: Annotated[Number, Field(gt=0, lt=1)]


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

"""The block `select`."""

from typing import Literal

from creditrisk.train.params import NestedParams


class SelectParams(NestedParams):
    """The block `select`.

    Attributes
    ----------
    rule : `best` takes the best mean score; `one_standard_error` the simplest candidate whose mean
        lies within one standard error of the paired difference to the best.
    """

    rule: Literal["best", "one_standard_error"]

"""The block `select`."""

from typing import Literal

from creditrisk.core.params import Strict


class SelectParams(Strict):
    """The block `select`.

    Attributes:
        rule: `best` takes the best mean score; `one_standard_error` the simplest contender whose
            mean lies within one standard error of the paired difference to the best.
    """

    rule: Literal["best", "one_standard_error"]

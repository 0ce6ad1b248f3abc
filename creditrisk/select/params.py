"""The block `select`."""

from typing import Literal

from creditrisk.core.params import Strict


class SelectParams(Strict):
    """The block `select`.

    Attributes:
        rule: `best` chooses the model with the best mean score, but the best ensemble unless a
            single model is better by more than one standard error; `one_standard_error` chooses the
            simplest model whose mean score is within one standard error (of the paired difference)
            of the best.
    """

    rule: Literal["best", "one_standard_error"]

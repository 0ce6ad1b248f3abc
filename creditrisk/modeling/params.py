"""The block `preprocess` of params.yaml."""

from typing import Literal

from creditrisk.core.params import Strict


class PreprocessParams(Strict):
    """The block `preprocess`.

    Attributes:
        numeric_impute: replacement of a missing number.
        nominal_impute: replacement of a missing nominal level; `level` makes missing its own level.
        ordinal_impute: replacement of a missing ordinal level.
        missing_indicator: whether models get a column of zeros and ones for each variable with
            missing training cells; `auto` searches both for the algorithms that can't take missing
            numbers as they are, and adds none for the others. Bins need none.
        power_transform: whether to apply a Yeo-Johnson transform to the numeric columns.
        scale_ordinal: whether to scale the ordinal ranks to unit variance, like the numbers.
    """

    numeric_impute: Literal["median", "mean", "most_frequent"]
    nominal_impute: Literal["level", "most_frequent"]
    ordinal_impute: Literal["most_frequent"]
    missing_indicator: Literal["auto"] | bool = "auto"
    power_transform: bool
    scale_ordinal: bool

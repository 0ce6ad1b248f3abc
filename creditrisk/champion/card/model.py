"""The card as a typed object: what applicants state, what has points, the scale and the cut-off."""

import json
import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.scorecard import BIN, LEVEL, NOTHING, SPECIAL_CODE, UNSEEN
from creditrisk.core.errors import InputError, from_validation
from creditrisk.core.files import AGAIN
from creditrisk.core.regular import read_regular
from creditrisk.core.text import fold

CARD_FILE = "card.json"
HOW_TO = (
    "A field is what an applicant states. In the place of a number there may be a special code. A "
    "number outside min and max, or with a fraction where only integers are valid, counts as "
    "missing. Then it is capped at cap_low and cap_high. A level is its code. One that is not in "
    "levels counts as missing, unless levels is null; one that is not in kept counts as "
    "merged_into.",
    "A derived variable is an operation on two fields or derived variables, after their caps. It "
    "is missing if one of them is missing, has a special code, or the result is not finite.",
    "Each variable gives the points of one line: of the bin with low <= value < high, of the "
    "level, of the special code, of missing; any other level has the line of kind other. Lines of "
    "kind rare are levels that have the points of other.",
    "The score is the sum of the points. The offset and the model's intercept are in the lines, so "
    "nothing is added. PD = 1 / (1 + exp((score - offset) / factor)).",
    "An applicant is accepted if the score is above cutoff_points, and refused if it is equal or "
    "below. Who is referred to a person is decided before, and is not on the card.",
)


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(_Frozen):
    """What an applicant states.

    Attributes:
        name: the name in the schema.
        kind: `number` (a date is a number of months before the application) or `level`.
        unit: of a number, may be empty.
        min: least valid number.
        max: greatest valid number.
        integer: whether only integers are valid.
        special: codes in the place of a number, to their labels.
        cap_low: a lower number counts as this one.
        cap_high: a higher number counts as this one.
        levels: valid codes to their labels; None if any text is a level.
        kept: levels that are not merged; None if none are.
        merged_into: the level that all others count as.
    """

    name: str
    kind: Literal["number", "level"]
    unit: str = ""
    min: float | None = None
    max: float | None = None
    integer: bool = False
    special: dict[str, str] = {}
    cap_low: float | None = None
    cap_high: float | None = None
    levels: dict[str, str] | None = None
    kept: list[str] | None = None
    merged_into: str | None = None

    def capped(self, number: float) -> float:
        """Return what a valid number counts as."""
        low = -math.inf if self.cap_low is None else self.cap_low
        high = math.inf if self.cap_high is None else self.cap_high
        return min(max(number, low), high)


class Derived(_Frozen):
    """How a variable is computed: `op` is ratio, product, sum or difference, `of` two operands."""

    op: Literal["ratio", "product", "sum", "difference"]
    of: tuple[str, str]


class Line(_Frozen):
    """One line of the card.

    Attributes:
        kind: what it is for, see `creditrisk.champion.scorecard.KINDS`.
        label: in words.
        code: of a level or a special code.
        low: of a bin, inclusive; None for no limit.
        high: of a bin, exclusive; None for no limit.
        rows: training rows.
        bad_rate: of these; None if there are none.
        woe: see `scorecard`; None if there is none.
        coefficient: likewise.
        points: rounded to the scale's digits.
        points_exact: not rounded.
    """

    kind: Literal["bin", "level", "rare", "special", "missing", "other"]
    label: str
    code: str | None = None
    low: float | None = None
    high: float | None = None
    rows: int
    bad_rate: float | None = None
    woe: float | None = None
    coefficient: float | None = None
    points: float
    points_exact: float


class Variable(_Frozen):
    """What has points: a field or a derived variable, with its lines."""

    name: str
    reason_code: str
    derived: Derived | None = None
    lines: list[Line]

    @cached_property
    def bins(self) -> list[Line]:
        """The bins of a number, ascending; empty for levels."""
        return [line for line in self.lines if line.kind == BIN]

    @cached_property
    def edges(self) -> np.ndarray:
        """The lower ends of all bins but the first; shape (bins - 1,)."""
        return np.array([line.low for line in self.bins[1:]], dtype="float64")

    @cached_property
    def by_code(self) -> dict[str, Line]:
        """The lines of levels and of special codes."""
        return {str(n.code): n for n in self.lines if n.kind in (LEVEL, SPECIAL_CODE)}

    @cached_property
    def missing(self) -> Line:
        """The line of a missing value."""
        return next(line for line in self.lines if line.kind == NOTHING)

    @cached_property
    def other(self) -> Line:
        """The line of a level that has none of its own."""
        return next(line for line in self.lines if line.kind == UNSEEN)

    def bin_of(self, number: float) -> Line:
        """Return the bin of a number that is not missing."""
        return self.bins[int(np.searchsorted(self.edges, number, side="right"))]

    def stated_levels(self, field: Field) -> tuple[dict[str, Line], Line]:
        """Find the line of each level that an applicant may state, before levels are merged.

        Returns:
            Code to line; and the line of any other text.
        """
        into = self.by_code.get(field.merged_into or "", self.other)

        def line(code: str) -> Line:
            if field.kept is not None and code not in field.kept:
                return into
            return self.by_code.get(code, self.other)

        if field.levels is not None:
            return {code: line(code) for code in field.levels}, self.missing
        codes = field.kept if field.kept is not None else self.by_code
        rest = self.other if field.kept is None else into
        return {code: line(code) for code in codes}, rest


class Rounding(_Frozen):
    """The error that the rounding of the lines makes in the training rows.

    Attributes:
        rows: number of training rows.
        largest_points: largest difference of the score.
        mean_points: mean absolute difference of the score.
        largest_pd: largest difference of the PD.
        decisions_changed: rows that are accepted with one score and refused with the other.
    """

    rows: int
    largest_points: float
    mean_points: float
    largest_pd: float
    decisions_changed: int


class Card(_Frozen):
    """A scorecard that needs nothing but itself.

    Attributes:
        version: of this form.
        how_to: how the points are added up, in words.
        algorithm: the model that it writes as a table.
        scale: the scale of the points, with the digits that lines are rounded to.
        offset: points at even odds.
        factor: points that are lost per unit of log-odds of being bad.
        threshold: the cut-off as a PD: this PD and more is refused.
        cutoff_points: the points at the cut-off, not rounded: this score and less is refused.
        fields: what applicants state, in the order of the schema.
        variables: what has points, in the order of the reason codes.
        rounding: the error of rounding; None as long as it is not measured.
    """

    version: Literal[1] = 1
    how_to: tuple[str, ...] = HOW_TO
    algorithm: str
    scale: ScorecardParams
    offset: float
    factor: float
    threshold: float
    cutoff_points: float
    fields: list[Field]
    variables: list[Variable]
    rounding: Rounding | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    @cached_property
    def reason_codes(self) -> dict[str, str]:
        """Reason code to variable."""
        return {variable.reason_code: variable.name for variable in self.variables}

    def summary(self) -> dict[str, Any]:
        """Return what metrics/select.json has of the card, under `scorecard`."""
        measured = {} if self.rounding is None else self.rounding.model_dump()
        return {
            "algorithm": self.algorithm,
            "digits": self.scale.digits,
            "threshold": self.threshold,
            "cutoff_points": self.cutoff_points,
        } | measured

    def to_json(self) -> str:
        """Write it with all digits of its numbers, since values can be equal to an edge."""
        return json.dumps(self.model_dump(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def folded(null_words: Iterable[str]) -> list[str]:
    """Return words for a missing value as the card compares them: folded, without blanks."""
    return sorted({fold(word).replace(" ", "") for word in null_words})


def read_card(path: str | Path) -> Card | None:
    """Read a card that select wrote.

    Args:
        path: models/scorecard/card.json.

    Returns:
        The card; None if its folder says that no model is a scorecard.

    Raises:
        InputError: the folder is missing, or the file is not a card.
    """
    path = Path(path)
    try:
        return Card.model_validate_json(read_regular(path))
    except FileNotFoundError:
        if path.parent.is_dir():
            return None
        raise InputError(path, "file", "not found", "Run `dvc repro` to make it.") from None
    except ValidationError as error:
        raise from_validation(path, error, Card.model_fields) from None
    except (ValueError, OSError) as error:
        raise InputError(path, "file", f"not a card: {error}", AGAIN) from None

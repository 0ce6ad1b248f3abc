"""Why an applicant is referred to a person, in words that name the fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from creditrisk.champion.reason_codes import reason_codes
from creditrisk.champion.referral import Referral, ReferralRules
from creditrisk.champion.scorecard import format_number
from creditrisk.core.columns import SPECIAL
from creditrisk.score.reasons import Cells, Describe, Reason, with_codes

# Codes of the causes that are about no single variable; those of variables are R01, R02, ...
PD_CODE, MISSING_CODE = "F01", "F02"


@dataclass(frozen=True)
class ReferralReason(Reason):
    """A cause of referral; `value` says what is lacking, `variable` may be `pd` or `missing`."""

    @property
    def text(self) -> str:
        """The cause, such as `age: not given; no training row lacked it`."""
        return f"{self.label}: {self.value}" if self.label else self.value


def referral_reasons(
    found: Sequence[Referral],
    rules: ReferralRules,
    cells: Cells,
    pds: np.ndarray,
    describe: Describe,
) -> list[list[Reason]]:
    """Word the causes of referral of each row.

    Args:
        found: from `find_referrals`, of n rows.
        rules: the rules.
        cells: the values of these rows.
        pds: their PDs, shape (n,).
        describe: from `value_formatter`.

    Returns:
        n lists, empty for rows that are not referred.
    """
    texts: list[list[Reason]] = [[] for _ in pds]
    codes = reason_codes(list(cells.model_input))
    for one in found:
        for row in np.flatnonzero(one.rows).tolist():
            texts[row].append(_reason(one, row, rules, cells, float(pds[row]), describe, codes))
    return texts


def _reason(
    one: Referral, row: int, rules: ReferralRules, cells: Cells, pd_: float, describe: Describe,
    codes: Mapping[str, str],
) -> ReferralReason:  # fmt: skip
    if one.kind == "band" and rules.band is not None:
        low, high = (format_number(end, 4) for end in rules.band)
        value = f"{format_number(pd_, 4)} is in the band from {low} to {high}, which people decide"
        return ReferralReason("pd", PD_CODE, "PD", value, None, 0.0)
    if one.kind == "most_missing":
        names = [n for n in cells.causes if n in cells.original and _lacks(cells, n, row)]
        listed = ", ".join(name.replace("_", " ") for name in names)
        value = f"more than any training row lacked ({rules.most_missing}): {listed}"
        return ReferralReason("missing", MISSING_CODE, "missing fields", value, None, 0.0)
    name = one.variable.removeprefix(SPECIAL)
    columns = cells.model_input if name in rules.derived else cells.original
    stated = with_codes(columns, name)[row]
    nothing = np.full(row + 1, None)
    said = describe(name, codes[name], stated, stated, cells.causes.get(name, nothing)[row], 0.0)
    why = {
        "required": "the field is required",
        "missing": "no training row lacked it",
        "unseen": "no training row had such a value",
        "gain": "with some usual value the applicant would not be accepted",
    }[one.kind]
    return ReferralReason(name, codes[name], said.label, f"{said.value}; {why}", None, 0.0)


def _lacks(cells: Cells, name: str, row: int) -> bool:
    return bool(pd.isna(with_codes(cells.original, name)[row]))

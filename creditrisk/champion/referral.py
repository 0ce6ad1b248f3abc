"""Who is referred to a person, because the model cannot know: the third decision."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from creditrisk.champion.substitute import Columns, substitute, take_rows, usual_values
from creditrisk.core.columns import NO_CODE, SPECIAL, original_values
from creditrisk.core.errors import InputError, nearest
from creditrisk.core.jsonable import to_jsonable
from creditrisk.metrics.costs import DecisionParams
from creditrisk.schema import Schema

# With `unseen: auto`, levels of a column count if new ones are rarer than this share of applicants.
USUAL_NEWS = 0.01
FLOAT = np.finfo(np.float64)

Kind = Literal["required", "missing", "most_missing", "unseen", "band", "gain"]


class ReferralRules(BaseModel):
    """What decides that an applicant is referred; a part of models/champion.json.

    Attributes:
        required: variables without which an applicant is referred.
        missing: variables that no training row lacked (with `missing: true`, all).
        most_missing: largest number of variables that one training row lacked; None to allow any.
        levels: variable (or companion with special codes) to the levels of the training rows.
        ranges: number to the lowest and the highest value that is near the training rows; for a
            date, the least and the greatest number of months, in whole months.
        band: PDs from the first (inclusive) to the second (exclusive); None for none.
        gain: variable to its usual values; an acceptance must not depend on leaving it out.
        derived: name of each derived variable to its operation and operands.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    required: list[str]
    missing: list[str]
    most_missing: int | None
    levels: dict[str, list[str]]
    ranges: dict[str, tuple[float, float]]
    band: tuple[float, float] | None
    gain: dict[str, list[Any]]
    derived: dict[str, dict[str, Any]]

    def at(
        self, threshold: float, decision: DecisionParams, frame: pd.DataFrame
    ) -> "ReferralRules":
        """Return the rules with the band around a cut-off.

        Args:
            threshold: the cut-off.
            decision: has the parameter `refer.band`.
            frame: the training rows, whose mean costs `auto` uses.
        """
        return self.model_copy(update={"band": _band(threshold, decision, frame)})


@dataclass(frozen=True)
class Referral:
    """One cause of referral, and the rows that it concerns.

    Attributes:
        kind: the rule.
        variable: the variable; empty for the band and the number of missing variables.
        rows: bool, shape (n,).
    """

    kind: Kind
    variable: str
    rows: np.ndarray


def learn_rules(
    frame: pd.DataFrame, features: Mapping[str, Any], schema: Schema, decision: DecisionParams
) -> ReferralRules:
    """Learn from the training rows what an applicant may lack; without the band, see `at`.

    Args:
        frame: the training rows: the features and original values.
        features: the content of features.json.
        schema: names the dates.
        decision: the block `decision`.

    Raises:
        InputError: `decision.required` names no variable of the model.
    """
    derived = features["derived"]
    every = [*features["numeric"], *features["nominal"], *features["ordinal"]]
    names = [name for name in every if not name.startswith(SPECIAL) and name not in derived]
    for name in decision.required:
        if name not in names:
            problem = f"the model has no variable {name}"
            hint = nearest(name, names)
            raise InputError("params.yaml", "decision.required", problem, hint)
    columns = columns_of(frame, every, derived)
    absent = _absent(columns, [*names, *derived], derived)
    refer = decision.refer
    never = [name for name, rows in absent.items() if refer.missing is True or not rows.any()]
    texts = [name for name in every if name not in features["numeric"]]
    dates = {c.name for c in schema.columns.values() if c.kind == "date"}
    return ReferralRules(
        required=list(decision.required),
        missing=[] if refer.missing is False else never,
        most_missing=_counts(absent, names).max(initial=0) if refer.missing == "auto" else None,
        levels={
            name: sorted(set(columns[name][pd.notna(columns[name])]))
            for name in texts
            if refer.unseen is True or (refer.unseen and _news(columns[name]) <= USUAL_NEWS)
        },
        ranges={
            name: _months(columns[name]) if name in dates else _near(columns[name])
            for name in names
            if refer.unseen and name not in texts and not np.isnan(columns[name]).all()
        },
        band=None,
        gain={
            name: to_jsonable(usual_values(frame, name))
            for name in names
            if refer.gain and absent[name].any()
        },
        derived=derived,
    )


def columns_of(
    frame: pd.DataFrame, features: list[str], derived: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Return the features as the applicants stated them, derived ones as the model has them.

    Args:
        frame: training or test rows, shape (n, d).
        features: the columns that the model takes.
        derived: names of the derived ones.
    """
    return {
        name: _plain(frame[name] if name in derived else original_values(frame, name))
        for name in features
    }


def model_columns(frame: pd.DataFrame, features: list[str]) -> dict[str, np.ndarray]:
    """Return the features as the model takes them, as arrays.

    Args:
        frame: training or test rows, shape (n, d).
        features: the columns that the model takes.
    """
    return {name: _plain(frame[name]) for name in features}


def _plain(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype="float64", na_value=np.nan)
    texts = values.to_numpy(dtype=object, na_value=None, copy=True)
    texts[pd.isna(texts)] = None
    return texts


def find_referrals(
    rules: ReferralRules,
    stated: Columns,
    model_input: Columns,
    pds: np.ndarray,
    threshold: float,
    predict: Callable[[Columns], np.ndarray],
) -> list[Referral]:
    """Find who is referred, and why.

    Args:
        rules: from `learn_rules`.
        stated: the features as the applicants stated them, each of shape (n,).
        model_input: the features as the model takes them.
        pds: the PDs, shape (n,).
        threshold: the cut-off.
        predict: returns the PDs of features as the model takes them.

    Returns:
        The causes that concern at least one row, in the order in which a person reads them.
    """
    columns = dict(stated) | {name: model_input[name] for name in rules.derived}
    derived = rules.derived
    names = [name for name in columns if not name.startswith(SPECIAL) and name not in derived]
    absent = _absent(columns, [*names, *(n for n in derived if n in columns)], derived)
    found = [Referral("required", name, absent[name]) for name in rules.required]
    found += [
        Referral("missing", name, absent[name])
        for name in rules.missing
        if name not in rules.required
    ]
    if rules.most_missing is not None:
        more = _counts(absent, names) > rules.most_missing
        named = _union([one.rows for one in found], len(pds))
        found.append(Referral("most_missing", "", more & ~named))
    found += [
        Referral("unseen", name, _unseen(columns[name], levels))
        for name, levels in rules.levels.items()
    ]
    for name, (low, high) in rules.ranges.items():
        with np.errstate(invalid="ignore"):
            found.append(Referral("unseen", name, (columns[name] < low) | (columns[name] > high)))
    if rules.band is not None:
        found.append(Referral("band", "", (pds >= rules.band[0]) & (pds < rules.band[1])))
    rest = (pds < threshold) & ~_union([one.rows for one in found], len(pds))
    for name, values in rules.gain.items():
        rows = np.flatnonzero(rest & absent[name])
        risky = np.zeros(len(pds), dtype=bool)
        if len(rows):
            risky[rows] = _any_refused(take_rows(model_input, rows), name, values, rules, threshold,
                                       predict)  # fmt: skip
        found.append(Referral("gain", name, risky))
    return [one for one in found if one.rows.any()]


def check_band(rules: ReferralRules, threshold: float) -> None:
    """Check that no applicant is decided by the model between the band and the cut-off.

    Raises:
        InputError: the band is on one side of the cut-off, so that applicants beyond it, who are
            harder to judge, would be accepted or rejected without a person.
    """
    if rules.band is not None and not rules.band[0] <= threshold <= rules.band[1]:
        low, high = rules.band
        problem = f"the band from {low:g} to {high:g} does not contain the cut-off {threshold:.6g}"
        hint = "Give half its width as one number, or set decision.threshold to theory."
        raise InputError("params.yaml", "decision.refer.band", problem, hint)


def referred_rows(found: list[Referral], count: int) -> np.ndarray:
    """Tell which of `count` rows any cause concerns; bool, shape (count,)."""
    return _union([one.rows for one in found], count)


def static_referrals(
    rules: ReferralRules, frame: pd.DataFrame, features: Mapping[str, Any]
) -> np.ndarray:
    """Tell which training rows are referred whatever the model: by what they lack.

    Args:
        rules: from `learn_rules`.
        frame: the training rows, shape (n, d).
        features: the content of features.json.

    Returns:
        Bool, shape (n,).
    """
    every = [*features["numeric"], *features["nominal"], *features["ordinal"]]
    columns = columns_of(frame, every, rules.derived)
    without = rules.model_copy(update={"band": None, "gain": {}})
    nothing = np.zeros(len(frame))
    found = find_referrals(without, columns, columns, nothing, 0.0, lambda _: nothing)
    return referred_rows(found, len(frame))


def in_band(rules: ReferralRules, pds: np.ndarray) -> np.ndarray:
    """Tell which PDs are in the band; bool, shape (n,)."""
    if rules.band is None:
        return np.zeros(len(pds), dtype=bool)
    return (pds >= rules.band[0]) & (pds < rules.band[1])


def _any_refused(
    columns: Columns, name: str, values: list[Any], rules: ReferralRules, threshold: float,
    predict: Callable[[Columns], np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Tell which rows are not accepted with some usual value of a variable that they lack."""
    limit = threshold if rules.band is None else min(threshold, rules.band[0])
    refused = np.zeros(len(columns[name]), dtype=bool)
    for value in values:
        refused |= predict(substitute(columns, name, value, rules.derived)) >= limit
    return refused


def _absent(
    columns: Columns, names: list[str], derived: Mapping[str, dict[str, Any]]
) -> dict[str, np.ndarray]:
    """Tell in which rows each variable is missing.

    A special code in its place is known. A derived variable whose operand is missing is not named
    beside it.
    """
    found: dict[str, np.ndarray] = {}
    for name in names:
        rows = np.asarray(pd.isna(columns[name]))
        if SPECIAL + name in columns:
            rows = rows & (columns[SPECIAL + name] == NO_CODE)
        if name in derived:
            for operand in derived[name]["of"]:
                rows = rows & ~np.asarray(pd.isna(columns[operand]))
        found[name] = rows
    return found


def _counts(absent: Mapping[str, np.ndarray], names: list[str]) -> np.ndarray:
    return np.sum([absent[name] for name in names], axis=0, dtype=int)


def _unseen(values: np.ndarray, levels: list[str]) -> np.ndarray:
    return ~(np.asarray(pd.isna(values)) | np.isin(values.astype(str), levels))


def _union(masks: list[np.ndarray], count: int) -> np.ndarray:
    return np.any(masks, axis=0) if masks else np.zeros(count, dtype=bool)


def _months(values: np.ndarray) -> tuple[float, float]:
    return float(np.floor(np.nanmin(values))), float(np.ceil(np.nanmax(values)))


def _near(values: np.ndarray) -> tuple[float, float]:
    """Return the range of the values, made longer at both ends by its own length.

    A long tail is usual in amounts, so the next largest loan is no reason to refer; a wrong unit or
    a slipped decimal point is. Where no value is negative, a negative number is wrong, too.
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    with np.errstate(over="ignore"):
        ends = np.clip([2 * low - high, 2 * high - low], -FLOAT.max, FLOAT.max)
    return max(float(ends[0]), 0.0) if low >= 0 else float(ends[0]), float(ends[1])


def _news(values: np.ndarray) -> float:
    """Estimate the share of applicants with a level that no row has (Good 1953).

    It is the share of the rows whose level occurs once.
    """
    counts = pd.Series(values).value_counts()
    return float((counts == 1).sum() / max(len(values), 1))


def _band(
    threshold: float, decision: DecisionParams, frame: pd.DataFrame
) -> tuple[float, float] | None:
    band = decision.refer.band
    if band is None:
        return None
    if isinstance(band, list):
        low, high = band
    elif band == "auto":
        costs = decision.costs(frame)
        low = decision.cost_referred / float(costs.bad_accepted.mean())
        high = 1 - decision.cost_referred / float(costs.good_rejected.mean())
    else:
        low, high = max(0.0, threshold - band), min(1.0, threshold + band)
    if low >= high:
        return None
    low, high = to_jsonable([low, high])
    return low, high

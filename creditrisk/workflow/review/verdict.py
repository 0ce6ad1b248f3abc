"""Judge whether a change is better, and say why. The test metrics never count, only CV does."""

from dataclasses import dataclass

from creditrisk.core.errors import InputError
from creditrisk.core.escape import markdown
from creditrisk.metrics.performance import METRICS, SCORING
from creditrisk.workflow.review.changes import INGEST, LOCK, PREPARE, SELECT, Changes
from creditrisk.workflow.review.groups import RATIOS, RatioChange, ratio_changes
from creditrisk.workflow.review.margins import (
    SAME_FOLDS,
    MetricChange,
    metric_change,
    other_unit,
    sign,
)

# More groups would not be read.
_MOST = 3


@dataclass(frozen=True)
class Verdict:
    """What a reviewer reads first, in Markdown.

    Attributes:
        title: better, worse or no difference, in a few words.
        reason: the change that decides, with its margin, in a sentence without a full stop.
        look_at: what a reviewer should look at, the gravest first.
        facts: what did not change.
    """

    title: str
    reason: str
    look_at: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


def scoring(changes: Changes) -> str:
    """Get the name of the score by which the champion of the work tree was chosen."""
    found = changes.value(SELECT, "scoring")[1]
    if found is None:
        problem = "no score is named"
        raise InputError(SELECT, "scoring", problem, "Run `dvc repro` to make it again.")
    return found


def verdict(changes: Changes) -> Verdict:
    """Judge the change.

    It is better or worse if the CV score moved by more than its 95% margin, and the nested
    estimate, which repeats the choice of the champion, did not move the other way.

    Args:
        changes: the differences.
    """
    metric = SCORING[scoring(changes)][0]
    cv, nested = metric_change(changes, metric, "cv"), metric_change(changes, metric, "nested")
    if cv.old is None:
        reason = f"the champion is {_champion(changes)}"
        look = tuple(_below(ratio_changes(changes)))
        return Verdict("Everything is new: the base has no results", reason, look)
    found = [champion_changed(changes), data_changed(changes)]
    facts = tuple(words for changed, words in found if changed is False)
    look = (
        *_below(ratio_changes(changes)),
        *_worse(changes, metric),
        *(words for changed, words in found if changed is not False),
    )
    if cv.change is None or cv.change == 0:
        reason = f"{_name(changes)} is {_number(cv.new)} in both"
        title = "Nothing changed" if _nothing(changes) else "No difference in CV"
        return Verdict(title, reason, look, facts)
    direction = cv.direction(metric)
    contradicted = nested.change is not None and sign(metric, nested.change) == -direction
    if direction and contradicted:
        title, direction = "No difference that the data can tell: nested CV moved the other way", 0
    else:
        title = {1: "Better", -1: "Worse", 0: "No difference that the data can tell"}[direction]
    if data_changed(changes)[0] and direction:
        title += ", but on other rows"
    return Verdict(title, _describe(_name(changes), cv), look, facts)


def _worse(changes: Changes, metric: str) -> list[str]:
    """Name what became worse beside the score that decides, by more than its margin."""
    found = []
    for name, on in (("expected_cost", "cv"), ("brier", "cv"), (metric, "nested")):
        moved = metric_change(changes, name, on)
        if moved.direction(name) < 0 and (name, on) != (metric, "cv"):
            where = "nested CV" if on == "nested" else "CV"
            found.append(f"{_describe(f'{where} {METRICS[name].label}', moved)}, which is worse")
    if other_unit(changes):
        found.append("the costs of errors were changed: costs before and now can't be compared")
    return found


def _below(changed: list[RatioChange]) -> list[str]:
    """Say which groups are below the limit, those that were not so before first."""
    below = [each for each in changed if each.below[1]]
    lines: list[tuple[bool, str]] = []
    for group in dict.fromkeys(each.name for each in below):
        own = [each for each in below if each.name == group]
        ratios = " and ".join(f"{each.moved.new:.2f} ({RATIOS[each.ratio]})" for each in own)
        is_new = any(each.below[0] is False for each in own)
        was = "" if all(each.below[0] is None for each in own) else ", as before"
        state = ", **which is new**" if is_new else was
        line = f"{group}: ratio to the largest group {ratios}, below {own[0].limit:g}{state}"
        lines.append((not is_new, line))
    ordered = [line for _, line in sorted(lines, key=lambda pair: pair[0])]
    rest = len(ordered) - _MOST
    if rest <= 0:
        return ordered
    return [*ordered[:_MOST], f"groups below {below[0].limit:g} that are not listed: {rest}"]


def data_changed(changes: Changes) -> tuple[bool | None, str]:
    """Return whether the data differ (None if unknown), and the same in words."""
    source = changes.value(INGEST, "source_sha256")
    if source[0] is None:
        return None, f"whether the data changed is not known (the base has no {INGEST})"
    if source[0] != source[1]:
        return True, f"data changed: {_row_counts(changes.value(INGEST, 'rows_read'), 'read')}"
    clean = changes.hashes("data/interim/clean.parquet")
    if clean[0] is None:
        return None, f"same file, whether its rows changed is not known ({_unlocked(changes)})"
    if clean[0] != clean[1]:
        rows = _row_counts(changes.value(PREPARE, "rows_clean"), "clean")
        return True, f"same file, cleaned or split differently: {rows}"
    return False, "data unchanged"


def champion_changed(changes: Changes) -> tuple[bool | None, str]:
    """Return whether the champion is another model (None if unknown), and the same in words."""
    old, new = changes.value(SELECT, "algorithm")
    if old != new:
        return True, f"champion changed: {markdown(old)} to {markdown(new)}"
    a, b = changes.hashes("models/champion.joblib")
    same = f"same champion ({markdown(new)})"
    if a is None:
        return None, f"{same}, whether it is the same model is not known ({_unlocked(changes)})"
    return a != b, f"{same}, {'the same model' if a == b else 'fitted again'}"


def _unlocked(changes: Changes) -> str:
    return f"the base's {LOCK} has no hash" if changes.old_lock else f"the base has no {LOCK}"


def _row_counts(count: tuple[int | None, int], state: str) -> str:
    old, new = count
    if old is None:
        return f"{new:,} rows {state}, before not known"
    return f"{old:,} rows {state}, now {new:,}"


def _nothing(changes: Changes) -> bool:
    pairs = (pair for file in changes.metrics.values() for pair in file.values())
    same = all(pair.get("old") == pair.get("new") for pair in pairs)
    return same and not changes.params and changes.old_lock == changes.new_lock


def _name(changes: Changes) -> str:
    return f"CV {METRICS[SCORING[scoring(changes)][0]].label}"


def _champion(changes: Changes) -> str:
    algorithm, metric = changes.value(SELECT, "algorithm")[1], SCORING[scoring(changes)][0]
    value = changes.value(SELECT, f"cv.{metric}")[1]
    return f"{markdown(algorithm)}, {_name(changes)} {_number(value)}"


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"


def _describe(name: str, moved: MetricChange) -> str:
    """Say in words by how much a number moved; its change is known."""
    margin = ""
    if moved.margin is not None:
        how = "over" if moved.source == SAME_FOLDS else "from"
        margin = f" \N{PLUS-MINUS SIGN} {moved.margin:.4f} (95%, {how} {moved.source})"
    return (
        f"{name} moved by {moved.change:+.4f}{margin}, {_number(moved.old)} to {_number(moved.new)}"
    )

"""All that monitoring knows after a run: windows, verdicts, flow, outcomes, alarms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from creditrisk.champion.reference import Reference
from creditrisk.monitor.alarms import Alarm, Seen, alarms_of
from creditrisk.monitor.batches import Facts
from creditrisk.monitor.counts import Counted
from creditrisk.monitor.flow import Day, flow_summary, silence, unusual_days, volumes
from creditrisk.monitor.judge import Occurrence, Verdict, judge
from creditrisk.monitor.outcomes import (
    LIMIT,
    expected_auc,
    groups_of_outcomes,
    join_outcomes,
    joined,
    judge_outcomes,
    strangers_in,
)
from creditrisk.monitor.params import MonitorParams
from creditrisk.monitor.series import APPROVAL, REFERRAL, SCORE
from creditrisk.monitor.windows import Window, windows_of


@dataclass(frozen=True)
class Watched:
    """What monitoring knows.

    Attributes:
        facts: of all batches.
        windows: the windows, and in `verdicts` what was found in each.
        verdicts: see `windows`.
        days: volumes by day.
        seen: everything that was out of the ordinary, in order.
        alarms: those that are on, and those that have ended.
        outcomes: the content of `outcomes` in metrics/monitor.json.
        flow: likewise.
        totals: `batches`, `rows`, `rejected_rows`.
        problems: number of a batch to why its first unreadable row can't be read.
    """

    facts: list[Facts]
    windows: list[Window]
    verdicts: list[Verdict]
    days: list[Day]
    seen: list[Seen]
    alarms: list[Alarm]
    outcomes: dict[str, Any]
    flow: dict[str, Any]
    totals: dict[str, int]
    problems: dict[int, str]

    @property
    def on(self) -> list[dict[str, Any]]:
        """What is told of the alarms that are on."""
        return [alarm.told for alarm in self.alarms if alarm.is_on]

    @property
    def shown(self) -> int | None:
        """Position of the window that is shown: the last complete one, else the only one."""
        complete = [i for i, window in enumerate(self.windows) if window.complete]
        return complete[-1] if complete else (0 if self.windows else None)


def watch(
    facts: list[Facts],
    counts: Mapping[int, Counted],
    scored: pd.DataFrame,
    later: pd.DataFrame,
    reference: Reference,
    params: MonitorParams,
    now: str | None = None,
) -> Watched:
    """Judge everything that has arrived.

    Args:
        facts: of all batches, in the order of receipt.
        counts: number of each batch of applicants to its counts.
        scored: the scored rows, see `outcomes.join_outcomes`.
        later: the outcomes that came by themselves.
        reference: what the champion was trained on.
        params: the block `monitor`.
        now: the time of today, to see silence; None does not look.
    """
    applicants = [one for one in facts if one.kind == "applicants"]
    windows = windows_of(applicants, counts, params.window_rows)
    verdicts = [judge(each.counted, reference, params, each.complete) for each in windows]
    seen = _of_batches(facts, counts, windows, strangers_in(scored, later), params)
    for window, verdict in zip(windows, verdicts, strict=True):
        last = window.batches[-1]
        seen += [
            Seen(what, "windows", window.number, last.name, window.last_day, last.number)
            for what in verdict.found
            if not _explained(what.place, window.counted.formats)
        ]
    days, of_flow = _flow(facts, counts, params, now)
    seen += of_flow
    known = join_outcomes(scored, later)
    outcomes, of_outcomes, groups = _outcomes(known, facts, reference, params)
    pds = scored["pd"].dropna().to_numpy(dtype="float64")
    expected = expected_auc(pds) if len(pds) else None
    outcomes = joined(scored, later) | outcomes
    outcomes |= {"expected_auc": expected, "expected_auc_limit": LIMIT}
    steps = {
        "windows": sum(window.complete for window in windows), "outcomes": groups, "silence": 1,
        "days": date.fromisoformat(days[-1].day).toordinal() if days else 0,
    }  # fmt: skip
    seen.sort(key=lambda one: (one.axis, one.step))
    alarms = alarms_of([*seen, *of_outcomes], steps, params.quiet_windows)
    totals = {
        "batches": len(facts),
        "rows": sum(one.rows for one in applicants),
        "rejected_rows": sum(counts[one.number].rejected for one in applicants),
    }
    return Watched(
        facts, windows, verdicts, days, [*seen, *of_outcomes], alarms, outcomes,
        flow_summary(days, silent=any(one.axis == "silence" for one in of_flow)), totals,
        {number: one.problem for number, one in counts.items() if one.problem},
    )  # fmt: skip


def _explained(place: str, formats: Mapping[str, str]) -> bool:
    """Whether a changed format says why a series has moved: its column, or what follows from it.

    Cells in a changed format count as missing, so their applicants are referred to a person.
    """
    return place in formats or (bool(formats) and place in (APPROVAL, REFERRAL))


def _of_batches(
    facts: list[Facts],
    counts: Mapping[int, Counted],
    windows: list[Window],
    strangers: set[int],
    params: MonitorParams,
) -> list[Seen]:
    """What is seen in single batches, from the first one on."""
    step_of = {one.number: window.number for window in windows for one in window.batches}
    step = 1
    found = []
    for one in facts:
        step = step_of.get(one.number, step)
        here: list[Occurrence] = []
        # Each file is an alarm of its own: somebody has to ask for it.
        if one.kind == "broken":
            here.append(Occurrence("format", one.name, f"{one.name}: {one.problem}"))
        for words in one.findings:
            here.append(Occurrence("format", one.name, f"{one.name}: {words}"))
        counted = counts.get(one.number)
        if counted is not None:
            here += [
                Occurrence("format", name, f"{one.name}: {name}: {words}")
                for name, words in counted.formats.items()
            ]
        rejected, problem = one.rejected, ""
        if counted is not None:
            rejected, problem = counted.rejected, counted.problem
        if one.rows and rejected / one.rows > params.rejected_share:
            words = f"{rejected:,} of {one.rows:,} rows can't be read"
            first = f" (first: {problem})" if problem else ""
            here.append(Occurrence("rejected", one.name, f"{one.name}: {words}{first}"))
        if one.number in strangers:
            words = f"none of its {one.rows:,} outcomes is of an applicant who is known"
            here.append(Occurrence("format", one.name, f"{one.name}: {words}"))
        day = one.day or (max(counted.days, default=None) if counted else None)
        found += [Seen(what, "windows", step, one.name, day, one.number) for what in here]
    return found


def _flow(
    facts: list[Facts], counts: Mapping[int, Counted], params: MonitorParams, now: str | None
) -> tuple[list[Day], list[Seen]]:
    """The volume of each day; the days that are out of the ordinary, and silence."""
    by_day = _rows_by_day(counts)
    days = volumes(by_day, now)
    seen = []
    for day, what in unusual_days(days, params):
        number = max((n for n, one in counts.items() if day in one.days), default=0)
        seen.append(Seen(what, "days", date.fromisoformat(day).toordinal(), day, day, number))
    quiet = silence(by_day, now, params)
    if quiet is not None:
        # No window goes on while nothing comes: it is one alarm from the last day on.
        last_day = max(day for day in by_day if day <= str(now)[:10])
        seen.append(Seen(quiet, "silence", 1, last_day, last_day, facts[-1].number))
    return days, seen


def _rows_by_day(counts: Mapping[int, Counted]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counted in counts.values():
        for day, rows in counted.days.items():
            total[day] = total.get(day, 0) + rows
    return total


def _outcomes(
    known: pd.DataFrame, facts: list[Facts], reference: Reference, params: MonitorParams
) -> tuple[dict[str, Any], list[Seen], int]:
    """Judge the outcomes group by group; the newest complete group is shown."""
    groups = groups_of_outcomes(known, params.min_outcomes)
    names = {one.number: (one.name, one.day) for one in facts}
    seen: list[Seen] = []
    shown: dict[str, Any] = {}
    for place, group in enumerate(groups, start=1):
        summary, found = judge_outcomes(group, reference, params)
        if len(group) >= params.min_outcomes or not shown:
            shown = summary
        if len(group):
            number = int(group["known_by"].iloc[-1])
            seen += [Seen(what, "outcomes", place, *names[number], number) for what in found]
    complete = sum(len(group) >= params.min_outcomes for group in groups)
    return {"known": len(known), "judged_from": params.min_outcomes} | shown, seen, complete


def metrics_of(watched: Watched, hashes: Mapping[str, str]) -> dict[str, Any]:
    """The content of metrics/monitor.json."""
    place = watched.shown
    verdict = None if place is None else watched.verdicts[place]
    window: dict[str, Any] | None = None
    if place is not None:
        one = watched.windows[place]
        window = {
            "number": one.number, "batches": len(one.batches), "rows": one.counted.rows,
            "first_day": one.first_day, "last_day": one.last_day,
            "last_batch": one.batches[-1].name, "complete": one.complete,
        }  # fmt: skip
    return {
        **watched.totals,
        "window": window,
        "windows": sum(one.complete for one in watched.windows),
        "series": verdict.series if verdict else {},
        "score": verdict.score if verdict else None,
        "approval_rate": verdict.approvals["now"] if verdict else None,
        "approvals": verdict.approvals if verdict else None,
        "referral_rate": verdict.referrals["now"] if verdict else None,
        "referrals": verdict.referrals if verdict else None,
        "groups": verdict.groups if verdict else {},
        "outcomes": watched.outcomes,
        "flow": watched.flow,
        "alarms": watched.on,
        **hashes,
    }


def table_of(watched: Watched) -> pd.DataFrame:
    """The content of plots/monitor.csv: a line per complete window and series.

    Returns:
        `window`, `first_day`, `last_day`, `rows`, `series`, `psi`, `p`, `p_holm`, `missing_rate`,
        `unseen_rate`, `alarm`; the PDs and the rates of approval and
        referral are series too.
    """
    lines = []
    for window, verdict in zip(watched.windows, watched.verdicts, strict=True):
        if not window.complete:
            continue
        head = {
            "window": window.number, "first_day": window.first_day, "last_day": window.last_day,
            "rows": window.counted.rows,
        }  # fmt: skip
        decisions = {APPROVAL: verdict.approvals, REFERRAL: verdict.referrals}
        for name, one in ({SCORE: verdict.score} | decisions | verdict.series).items():
            numbers = {key: one.get(key) for key in TABLE}
            lines.append(head | {"series": name} | numbers | {"alarm": int(one["alarm"])})
    columns = ["window", "first_day", "last_day", "rows", "series", *TABLE, "alarm"]
    return pd.DataFrame(lines, columns=columns)


TABLE = ("psi", "p", "p_holm", "missing_rate", "unseen_rate")

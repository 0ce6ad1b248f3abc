"""The monitoring page: what is out of the ordinary, how it moved, what outcomes say."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.reference import Reference
from creditrisk.html.page import Block, Page, facts, figure, table, text
from creditrisk.monitor import figures
from creditrisk.monitor.params import MonitorParams
from creditrisk.monitor.watch import Watched
from creditrisk.schema import Schema

MOVED = 4  # variables that are drawn
LAST_BATCHES = 50


def build_page(
    watched: Watched, reference: Reference, schema: Schema, params: MonitorParams
) -> Page:
    """Build the page.

    Args:
        watched: what monitoring knows.
        reference: what the champion was trained on.
        schema: has the labels of levels.
        params: the block `monitor`.
    """
    page = Page("Monitoring", _subtitle(watched))
    page.section("Now", *_now(watched))
    page.section("Over time", *_over_time(watched, params))
    if watched.shown is not None:
        page.section("What has moved", *_moved(watched, reference, schema))
        page.section("PDs and decisions", *_decisions(watched, reference))
    page.section("Outcomes", *_outcomes(watched))
    page.section("Flow", *_flow(watched, params))
    return page


def _subtitle(watched: Watched) -> str:
    total = watched.totals
    last = watched.flow["last_day"]
    when = f", the last on {last}" if last else ""
    return f"{total['batches']:,} batches with {total['rows']:,} rows{when}"


def _now(watched: Watched) -> list[Block]:
    alarms = watched.on
    shown = watched.shown
    window = None if shown is None else watched.windows[shown]
    rate = None if shown is None else watched.verdicts[shown].approval_rate["now"]
    blocks: list[Block] = [
        facts(
            {
                "alarms": f"{len(alarms):,}",
                "rows in the window": "none" if window is None else f"{window.counted.rows:,}",
                "accepted in the window": "unknown" if rate is None else f"{rate:.1%}",
                "rows that can't be read": f"{watched.totals['rejected_rows']:,}",
                "outcomes known": f"{watched.outcomes['known']:,}",
            }
        )
    ]
    if alarms:
        lines = [
            {
                "alarm": alarm["kind"], "severity": alarm["severity"], "what": alarm["message"],
                "since": alarm["since"]["day"] or alarm["since"]["batch"],
                "to do": alarm["proposal"], "id": alarm["id"],
            }
            for alarm in alarms
        ]  # fmt: skip
        blocks.append(table(pd.DataFrame(lines), "Alarms that are on", collapsed=False))
    else:
        blocks.append(text("No alarm is on."))
    if window is not None and not window.complete:
        words = "The window has too few rows yet: its numbers are shown, and raise no alarm."
        blocks.append(text(words))
    return blocks


def _over_time(watched: Watched, params: MonitorParams) -> list[Block]:
    pairs = [
        (window, verdict)
        for window, verdict in zip(watched.windows, watched.verdicts, strict=True)
        if window.complete
    ]
    if not pairs:
        return [text(f"There is no window of {params.window_rows:,} rows yet.")]
    windows, verdicts = zip(*pairs, strict=True)
    note = (
        f"A window has at least {params.window_rows:,} rows. A diamond is an alarm: a difference "
        f"that chance gives in fewer than {params.family_alpha:.1%} of windows, all series "
        f"together, and that is large enough (PSI {params.psi:g} beyond chance, or "
        f"{params.share:.0%} of the rows)."
    )
    chart = figures.time_line(windows, verdicts)
    past = [
        {
            "window": one.step, "axis": one.axis, "day": one.day, "alarm": one.what.kind,
            "what": one.what.message,
        }
        for one in reversed(watched.seen)
    ]  # fmt: skip
    blocks: list[Block] = [figure(chart, "How far each series has moved, by window", note)]
    if past:
        blocks.append(table(pd.DataFrame(past), "All that was out of the ordinary", collapsed=True))
    return blocks


def _moved(watched: Watched, reference: Reference, schema: Schema) -> list[Block]:
    assert watched.shown is not None
    window, verdict = watched.windows[watched.shown], watched.verdicts[watched.shown]
    order = sorted(
        verdict.series, key=lambda name: (not verdict.series[name]["alarm"],
                                          verdict.series[name]["p_holm"],
                                          verdict.series[name]["p"], name),
    )  # fmt: skip
    blocks: list[Block] = [
        text(
            f"Window {window.number} ({window.name}), {window.counted.rows:,} rows, against "
            f"{reference.rows:,} training rows. The surest differences first."
        )
    ]
    for name in order[:MOVED]:
        like, now = reference.variables[name], window.counted.variables[name]
        names = like.levels if like.kind == "levels" else list(like.special)
        words = [schema.label(name, code) for code in names]
        chart = figures.moved(like, reference.rows, now, window.counted.rows, words)
        one = verdict.series[name]
        state = "alarm" if one["alarm"] else "no alarm"
        blocks.append(figure(chart, f"{name}: PSI {one['psi']:.3f}, {state}"))
    lines = [{"series": name} | _line(verdict.series[name]) for name in order]
    formats = {
        "PSI": ".3f", "p": ".2g", "p (Holm)": ".2g", "missing": ".1%", "unseen": ".1%",
    }  # fmt: skip
    blocks.append(table(pd.DataFrame(lines), "All variables", formats, collapsed=True))
    return blocks


def _line(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "PSI": one["psi"], "p": one["p"], "p (Holm)": one["p_holm"],
        "missing": one["missing_rate"], "unseen": one["unseen_rate"],
        "alarm": "yes" if one["alarm"] else "no",
    }  # fmt: skip


def _decisions(watched: Watched, reference: Reference) -> list[Block]:
    assert watched.shown is not None
    window, verdict = watched.windows[watched.shown], watched.verdicts[watched.shown]
    if not window.counted.fresh:
        return [text("The champion was trained on all rows of this window: no PD is compared.")]
    trained = window.counted.rows - window.counted.fresh
    more = f" {trained:,} rows on which it was trained are left out." if trained else ""
    note = f"Out-of-fold PDs of the training rows against {window.counted.fresh:,} rows.{more}"
    chart = figures.scores(reference, window.counted.score)
    then = reference.accepted.accepted / reference.accepted.rows
    rates = figures.approvals(watched.windows, watched.verdicts, then)
    lines = [
        {
            "variable": name, "group": group, "rows": one["rows"],
            "accepted": one["approval_rate"], "low": one["low"], "high": one["high"],
            "training": one["reference"],
        }
        for name, groups in verdict.groups.items()
        for group, one in groups.items()
    ]  # fmt: skip
    blocks: list[Block] = [
        figure(chart, f"PDs: PSI {verdict.score['psi']:.3f}", note),
        figure(rates, "Approval rate by window"),
    ]
    if lines:
        formats = dict.fromkeys(("accepted", "low", "high", "training"), ".1%")
        words = "Approval rates by group, with 95% intervals; shown, not tested"
        blocks.append(table(pd.DataFrame(lines), words, formats, collapsed=False))
    return blocks


def _outcomes(watched: Watched) -> list[Block]:
    found = watched.outcomes
    expected = found["expected_auc"]
    words = "No applicant has arrived yet."
    if expected is not None:
        words = f"The AUC is expected to be {expected:.3f}, {found['expected_auc_limit']}."
    if not found["known"]:
        return [text(f"No outcome is known yet. {words}")]
    blocks: list[Block] = [
        facts(
            {
                "outcomes judged": f"{found['rows']:,}",
                "bad rate": _percent(found["bad_rate"]),
                "mean PD": _percent(found["mean_pd"]),
                "AUC": "unknown" if found["auc"] is None else f"{found['auc']:.3f}",
                "AUC, 95% interval": _interval(found),
                "AUC promised": f"{found['auc_promised']:.3f}",
                "Brier score": f"{found['brier']:.3f}",
                "Brier promised": f"{found['brier_promised']:.3f}",
            }
        ),
        figure(figures.calibration(found["calibration"]), "Bad rate by grade"),
        text(words),
    ]
    if found["rows"] < found["judged_from"]:
        few = f"Fewer than {found['judged_from']:,} outcomes are known: they raise no alarm yet."
        blocks.insert(0, text(few))
    return blocks


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"


def _interval(found: Mapping[str, Any]) -> str:
    known = found["auc"] is not None
    return f"{found['auc_low']:.2f} to {found['auc_high']:.2f}" if known else "unknown"


def _flow(watched: Watched, params: MonitorParams) -> list[Block]:
    blocks: list[Block] = []
    if watched.days:
        note = (
            f"A day is out of the ordinary if it has {params.volume_factor:g} times as many rows "
            f"as usual on such a day, or as few, and chance seldom gives so many or so few."
        )
        blocks.append(figure(figures.flow(watched.days), "Rows by day", note))
    lines = [
        {
            "number": one.number, "batch": one.name, "day": one.day, "what": one.kind,
            "rows": one.rows, "can't be read": one.rejected, "problem": one.problem,
        }
        for one in reversed(watched.facts)
    ]  # fmt: skip
    if lines:
        words = "Batches, the newest first"
        blocks.append(table(pd.DataFrame(lines), words, limit=LAST_BATCHES, collapsed=True))
    return blocks or [text("Nothing has arrived yet.")]

"""The monitoring page: what is out of the ordinary, how it moved, what outcomes say."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from creditrisk.champion.reference import Reference
from creditrisk.html.page import Block, Page, bullets, facts, figure, table, text
from creditrisk.monitor import figures
from creditrisk.monitor.judge import LEAST_FRESH
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
    page = Page("Monitoring", _subtitle(watched, reference))
    page.section("Now", *_now(watched))
    page.section("Over time", *_over_time(watched, params))
    if watched.shown is not None:
        page.section("What has moved", *_moved(watched, reference, schema))
        page.section("PDs and decisions", *_decisions(watched, reference))
    page.section("Outcomes", *_outcomes(watched))
    page.section("Flow", *_flow(watched, params))
    return page


def _subtitle(watched: Watched, reference: Reference) -> str:
    total = watched.totals
    last = max((day for window in watched.windows for day in window.counted.days), default=None)
    when = f", the latest of {last}" if last else ""
    return (
        f"{total['batches']:,} batches with {total['rows']:,} applicants{when}; champion "
        f"{reference.model_sha256[:8]}, cut-off {reference.threshold:.1%}"
    )


def _now(watched: Watched) -> list[Block]:
    alarms = watched.on
    shown = watched.shown
    window = None if shown is None else watched.windows[shown]
    rate = None if shown is None else watched.verdicts[shown].approvals["now"]
    fresh = 0 if window is None else window.counted.fresh
    referred = None if shown is None else watched.verdicts[shown].referrals["now"]
    blocks: list[Block] = [
        facts(
            {
                "alarms": f"{len(alarms):,}",
                "rows in the window": "none" if window is None else f"{window.counted.rows:,}",
                f"accepted, of {fresh:,} new rows": "unknown" if rate is None else f"{rate:.1%}",
                f"referred, of {fresh:,}": "unknown" if referred is None else f"{referred:.1%}",
                "rows that can't be read": f"{watched.totals['rejected_rows']:,}",
                "outcomes known": f"{watched.outcomes['known']:,}",
            }
        )
    ]
    if alarms:
        blocks.append(bullets([_in_words(alarm) for alarm in alarms]))
    else:
        blocks.append(text("No alarm is on."))
    if window is not None and not window.complete:
        words = f"No window is complete: the {window.counted.rows:,} rows are shown, not judged."
        blocks.append(text(words))
    return blocks


def _in_words(alarm: Mapping[str, Any]) -> str:
    """An alarm on a line that wraps: a table would be too wide for a phone."""
    since = alarm["since"]["day"] or alarm["since"]["batch"]
    return (
        f"{alarm['kind']} ({alarm['severity']}), since {since}: {alarm['message']}. "
        f"{alarm['proposal']} [{alarm['id']}]"
    )


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
        f"{params.share:.0%} of the rows). PSI is how far a distribution is from that of the "
        f"training: 0 is no difference; from 0.5 on the colour stays the same. PDs may be orange "
        f"without an alarm: the models of the folds, which they are compared with, differ as much."
    )
    chart = figures.time_line(windows, verdicts)
    past = [
        {
            "day": one.day, "batch": one.batch, "alarm": one.what.kind, "what": one.what.message,
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
            f"{reference.rows:,} training rows: the {min(MOVED, len(order))} surest differences of "
            f"{len(order)}."
        )
    ]
    for name in order[:MOVED]:
        like, now = reference.variables[name], window.counted.variables[name]
        names = like.levels if like.kind == "levels" else list(like.special)
        words = [schema.label(name, code) for code in names]
        chart = figures.moved(like, reference.rows, now, window.counted.rows, words)
        one = verdict.series[name]
        state = _state(one["alarm"], window.complete)
        blocks.append(figure(chart, f"{name}: PSI {one['psi']:.3f}, {state}"))
    lines = [{"series": name} | _line(verdict.series[name]) for name in order]
    formats = {
        "PSI": ".3f", "p": ".2g", "p (Holm)": ".2g", "missing": ".1%", "unseen": ".1%",
    }  # fmt: skip
    blocks.append(table(pd.DataFrame(lines), "All variables", formats, collapsed=True))
    return blocks


def _state(alarm: bool, judged: bool) -> str:
    if not judged:
        return "not judged yet"
    return "alarm" if alarm else "no alarm"


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
        figure(chart, f"PDs: {_score_state(watched)}", note),
        figure(rates, "Approval rate by window"),
    ]
    if lines:
        formats = dict.fromkeys(("accepted", "low", "high", "training"), ".1%")
        words = "Approval rates by group, with 95% intervals; shown, not tested"
        blocks.append(table(pd.DataFrame(lines), words, formats, collapsed=False))
    return blocks


def _score_state(watched: Watched) -> str:
    assert watched.shown is not None
    window, score = watched.windows[watched.shown], watched.verdicts[watched.shown].score
    if window.counted.fresh < LEAST_FRESH:
        return f"not judged, since only {window.counted.fresh:,} rows are new to the champion"
    return (
        f"PSI {score['psi']:.3f}, p (Holm) {score['p_holm']:.2g}, "
        f"{_state(score['alarm'], window.complete)}"
    )


def _outcomes(watched: Watched) -> list[Block]:
    found = watched.outcomes
    expected = found["expected_auc"]
    words = "No applicant has arrived yet."
    if expected is not None:
        words = f"An AUC of {expected:.3f} is expected; {found['expected_auc_limit']}."
    left_out = [
        f"{found[key]:,} {meaning}"
        for key, meaning in (
            ("not_known", "outcomes that came are not known yet, or no code of the schema"),
            ("unknown_ids", "are of nobody who has applied"),
            ("trained_on", "are of applicants whom the champion was trained on"),
            ("repeated_ids", "ids are of several applications, of which the last one counts"),
        )
        if found[key]
    ]
    more = [text(f"Of {found['delivered']:,} outcomes that came by themselves:"),
            bullets(left_out)] if left_out else []  # fmt: skip
    if not found["known"]:
        return [text(f"No outcome can be judged yet. {words}"), *more]
    blocks: list[Block] = [
        *more,
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
        figure(
            figures.calibration(found["calibration"]),
            "Bad rate by grade",
            "Grades are classes of PDs, A the lowest. Promised is the bad rate of the training "
            "rows of that grade, out of fold. The newest complete group of outcomes is shown.",
        ),
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
            "rows": one.rows, "can't be read": one.rejected,
            "problem": one.problem or watched.problems.get(one.number),
        }
        for one in reversed(watched.facts)
    ]  # fmt: skip
    if lines:
        words = "Batches, the newest first"
        blocks.append(table(pd.DataFrame(lines), words, limit=LAST_BATCHES, collapsed=True))
    return blocks or [text("Nothing has arrived yet.")]

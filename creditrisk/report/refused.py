"""The report's section on refused applicants: what they look like, and what nobody can know."""

import pandas as pd

from creditrisk.evaluate.refused import part_of
from creditrisk.html.page import Block, bullets, figure, text
from creditrisk.report import tables
from creditrisk.report.data import ReportData
from creditrisk.report.grids import grid
from creditrisk.report.refused_figures import pd_bands
from creditrisk.report.words import Words

MOVED = 0.25  # a PSI above it has moved, by convention
UNKNOWN = ("outcomes", "not_random", "learning", "population")
# Measure of the table of PDs to the form of its numbers.
MEASURES = {
    "rows": ",.0f", "mean": ".1%", "p10": ".1%", "p50": ".1%", "p90": ".1%", "above": ".1%",
    "accept_share": ".1%", "refer_share": ".1%", "reject_share": ".1%",
}  # fmt: skip
BOUNDS = ["name", "bad", "bad_rate_all", "bad_rate_accepted_all", "cost_all"]
NAMES_SHOWN = 10


def refused_section(data: ReportData) -> list[Block]:
    """Write the section; one sentence if there is no file of refused applicants."""
    words, lines = data.words, data.curves["refused"]
    if lines.empty:
        return [text(words("refused.none"))]
    parts = {
        name: part_of(lines, name)
        for name in ("file", "pds", "bounds", "bands", "ranges", "unread", "ignored")
    }
    cutoff = data.champion.threshold
    bands = parts["bands"]
    blocks: list[Block] = [
        text(_who(parts["pds"], words)),
        bullets(_main_sentences(parts, words) + _cautions(parts, data)),
        figure(
            pd_bands(bands, cutoff, words),
            words("refused.chart.title"),
            words("refused.chart.note", cutoff=f"{cutoff:.1%}"),
        ),
        grid(words, _pds(parts["pds"], words), "refused.pds"),
        text(words("refused.assumptions")),
        grid(
            words,
            _bounds(parts["bounds"], words),
            "refused.bounds",
            {"bad": ",.1f", "bad_rate_all": ".1%", "bad_rate_accepted_all": ".1%"}
            | {"cost_all": _cost_form(parts["bounds"])},
            _cost_header(data),
        ),
        text(words("refused.unknown.title")),
        bullets([words(f"refused.unknown.{key}") for key in UNKNOWN]),
        text(words("refused.experiment")),
        text(_moved(parts["ranges"], data)),
        grid(
            words,
            _ranges(parts["ranges"], data),
            "refused.ranges",
            {"psi": ".3f"}
            | dict.fromkeys(("outside", "missing_accepted", "missing_refused"), ".1%"),
        ),
        grid(
            words,
            _bands(bands, words),
            "refused.bands",
            {"accepted": ",.0f", "bad_rate": ".1%", "refused": ",.0f", "base": ".1%"},
            collapsed=True,
        ),
    ]
    if notes := _reading(parts, words):
        blocks.append(bullets(notes))
    return blocks


def _who(pds: pd.DataFrame, words: Words) -> str:
    rows = {name: f"{_line(pds, name)['rows']:,.0f}" for name in ("accepted", "refused")}
    return words("refused.who", rows=rows["refused"], accepted=rows["accepted"])


def _main_sentences(parts: dict[str, pd.DataFrame], words: Words) -> list[str]:
    """Say what this model would decide, how far its PDs are apart, and what may come of it."""
    accepted, refused = (_line(parts["pds"], name) for name in ("accepted", "refused"))
    said = [
        words(
            "refused.decisions",
            accept=f"{refused['accept']:,.0f}",
            share=words.number(refused["accept_share"], ".1%"),
            refer=f"{refused['refer']:,.0f}",
            reject=f"{refused['reject']:,.0f}",
        ),
        words(
            "refused.compared",
            mean=words.number(refused["mean"], ".1%"),
            accepted=words.number(accepted["mean"], ".1%"),
            psi=words.number(refused["psi"]),
        ),
    ]
    if refused["accept"]:
        rates = parts["bounds"].set_index("name")["bad_rate_accepted"]
        shown = {name: words.number(rates[name], ".1%") for name in ("model", "odds_2", "odds_4")}
        said.append(words("refused.if_accepted", accept=f"{refused['accept']:,.0f}", **shown))
    if refused["thin"]:
        said.append(words("refused.thin", share=words.number(refused["thin"], ".1%")))
    else:
        said.append(words("refused.thin_none"))
    return said


def _cautions(parts: dict[str, pd.DataFrame], data: ReportData) -> list[str]:
    """Say what to mind when these numbers are read."""
    words, found = data.words, _line(parts["file"], "refused")
    said = []
    if found["known_rows"]:
        counts = {"count": f"{found['known_rows']:,.0f}", "rows": f"{found['rows']:,.0f}"}
        said.append(words("refused.known", **counts))
    if data.champion.referral.gain:
        said.append(words("refused.without_gain"))
    return said


def _line(part: pd.DataFrame, name: str) -> dict[str, float]:
    return part[part["name"] == name].iloc[0].to_dict()


def _pds(pds: pd.DataFrame, words: Words) -> pd.DataFrame:
    """One row per measure, a column for each kind of applicants."""
    sides = {name: _line(pds, name) for name in ("accepted", "refused")}
    found = [
        {"measure": words(f"refused.measures.{measure}")}
        | {name: words.number(side[measure], form) for name, side in sides.items()}
        for measure, form in MEASURES.items()
    ]
    return pd.DataFrame(
        [
            *found,
            {
                "measure": words("refused.measures.psi"),
                "accepted": words("refused.measures.reference"),
                "refused": words.number(sides["refused"]["psi"]),
            },
        ]
    )


def _bounds(bounds: pd.DataFrame, words: Words) -> pd.DataFrame:
    names = [words(f"refused.bounds.names.{name}") for name in bounds["name"]]
    return bounds[BOUNDS].assign(name=names).rename(columns={"name": "assumption"})


def _cost_form(bounds: pd.DataFrame) -> str:
    """The format of the costs: as `Words.cost` would write the highest of them."""
    highest = bounds["cost_all"].max()
    return ",.0f" if highest >= 100 else ",.1f" if highest >= 10 else ",.3f"


def _cost_header(data: ReportData) -> dict[str, str]:
    if not data.unit:
        return {}
    return {"cost_all": f"{data.words('refused.bounds.cost_all')} ({data.unit})"}


def _ranges(ranges: pd.DataFrame, data: ReportData) -> pd.DataFrame:
    return pd.DataFrame(
        {"variable": [tables.variable(name, data.schema) for name in ranges["name"]]}
        | {c: ranges[c] for c in ("psi", "outside", "missing_accepted", "missing_refused")}
    )


def _moved(ranges: pd.DataFrame, data: ReportData) -> str:
    """Name the variables that have moved, and those with values that training never had."""
    words, said = data.words, []
    for key, chosen in (
        ("moved", ranges[ranges["psi"] > MOVED]),
        ("outside", ranges[ranges["outside"] > 0].sort_values("outside", ascending=False)),
    ):
        names = [tables.variable(name, data.schema) for name in chosen["name"]]
        if names:
            said.append(words(f"refused.{key}", names=_some(names, words)))
        else:
            said.append(words(f"refused.{key}_none"))
    return " ".join(said)


def _some(names: list[str], words: Words) -> str:
    more = len(names) - NAMES_SHOWN
    if more <= 0:
        return words.listed(names)
    return words.listed([*names[:NAMES_SHOWN], words("refused.more", count=f"{more:,}")])


def _bands(bands: pd.DataFrame, words: Words) -> pd.DataFrame:
    labels = [
        words("refused.band", low=f"{low:.1%}", high=f"{high:.1%}")
        for low, high in zip(bands["low"], bands["high"], strict=True)
    ]
    return bands[["accepted", "bad_rate", "refused", "base"]].assign(band=labels)[
        ["band", "accepted", "bad_rate", "refused", "base"]
    ]


def _reading(parts: dict[str, pd.DataFrame], words: Words) -> list[str]:
    """Count what could not be read of the file, and name it."""
    found, notes = _line(parts["file"], "refused"), []
    if found["unread_rows"]:
        reasons = _some(parts["unread"]["name"].to_list(), words)
        count = f"{found['unread_rows']:,.0f}"
        notes.append(
            words("refused.unread_rows", count=count, rows=f"{found['rows']:,.0f}", reasons=reasons)
        )
    if found["unread_cells"]:
        ranges = parts["ranges"]
        some = ranges.loc[ranges["unread_cells"] > 0, "name"].to_list()
        count = f"{found['unread_cells']:,.0f}"
        notes.append(words("refused.unread_cells", count=count, names=_some(some, words)))
    if len(parts["ignored"]):
        names = _some(parts["ignored"]["name"].to_list(), words)
        notes.append(words("refused.ignored", names=names))
    return notes

"""The page for people: a form made from the schema, and the decision. It needs no script."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, StrictUndefined

from creditrisk.champion.scorecard import format_number
from creditrisk.metrics.costs import ACCEPT, REFER, REJECT
from creditrisk.schema import KEY_KINDS, Column
from creditrisk.score.applicants import BadApplicant, Names, checked
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import NO_CELL, Explained, Judged
from creditrisk.score.what_if import NO_PROMISE, NOTHING_HELPS, Alternative
from creditrisk.serve.errors import RequestError

TITLE = "Score one applicant"
REASONS = 4
HEADINGS = {ACCEPT: "Accepted", REJECT: "Rejected", REFER: "Referred to a person"}

CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 640px; padding: 0 16px 48px; background: #fff; color: #222;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 24px 0 8px; }
h2 { font-size: 1.3rem; margin: 0 0 8px; }
h3 { font-size: 1rem; margin: 16px 0 4px; }
.field { margin: 14px 0; }
label { display: block; font-weight: 600; }
input, select, button { font: inherit; min-height: 44px; padding: 8px; width: 100%;
  border: 1px solid #767676; border-radius: 4px; background: #fff; color: #222; }
button { width: auto; padding: 8px 24px; background: #00588a; border-color: #00588a; color: #fff;
  font-weight: 600; cursor: pointer; }
a { color: #00588a; margin-left: 16px; }
:focus-visible { outline: 3px solid #d55e00; outline-offset: 2px; }
[aria-invalid] { border-color: #b00020; border-width: 2px; }
.help, .note, footer { color: #555; font-size: .875rem; }
.box { border: 2px solid #555; border-radius: 6px; padding: 16px; margin: 16px 0; }
.box.good { border-color: #00694a; }
.box.bad { border-color: #b00020; }
dl { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 8px 0; }
dt { color: #555; font-size: .875rem; }
dd { margin: 0; font-size: 1.4rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.scale p { margin: 0; }
.track { fill: #ddd; } .mark { fill: #222; } .cut { fill: #b00020; }
ol, ul { margin: 4px 0; padding-left: 24px; }
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()

CAUSES = {
    "empty": "not given",
    "null_word": "not given",
    "unparseable": "can't be read",
    "out_of_domain": "outside what is allowed",
}


class FormPage:
    """Makes the pages.

    Args:
        champion: the model; its schema makes the fields.
        events: whether scored rows are kept, which the page says.
    """

    def __init__(self, champion: Champion, events: bool):
        self.champion, self.events = champion, events
        environment = Environment(
            loader=PackageLoader("creditrisk.serve"), autoescape=True, undefined=StrictUndefined
        )
        self.template = environment.get_template("form.html")
        self.columns = [
            column for column in champion.schema.needed.values() if column.kind not in KEY_KINDS
        ]

    def page(
        self,
        values: dict[str, str] | None = None,
        judged: Judged | None = None,
        explained: Explained | None = None,
        error: RequestError | None = None,
        alternatives: list[Alternative] | None = None,
    ) -> str:
        """Write the page.

        Args:
            values: what was entered.
            judged: what the champion said of it.
            explained: the reasons.
            error: why it could not be scored.
            alternatives: what would change the decision; None to say nothing of it.
        """
        values = values or {}
        gaps = (
            {n: causes[0] for n, (_, causes) in judged.missing.items() if len(causes)}
            if judged
            else {}
        )
        described = self.champion.description
        fields = [self._field(column, values.get(column.name, ""), gaps.get(column.name))
                  for column in self.columns]  # fmt: skip
        result = self._result(judged, explained, gaps) if judged is not None else None
        if result is not None and alternatives is not None:
            result["what_if"] = [one.text for one in alternatives]
        return self.template.render(
            title=TITLE if result is None else f"{result['heading']}: {TITLE.lower()}",
            css=CSS,
            model={"label": described.label, "sha": described.model_sha256[:12]},
            events=self.events,
            fields=fields,
            result=result,
            error=error,
            nothing_helps=f"{NOTHING_HELPS[:1].upper()}{NOTHING_HELPS[1:]}.",
            no_promise=NO_PROMISE,
        )

    def _field(self, column: Column, value: str, gap: str | None) -> dict[str, Any]:
        numeric = column.kind == "numeric"
        unread = gap if gap in ("unparseable", "out_of_domain") else None
        return {
            "name": column.name,
            "label": _words(column.name) + (f" ({column.unit[0]})" if column.unit else ""),
            "levels": list((column.levels or {}).items()),
            "value": value,
            "mode": ("numeric" if column.integer else "decimal") if numeric else "text",
            "help": "; ".join(filter(None, [_domain(column), CAUSES[unread] if unread else ""])),
            "gap": unread,
        }

    def _result(
        self, judged: Judged, explained: Explained | None, gaps: dict[str, str]
    ) -> dict[str, Any]:
        missing = [f"{_words(name)}: {CAUSES[cause]}" for name, cause in gaps.items()]
        decided = judged.decision(0)
        if decided is None or explained is None:
            return {
                "heading": "No decision",
                "kind": "",
                "pd": None,
                "missing": missing or [NO_CELL],
            }
        pd_, cut_off = float(judged.pd[0]), self.champion.description.threshold
        return {
            "heading": HEADINGS[decided],
            "kind": {ACCEPT: "good", REJECT: "bad"}.get(decided, ""),
            "pd": _percent(pd_),
            "exact": repr(pd_),
            "points": int(judged.points[0]),
            "cut_off": _percent(cut_off),
            "mark": round(198 * pd_, 1),
            "cut": round(199 * cut_off, 1),
            "reasons": [one.text for one in explained.reasons[0]],
            "no_reason": explained.texts[0],
            "missing": missing,
        }


def entered(body: bytes, names: Names) -> dict[str, str]:
    """Read what was entered into the form.

    Args:
        body: of the request, as a browser sends it.
        names: of the columns.

    Returns:
        The schema's name of each column to its text; one that is empty is left out.

    Raises:
        RequestError: 422, with the place.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body),
            errors="strict", max_num_fields=10_000,
        )  # fmt: skip
    except (ValueError, UnicodeDecodeError):
        hint = "Send the form as a browser does."
        raise RequestError(422, "body", "not a form in UTF-8", hint) from None
    keys = tuple(key for key, _ in pairs)
    try:
        sources = names.find(keys)
    except BadApplicant as error:
        raise RequestError(422, error.name, error.problem, error.hint) from None
    found = {}
    for (key, text), source in zip(pairs, sources, strict=True):
        try:
            if text:
                found[names.columns[source].name] = checked(text)
        except ValueError as error:
            raise RequestError(422, key, *error.args) from None
    return found


def _words(name: str) -> str:
    return name.replace("_", " ")


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _domain(column: Column) -> str:
    """Say in words what a cell may hold."""
    parts = [column.description]
    if column.kind == "date":
        parts.append(f"a date, written like {column.format}")
        return ". ".join(filter(None, parts))
    if column.kind == "numeric":
        whole = "a whole number" if column.integer else "a number"
        if column.min is not None:
            whole += f" from {format_number(column.min)}"
        if column.max is not None:
            whole += f" up to {format_number(column.max)}"
        parts.append(whole)
        parts += [f"{code} means {meaning}" for code, meaning in column.special.items()]
    return "; ".join(filter(None, parts))

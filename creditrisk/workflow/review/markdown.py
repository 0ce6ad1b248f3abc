"""The report as GitHub-flavoured Markdown, short enough for a comment of a pull request."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.metrics.performance import LOSSES, METRICS, NAMES, SCORING
from creditrisk.workflow.review.changes import INGEST, LOCK, PREPARE, Changes, changed_stages
from creditrisk.workflow.review.verdict import (
    metric_change,
    scoring,
    sign,
    verdict,
    within_interval,
)

# By this line the workflow finds its comment again.
MARKER = "<!-- creditrisk-report -->"
# GitHub takes 65,536 characters.
LIMIT = 60_000
_SHOWN = ("roc_auc", "brier", "expected_cost")
_WHERE = {"cv": "CV", "nested": "nested CV", "test": "test"}
_COUNTS = {
    "rows read": (INGEST, "rows_read"),
    "rows clean": (PREPARE, "rows_clean"),
    "rows rejected": (PREPARE, "rows_rejected"),
    "train rows": (PREPARE, "split.train.rows"),
    "test rows": (PREPARE, "split.test.rows"),
    "bad rate": (PREPARE, "bad_rate"),
}


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; `folded` ones open on a click, and may be left out."""

    title: str
    body: str
    folded: bool = False

    def text(self) -> str:
        """Write it as Markdown."""
        if not self.folded:
            return f"### {self.title}\n\n{self.body}\n"
        return f"<details><summary>{self.title}</summary>\n\n{self.body}\n\n</details>\n"


def document(changes: Changes, heading: str, pictures: Section, limit: int = LIMIT) -> str:
    """Write the report.

    Args:
        changes: what differs.
        heading: a line that names what is compared.
        pictures: the section of the plots.
        limit: characters at most; the longest folded sections go first.
    """
    words, why = verdict(changes)
    head = f"{MARKER}\n## Credit risk: report of a change\n\n{_stale(changes)}"
    head += f"**{words}.** {_sentence(why)}\n\n{heading}\n"
    parts = [
        Section("Metrics of the champion", metrics_table(changes, _SHOWN) + _NOTE),
        Section("All metrics of the champion", metrics_table(changes, NAMES), folded=True),
        Section("Candidates", candidates_table(changes), folded=True),
        _parameters(changes),
        Section("Stages", stages_table(changes)),
        Section("Data", counts_table(changes)),
        pictures,
        Section("dvc metrics diff", changes.metrics_table or "Nothing.", folded=True),
    ]
    return _within(head, parts, limit)


def metrics_table(changes: Changes, names: tuple[str, ...]) -> str:
    """Tell the champion's metrics in CV, nested CV and on test: base, here, change, interval."""
    rows = []
    for name in names:
        for on, words in _WHERE.items():
            pair = metric_change(changes, name, on)
            if pair.new is None:
                continue
            is_in = within_interval(changes, name, pair.change)
            ends = changes.ci.get(name) if on == "test" else None
            rows.append(
                {
                    "metric": METRICS[name].label + (" (less is better)" if name in LOSSES else ""),
                    "rows": words,
                    "base": number(pair.old),
                    "here": number(pair.new),
                    "change": number(pair.change, "+.4f"),
                    "95% test interval of the base": " to ".join(map(number, ends or [])),
                    "change inside it": {None: "", True: "yes", False: "**no**"}[is_in],
                }
            )
    return table(rows)


_NOTE = (
    "\n\nA change is inside where it would leave the base's test value within that value's 95% "
    "interval. The verdict rests on CV: a change that is picked by its test metrics spoils them."
)


def candidates_table(changes: Changes) -> str:
    """Tell the mean CV score of each candidate that moved, the best here first."""
    metric = SCORING[scoring(changes)][0]
    rows = []
    for path in changes.metrics:
        if Path(path).parent.name != "train":
            continue
        old, new = changes.value(path, f"cv.{metric}")
        change = None if old is None or new is None else new - old
        rows.append((new if new is not None else old, Path(path).stem, old, new, change))
    rows.sort(key=lambda row: (-sign(metric, 1) * row[0], row[1]))
    words = f"CV {METRICS[metric].label}"
    differ = table(
        {
            "candidate": f"`{name}`",
            f"{words}, base": number(old),
            "here": number(new),
            "change": number(change, "+.4f"),
        }
        for _, name, old, new, change in rows
        if change != 0
    )
    same = [f"`{name}`" for _, name, _, _, change in rows if change == 0]
    return differ + (f"\n\nThe same in both: {', '.join(same)}." if same else "")


def stages_table(changes: Changes) -> str:
    """Tell the stages that dvc.lock records differently, and what of their input differs."""
    if not changes.old_lock:
        return f"Not known: the base has no {LOCK}."
    rows = changed_stages(changes.old_lock, changes.new_lock)
    if not rows:
        return "None changed."
    return table(
        {
            "stage": f"`{row['stage']}`" + (f" ({row['why']})" if row["why"] != "changed" else ""),
            "what it reads that differs": _some(row["reads"]) if row["why"] == "changed" else "",
            "outputs that differ": f"{len(row['writes'])} of {row['outs']}",
        }
        for row in rows
    )


def counts_table(changes: Changes) -> str:
    """Tell the counts of the data that differ: rows, rejected by reason, missing by column."""
    counts = dict(_COUNTS)
    names = changes.metrics.get(PREPARE, {})
    for start, words in {"rejected.": "rejected: ", "missing.": "missing: "}.items():
        found = sorted(n for n in names if n.startswith(start))
        counts |= {f"{words}{n.removeprefix(start)}": (PREPARE, n) for n in found}
    values = {words: changes.value(*place) for words, place in counts.items()}
    differ = {w: v for w, v in values.items() if v[0] != v[1]}
    read, clean, rejected = (values[w][1] for w in ("rows read", "rows clean", "rows rejected"))
    total = f"{read:,} rows read, {clean:,} clean, {rejected:,} rejected"
    if not differ:
        return f"No count differs: {total}."
    return table(
        {
            "count": words if words in _COUNTS else f"{words.replace('|', ' ')}",
            "base": _count(old) if changes.known(counts[words][0]) else "not known",
            "here": _count(new),
            "change": "" if old is None or new is None else _count(new - old, "+"),
        }
        for words, (old, new) in differ.items()
    )


def pictures_inline(files: dict[str, Path]) -> Section:
    """Make the section that shows the pictures, for a file that lies beside their folder."""
    shown = [f"![{name}]({path.as_posix()})" for name, path in files.items()]
    return Section("Pictures", "\n\n".join(shown) or "No plot has data.")


def pictures_linked(files: dict[str, Path], link: str | None) -> Section:
    """Make the section that tells where the pictures are: a comment can't hold them."""
    names = ", ".join(files)
    location = f"[in the files of this run]({link})" if link else "written by `make report`"
    return Section("Pictures", f"{names}: {location}." if names else "No plot has data.")


def table(rows: Any) -> str:
    """Write a Markdown table of rows that have the same keys."""
    rows = list(rows)
    if not rows:
        return "None."
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[str(cell).replace("|", "\\|") for cell in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None, form: str = ".4f") -> str:
    """Word a number that may be missing; money in the hundreds and more in whole units."""
    if value is None:
        return ""
    return format(value, form if abs(value) < 100 else form.replace(".4f", ",.0f"))


def _parameters(changes: Changes) -> Section:
    lines = changes.params_table
    count = len(lines.splitlines()) - 2
    if count <= 15:
        return Section("Parameters", lines or "None changed.")
    return Section(f"Parameters ({count} changed)", lines, folded=True)


def _stale(changes: Changes) -> str:
    if not changes.stale:
        return ""
    named = "; ".join(f"`{stage}`: {_some(names)}" for stage, names in changes.stale.items())
    return f"> **These are not the results of this code and data**, run `dvc repro`. {named}.\n\n"


def _some(names: list[str], most: int = 4) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _count(value: float | None, sign: str = "") -> str:
    if value is None:
        return ""
    return format(value, f"{sign}.4f" if isinstance(value, float) else f"{sign},")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _within(head: str, parts: list[Section], limit: int) -> str:
    """Join the parts; while they are too long, the longest folded one gives way to a line."""
    while True:
        text = "\n".join([head, *(part.text() for part in parts)])
        folded = [p for p in parts if p.folded]
        if len(text) <= limit or not folded:
            return text
        longest = max(folded, key=lambda p: len(p.body))
        note = "Too long for this report: see `dvc metrics diff` and `dvc params diff`."
        parts[parts.index(longest)] = Section(longest.title, note)

"""The review as GitHub-flavoured Markdown, short enough for a comment on a pull request."""

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

# `make comment` finds its comment by this line.
MARKER = "<!-- creditrisk-review -->"
# GitHub accepts 65,536 characters.
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
    """A section of the review.

    Attributes:
        title: its heading.
        body: its Markdown.
        folded: whether it is shown only after a click; it may be left out if space is short.
    """

    title: str
    body: str
    folded: bool = False

    def text(self) -> str:
        """Format the section as Markdown."""
        if not self.folded:
            return f"### {self.title}\n\n{self.body}\n"
        return f"<details><summary>{self.title}</summary>\n\n{self.body}\n\n</details>\n"


def document(changes: Changes, heading: str, pictures: Section, limit: int = LIMIT) -> str:
    """Write the review.

    Args:
        changes: the differences.
        heading: a line that names what is compared.
        pictures: the section with the plots.
        limit: maximum number of characters; the longest folded sections are left out first.
    """
    title, reasons = verdict(changes)
    head = f"{MARKER}\n## Credit risk: review of a change\n\n{_stale(changes)}"
    head += f"**{title}.** {_sentence(reasons)}\n\n{heading}\n"
    parts = [
        Section("Metrics of the champion", metrics_table(changes, _SHOWN) + _NOTE),
        Section("All metrics of the champion", metrics_table(changes, NAMES), folded=True),
        Section("Models", candidates_table(changes), folded=True),
        _parameters(changes),
        Section("Stages", stages_table(changes)),
        Section("Data", counts_table(changes)),
        pictures,
        Section("dvc metrics diff", changes.metrics_table or "No difference.", folded=True),
    ]
    return _within(head, parts, limit)


def metrics_table(changes: Changes, names: tuple[str, ...]) -> str:
    """Tabulate the champion's metrics in CV, in nested CV and on the test rows."""
    rows = []
    for name in names:
        better = " (lower is better)" if name in LOSSES else ""
        for on, label in _WHERE.items():
            pair = metric_change(changes, name, on)
            if pair.new is None:
                continue
            is_inside = within_interval(changes, name, pair.change)
            ends = changes.ci.get(name) if on == "test" else None
            rows.append(
                {
                    "metric": METRICS[name].label + better,
                    "rows": label,
                    "base": number(pair.old),
                    "here": number(pair.new),
                    "change": number(pair.change, "+.4f"),
                    "95% test interval of the base": " to ".join(map(number, ends or [])),
                    "change inside it": {None: "", True: "yes", False: "**no**"}[is_inside],
                }
            )
    return table(rows)


_NOTE = (
    "\n\nA change is inside if the base's test value plus the change is within the 95% interval of "
    "that value. The verdict uses CV only: test metrics that decide about a change are biased."
)


def candidates_table(changes: Changes) -> str:
    """Tabulate the mean CV score of each algorithm's model that changed, the best one first."""
    metric = SCORING[scoring(changes)][0]
    rows = []
    for path in changes.metrics:
        if Path(path).parent.name != "train":
            continue
        old, new = changes.value(path, f"cv.{metric}")
        change = None if old is None or new is None else new - old
        rows.append((new if new is not None else old, Path(path).stem, old, new, change))
    rows.sort(key=lambda row: (-sign(metric, 1) * row[0], row[1]))
    score = f"CV {METRICS[metric].label}"
    differ = table(
        {
            "model": f"`{name}`",
            f"{score}, base": number(old),
            "here": number(new),
            "change": number(change, "+.4f"),
        }
        for _, name, old, new, change in rows
        if change != 0
    )
    same = [f"`{name}`" for _, name, _, _, change in rows if change == 0]
    return differ + (f"\n\nThe same in both: {', '.join(same)}." if same else "")


def stages_table(changes: Changes) -> str:
    """Tabulate the stages whose entries in dvc.lock differ, with their changed inputs."""
    if not changes.old_lock:
        return f"Not known: the base has no {LOCK}."
    rows = changed_stages(changes.old_lock, changes.new_lock)
    if not rows:
        return "None changed."
    return table(
        {
            "stage": f"`{row['stage']}`" + (f" ({row['why']})" if row["why"] != "changed" else ""),
            "changed inputs": _some(row["reads"]) if row["why"] == "changed" else "",
            "changed outputs": f"{len(row['writes'])} of {row['outs']}",
        }
        for row in rows
    )


def counts_table(changes: Changes) -> str:
    """Tabulate the changed counts: rows, rejected rows by reason, missing cells by column."""
    counts = dict(_COUNTS)
    names = changes.metrics.get(PREPARE, {})
    for prefix, label in {"rejected.": "rejected: ", "missing.": "missing: "}.items():
        found = sorted(n for n in names if n.startswith(prefix))
        counts |= {f"{label}{n.removeprefix(prefix)}": (PREPARE, n) for n in found}
    values = {label: changes.value(*metric) for label, metric in counts.items()}
    differ = {w: v for w, v in values.items() if v[0] != v[1]}
    read, clean, rejected = (values[w][1] for w in ("rows read", "rows clean", "rows rejected"))
    total = f"{read:,} rows read, {clean:,} clean, {rejected:,} rejected"
    if not differ:
        return f"No counts differ: {total}."
    return table(
        {
            "count": label if label in _COUNTS else f"{label.replace('|', ' ')}",
            "base": _count(old) if changes.known(counts[label][0]) else "not known",
            "here": _count(new),
            "change": "" if old is None or new is None else _count(new - old, "+"),
        }
        for label, (old, new) in differ.items()
    )


def pictures_inline(files: dict[str, Path]) -> Section:
    """Make the section that shows the pictures, for a file next to their folder."""
    shown = [f"![{name}]({path.as_posix()})" for name, path in files.items()]
    return Section("Pictures", "\n\n".join(shown) or "No plot has data.")


def pictures_linked(files: dict[str, Path], link: str | None) -> Section:
    """Make the section that says where the pictures are, as a comment can't contain them."""
    names = ", ".join(files)
    location = f"[in the files of this run]({link})" if link else "written by `make review`"
    return Section("Pictures", f"{names}: {location}." if names else "No plot has data.")


def table(rows: Any) -> str:
    """Format rows that have the same keys as a Markdown table."""
    rows = list(rows)
    if not rows:
        return "None."
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[str(cell).replace("|", "\\|") for cell in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None, form: str = ".4f") -> str:
    """Format a number, which may be missing; without decimals from 100 on, as for money."""
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
    listed = "; ".join(f"`{stage}`: {_some(names)}" for stage, names in changes.stale.items())
    return f"> **These are not the results of this code and data**, run `dvc repro`. {listed}.\n\n"


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
    """Join the parts; while the text is too long, replace the longest folded part by a note."""
    while True:
        text = "\n".join([head, *(part.text() for part in parts)])
        folded = [p for p in parts if p.folded]
        if len(text) <= limit or not folded:
            return text
        longest = max(folded, key=lambda p: len(p.body))
        note = "Too long for this review: see `dvc metrics diff` and `dvc params diff`."
        parts[parts.index(longest)] = Section(longest.title, note)

"""The review as GitHub-flavoured Markdown, short enough for a comment on a pull request."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from creditrisk.core.escape import markdown, markdown_code
from creditrisk.metrics.performance import NAMES
from creditrisk.workflow.review import decisions, tables
from creditrisk.workflow.review.changes import Changes
from creditrisk.workflow.review.verdict import verdict

# `make comment` finds its comment by this line.
MARKER = "<!-- creditrisk-review -->"
# GitHub accepts 65,536 characters.
LIMIT = 60_000
# What an address of a page may contain as it is.
_ADDRESS = ":/?#@!$&'*+,;=%~"
# Stages that lag behind, of which the first ones are named: the others follow them.
_STALE = 2
_SHOWN = ("roc_auc", "brier", "expected_cost")


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
    judged = verdict(changes)
    head = f"{MARKER}\n## Credit risk: review of a change\n\n{_stale(changes)}"
    head += f"**{judged.title}.** {_sentence(judged.reason)}\n\n"
    if moved := tables.verdict_table(changes):
        head += f"{moved}\n\n**Decisions.** {decisions.in_words(changes.swap)}\n\n"
    if judged.look_at:
        head += f"**Look at**\n\n{_bullets(judged.look_at)}\n\n"
    head += " ".join([heading, *map(_sentence, judged.facts)]) + "\n"
    all_metrics = tables.differences_table(changes.metrics, "metric", change=True)
    parts = [
        pictures,
        Section("Metrics of the champion", tables.metrics_table(changes, _SHOWN) + _NOTE),
        Section("Data", tables.counts_table(changes)),
        _parameters(changes),
        Section("Stages", tables.stages_table(changes), folded=True),
        Section("Models", tables.candidates_table(changes), folded=True),
        Section("All metrics of the champion", tables.metrics_table(changes, NAMES), folded=True),
        Section("All numbers that differ", all_metrics or "No difference.", folded=True),
    ]
    return _within(head, parts, limit)


_NOTE = (
    "\n\nThe verdict uses CV only: test metrics that decide about a change are biased. Two "
    "separate estimates give a wider margin than necessary if both are about the same applicants."
)


def _bullets(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def pictures_inline(files: dict[str, Path]) -> Section:
    """Make the section that shows the pictures, for a file next to their folder."""
    shown = [f"![{markdown(name)}]({quote(path.as_posix())})" for name, path in files.items()]
    return Section("Pictures", "\n\n".join(shown) or "No plot has data.")


def pictures_linked(files: dict[str, Path], link: str | None, charts: str = "") -> Section:
    """Make the section that draws charts as text and says where the pictures are.

    Args:
        files: title to file of the pictures, which a comment can't contain.
        link: where they can be downloaded; None if nowhere.
        charts: what a comment can draw itself, in Markdown (see `comment_charts`).
    """
    names = ", ".join(map(markdown, files))
    location = "written by `make review`"
    if link:
        location = f"[in the files of this run](<{quote(link, safe=_ADDRESS)}>)"
    told = f"As pictures: {names}: {location}." if names else "No plot has data."
    return Section("Pictures", f"{charts}\n\n{told}" if charts else told)


def _parameters(changes: Changes) -> Section:
    body = tables.differences_table(changes.params, "parameter")
    count = len(body.splitlines()) - 2
    if count <= 15:
        return Section("Parameters", body or "None changed.")
    return Section(f"Parameters ({count} changed)", body, folded=True)


def _stale(changes: Changes) -> str:
    if not changes.stale:
        return ""
    listed = [
        f"{markdown_code(stage)}: {tables.some(names)}" for stage, names in changes.stale.items()
    ]
    told = "; ".join(listed[:_STALE])
    if len(listed) > _STALE:
        told += f"; and {len(listed) - _STALE} more stages"
    return f"> **These are not the results of this code and data**, run `dvc repro`. {told}.\n\n"


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
        note = "Too long for this review: see the files of `metrics/`, and `dvc params diff`."
        parts[parts.index(longest)] = Section(longest.title, note)

"""What a person reads after a draft was made."""

from collections.abc import Iterator
from pathlib import Path

from creditrisk.core.escape import printable
from creditrisk.schema import Schema
from creditrisk.workflow.draft.draft import Draft
from creditrisk.workflow.draft.write import DEFAULTS, data_block, scalar

FOLDER = Path("data/schema")
NAMED = 8  # columns on one line
PACKED = (".gz", ".zst", ".zstd", ".zip")


def default_output(data_file: str) -> Path:
    """Return the path of the draft: the file's name, without what says how it is packed."""
    path = Path(data_file)
    while path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    return FOLDER / f"{path.stem}.yaml"


def summarise(
    draft: Draft, schema: Schema, output: str, params: str, is_used: bool
) -> Iterator[str]:
    """Yield lines: what was read, what each column became, what to look at, what to do next."""
    rows = f"{draft.rows:,} rows" if draft.is_whole else f"the first {draft.rows:,} rows"
    count = len(draft.guesses) + len(draft.nameless) + 1
    kinds = ", ".join(f"{n} {kind}" for kind, n in draft.kinds().items())
    yield f"{rows}, {count} columns: the target, {kinds}"
    target = draft.target
    excluded = f", {len(target.exclude)} excluded" if target.exclude else ""
    yield (
        f"target {target.column}: good {_names(target.good)}, bad {_names(target.bad)}{excluded}; "
        + "; ".join(target.evidence)
    )
    if draft.application is not None:
        yield f"application_date: {draft.application.source}, {draft.application.evidence}"
    yield from _left_out(draft)
    yield from _to_look_at(draft)
    yield f"wrote {output}, {len(schema.features)} features: look at it, then"
    yield from _next(draft, params, is_used)


def _left_out(draft: Draft) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for guess in draft.guesses:
        if guess.left_out:
            reasons.setdefault(guess.left_out, []).append(guess.source)
    for source, fault in draft.nameless.items():
        reasons.setdefault(fault, []).append(source)
    for reason, sources in reasons.items():
        yield f"left out: {_names(sources)}: {reason}"


def _to_look_at(draft: Draft) -> Iterator[str]:
    for guess in draft.kept:
        for remark in guess.remarks:
            yield f"look at {_short(guess.source)}: {remark}"
    guessed = [g.source for g in draft.kept if "guessed" in g.evidence or "check" in g.evidence]
    if guessed:
        yield f"look at {_names(guessed)}: the comments say what to check"


def _next(draft: Draft, params: str, is_used: bool) -> Iterator[str]:
    if is_used:
        yield f"{params} now names both files: make check"
        return
    block = data_block(draft.data)
    values = [f"{key}: {_quoted(value)}" for key, value in block.items() if key not in DEFAULTS]
    values += [f"{key}: {_quoted(block[key])}" for key in DEFAULTS if key in block]
    yield f"set data in {params} ({', '.join(values)}), or run this again with --force --use"
    yield "make check"


def _quoted(value: object) -> str:
    return scalar(str(value))


def _names(sources: list[str]) -> str:
    more = f" and {len(sources) - NAMED} more" if len(sources) > NAMED else ""
    return ", ".join(map(_short, sources[:NAMED])) + more


def _short(source: str) -> str:
    shown = " ".join(printable(source).split())
    return (shown if len(shown) <= 40 else f"{shown[:37]}...") or "(no name)"

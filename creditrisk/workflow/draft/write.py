"""Write a draft as YAML with a line of evidence above each column."""

import json
import re
from collections.abc import Iterable, Sequence

import yaml

from creditrisk.core.errors import InputError
from creditrisk.core.escape import printable
from creditrisk.core.yaml_text import parse_yaml
from creditrisk.ingest.params import DataParams
from creditrisk.schema import Schema, parse_schema
from creditrisk.workflow.draft.draft import Draft
from creditrisk.workflow.draft.guess import Guess
from creditrisk.workflow.draft.names import written_name

WIDTH = 100  # characters of a line, where it can be broken
LONGEST_COMMENT = 220
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*( [A-Za-z0-9_]+)*|-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
# Keys of `data` that are written only where needed.
DEFAULTS = {"header": "first", "sheet": None, "rejected": "data/refused"}


def draft_text(draft: Draft, name: str) -> str:
    """Return the schema file.

    Args:
        draft: the guesses.
        name: of the data set.
    """
    lines = [*_head(draft), f"name: {scalar(name)}"]
    lines += _comments("", draft.target.evidence)
    lines += _mapping("target", _target_fields(draft), "")
    if draft.application is not None:
        lines += _comments("", [draft.application.evidence])
        lines.append(f"application_date: {scalar(written_name(draft.application.source))}")
    lines.append("columns:")
    for guess in draft.guesses:
        lines += _column(guess)
    for source, fault in draft.nameless.items():
        lines += _comments("  ", [f"left out: {source[:80]}: {fault}"])
    return "\n".join(lines) + "\n"


def check_draft(text: str, path: str) -> Schema:
    """Read the text as `load_schema` will.

    Raises:
        RuntimeError: it is no valid schema, which is a bug of this package.
    """
    try:
        return parse_schema(parse_yaml(text, path, as_text=True), path)
    except InputError as error:
        raise RuntimeError(f"the draft does not load: {error}") from error


def data_block(data: DataParams) -> dict[str, str | None]:
    """Return the entries of the block `data` of params.yaml that this file needs."""
    values = data.model_dump(by_alias=True)
    return {k: v for k, v in values.items() if k not in DEFAULTS or v != DEFAULTS[k]}


def scalar(text: str) -> str:
    """Write a text as a YAML scalar that comes back as the same text.

    Words that a YAML reader takes for something else, such as `no`, are quoted as well.
    """
    if _PLAIN.fullmatch(text) and (text[0] in "-0123456789" or yaml.safe_load(text) == text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in quoted)


def _head(draft: Draft) -> list[str]:
    rows = f"{draft.rows:,} rows" if draft.is_whole else f"the first {draft.rows:,} rows"
    block = yaml.safe_dump({"data": data_block(draft.data)}, sort_keys=False, allow_unicode=True)
    return [
        *_comments("", [
            f"A draft, made by `make schema` from {rows} of {draft.file}.",
            "Each column has a line that says what the guess is based on. Look at what is marked "
            "with: check, guess, suspicious, left out. Then run `make check`.",
            "A column that is commented out is left out; delete the # to use it.",
            "For a numeric column, add min, max and integer where you know them.",
            "In params.yaml:",
        ]),
        *(f"#   {printable(line)}" for line in block.splitlines()),
    ]  # fmt: skip


def _comments(indent: str, lines: Iterable[str]) -> list[str]:
    shown = (" ".join(printable(line).split()) for line in lines)
    return [
        f"{indent}# {line if len(line) <= LONGEST_COMMENT else line[: LONGEST_COMMENT - 3] + '...'}"
        for line in shown
    ]


def _target_fields(draft: Draft) -> dict[str, str | list[str]]:
    target = draft.target
    fields: dict[str, str | list[str]] = {
        "column": written_name(target.column),
        "good": target.good,
        "bad": target.bad,
    }
    return fields | ({"exclude": target.exclude} if target.exclude else {})


def _column(guess: Guess) -> list[str]:
    why = f"left out: {guess.left_out}. " if guess.left_out else ""
    lines = _comments("  ", [why + guess.evidence, *guess.remarks])
    fields: dict[str, str | list[str]] = {"name": guess.name, "kind": guess.kind}
    if guess.date is not None:
        fields["format"] = guess.date.format
    if guess.unit:
        fields["unit"] = guess.unit[0] if len(guess.unit) == 1 else list(guess.unit)
    if guess.levels:
        fields["levels"] = guess.levels
    entry = _mapping(scalar(written_name(guess.source)), fields, "  ")
    if guess.left_out:
        entry = [f"  # {line[2:]}" for line in entry]
    return [*lines, *entry]


def _mapping(key: str, fields: dict[str, str | list[str]], indent: str) -> list[str]:
    """Write an entry on one line, or its fields on lines of their own if it is too long."""
    written = {name: _value(value) for name, value in fields.items()}
    line = f"{indent}{key}: {{{', '.join(f'{k}: {v}' for k, v in written.items())}}}"
    if len(line) <= WIDTH:
        return [line]
    lines = [f"{indent}{key}:"]
    for name, value in fields.items():
        lines += _field(f"{indent}  {name}: ", value, f"{indent}    ")
    return lines


def _value(value: str | Sequence[str]) -> str:
    return scalar(value) if isinstance(value, str) else f"[{', '.join(map(scalar, value))}]"


def _field(start: str, value: str | list[str], indent: str) -> list[str]:
    if isinstance(value, str) or len(start) + len(_value(value)) <= WIDTH:
        return [start + _value(value)]
    lines, line = [], f"{start}["
    for position, item in enumerate(map(scalar, value)):
        piece = item + ("]" if position == len(value) - 1 else ", ")
        if len(line) + len(piece) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += piece
    return [*lines, line]

"""What a parameter may be, in plain words, from the types of its model."""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic import BaseModel, BeforeValidator, Discriminator, Tag
from pydantic_core import PydanticUndefined

BLOCK = "a block of `name: value` lines"
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
# Each type in the singular and in the plural.
_NOUNS = {
    float: ("a number", "numbers"),
    int: ("a whole number", "whole numbers"),
    str: ("a text", "texts"),
    date: ("a date", "dates"),
}


@dataclass(frozen=True)
class Place:
    """A parameter in which an error is.

    Attributes:
        path: its names and positions; pydantic's location has branches of unions as well.
        kind: its type; None if it is not known.
        depth: how many parts of pydantic's location lead to it.
    """

    path: tuple[str | int, ...]
    kind: Any
    depth: int


def find_place(model: type[BaseModel], location: Sequence[str | int]) -> Place:
    """Find the parameter of an error: where the branches of a union differ, the union itself.

    Args:
        model: the model that was validated.
        location: pydantic's location of the error.
    """
    kind: Any = model
    path: list[str | int] = []
    for depth, part in enumerate(location):
        if part == "[key]":  # pydantic's mark of an error in a name of a mapping
            kind = None
            continue
        branches = [one for one in _branches(kind) if one is not type(None)]
        if len(branches) > 1:
            # With a discriminator, a single branch was tried, and what is within it is exact.
            chosen = [one for one in branches if part in _tags(kind, one)]
            if not chosen or depth == len(location) - 1:
                return Place(tuple(path), kind, depth)
            kind = chosen[0]
            continue
        kind = _inner(branches[0], part) if branches else None
        path.append(part)
    return Place(tuple(path), kind, len(location))


def names_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """List the valid names at the level of an unknown name."""
    own = [_split(one)[0] for one in _branches(find_place(model, location[:-1]).kind)]
    found = [one.model_fields for one in own if hasattr(one, "model_fields")]
    fields = found[0] if found else {}
    return [field.alias or name for name, field in fields.items()]


def is_union(kind: Any) -> bool:
    """Whether a type has several branches, null among them."""
    return len(_branches(_of_input(kind))) > 1


def allowed(kind: Any, as_text: bool = False) -> list[str]:
    """List what a type allows: `auto`, `a number from 0 to 0.5`; empty if that is not known.

    Args:
        kind: the type.
        as_text: whether the file's scalars were read as text: then there is no null.
    """
    kind = _of_input(kind)
    if _is_open(_split(kind)[1]):
        return []
    branches = [one for one in _branches(kind) if not (as_text and one is type(None))]
    found = [_choices(one) for one in branches]
    return list(dict.fromkeys(word for words in found for word in words)) if all(found) else []


def written(value: Any, as_text: bool = False) -> str:
    """Write a value on one line, as it stands in YAML; `as_text` as in `allowed`."""
    if as_text and isinstance(value, str):
        return value
    try:
        text = yaml.safe_dump(
            value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9
        )
    except yaml.YAMLError:  # not from a file
        text = str(value)
    return " ".join(text.removesuffix("...\n").split())


def _split(kind: Any) -> tuple[Any, list[Any]]:
    """Return a type without its annotations, and these, flat."""
    if get_origin(kind) is not Annotated:
        return kind, []
    base, *notes = get_args(kind)
    return base, [n for note in notes for n in getattr(note, "metadata", None) or [note]]


def _branches(kind: Any) -> list[Any]:
    base = _split(kind)[0]
    return list(get_args(base)) if get_origin(base) in (Union, types.UnionType) else [kind]


def _of_input(kind: Any) -> Any:
    """Replace a type by what a validator before it says that it takes."""
    base, notes = _split(kind)
    for note in notes:
        if isinstance(note, BeforeValidator) and not _is_open([note]):
            rest = [n for n in notes if n is not note]
            return _annotated(note.json_schema_input_type, rest)
    return _annotated(base, notes)


def _annotated(base: Any, notes: Sequence[Any]) -> Any:
    return Annotated[base, *notes] if notes else base


def _is_open(notes: Sequence[Any]) -> bool:
    """Whether a validator takes other types than the annotation has, and does not say which."""
    return any(
        isinstance(n, BeforeValidator) and n.json_schema_input_type is PydanticUndefined
        for n in notes
    )


def _tags(union: Any, branch: Any) -> list[str]:
    notes = _split(union)[1]
    if not any(isinstance(note, Discriminator) for note in notes):
        return []
    return [note.tag for note in _split(branch)[1] if isinstance(note, Tag)]


def _inner(kind: Any, part: str | int) -> Any:
    """Return the type of a part of a block, a mapping or a list; None if it is not known."""
    base = _split(kind)[0]
    if isinstance(base, type) and issubclass(base, BaseModel):
        return _of_field(base, part)
    inner = get_args(base)
    if get_origin(base) is dict:
        return inner[1]
    return inner[0] if get_origin(base) in (list, tuple) else None


def _of_field(model: type[BaseModel], part: str | int) -> Any:
    for name, field in model.model_fields.items():
        if part in (name, field.alias):
            return _annotated(field.annotation, field.metadata)
    if model.model_config.get("extra") != "allow":
        return None
    hints = get_type_hints(model, include_extras=True)
    return _inner(hints.get("__pydantic_extra__"), part)


def _choices(kind: Any) -> list[str]:
    base, notes = _split(_of_input(kind))
    if get_origin(base) is Literal:
        return [] if _is_open(notes) else [written(value) for value in get_args(base)]
    if base in (None, type(None)):
        return ["null"]
    if base is bool:
        return ["true", "false"]
    return [noun[0]] if (noun := _noun(base, notes)) else []


def _noun(base: Any, notes: Sequence[Any]) -> tuple[str, str] | None:
    """Name a type in the singular and in the plural."""
    if _is_open(notes):
        return None
    if base in _NOUNS:
        bounds = _bounds(notes)
        return _NOUNS[base][0] + bounds, _NOUNS[base][1] + bounds
    if get_origin(base) is dict or (isinstance(base, type) and issubclass(base, BaseModel)):
        return BLOCK, BLOCK.replace("a block", "blocks")
    if get_origin(base) in (list, tuple):
        many = f" of {_number(notes)}{_plural(get_args(base)[0])}"
        return "a list" + many, "lists, each" + many
    return None


def _plural(kind: Any) -> str:
    base, notes = _split(_of_input(kind))
    noun = _noun(base, notes)
    if noun is not None:
        return noun[1]
    words = allowed(kind)
    return f"values, each {' or '.join(words)}" if words else "values"


def _number(notes: Sequence[Any]) -> str:
    """Say how many values a list has: `two `, `1 to 25 `; empty if that is free."""
    low = _limits(notes).get("min_length", 0)
    high = _limits(notes).get("max_length")
    if low == high:
        return f"{_COUNTS[low] if low < len(_COUNTS) else low} "
    if high is not None:
        return f"{low} to {high} "
    return f"{low} or more " if low else ""


def _bounds(notes: Sequence[Any]) -> str:
    limits = {name: f"{limit:.15g}" for name, limit in _limits(notes).items()}
    if "ge" in limits and "le" in limits:
        return f" from {limits['ge']} to {limits['le']}"
    words = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}
    found = [f"{word} {limits[name]}" for name, word in words.items() if name in limits]
    return f" {' and '.join(found)}" if found else ""


def _limits(notes: Sequence[Any]) -> dict[str, Any]:
    """Read the limits by their names in pydantic: each annotation has those that it sets."""
    names = ("gt", "ge", "lt", "le", "min_length", "max_length")
    return {name: getattr(note, name) for note in notes for name in names if hasattr(note, name)}

"""The one reader of YAML: what is too deep, too large or ambiguous is an error of one line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from creditrisk.core.errors import InputError
from creditrisk.core.text import normalise

MAX_DEPTH = 50  # levels of nesting; the library's code calls itself for each
# A few lines of aliases of aliases may stand for billions of values. So many more than are written:
MAX_ALIASED = 10_000
# What the library raises beside its own error, for a value that does not fit its tag or its type.
_UNFIT = (ValueError, LookupError, AttributeError, TypeError, OverflowError)


def parse_yaml(content: str | bytes, path: str | Path, as_text: bool = False) -> Any:
    """Parse a YAML document.

    Args:
        content: the document.
        path: its file, for errors.
        as_text: whether every scalar stays the text that is written: `1`, `no` and `2.0` are codes.

    Raises:
        InputError: it is not YAML, a key occurs twice, or it is nested too deeply or has aliases
            for too many values.
    """
    kind = yaml.CBaseLoader if as_text else yaml.CSafeLoader
    try:
        written = _count_events(content, path)
        loader = kind(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_nodes(node, path, MAX_ALIASED + written)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, *_UNFIT) as error:
        problem, hint = f"not YAML: {error}", "Correct the syntax."
        raise InputError(path, "file", problem, hint, quotes_data=True) from None


def _count_events(content: str | bytes, path: str | Path) -> int:
    """Count the values that are written, before anything is built from them."""
    depth = written = 0
    for event in yaml.parse(content, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _too_deep(path, event.start_mark)
        written += 1
    return written


def _check_nodes(root: yaml.Node, path: str | Path, limit: int) -> None:
    """Check the document with every alias replaced by what it stands for."""
    count = 0
    rest = [(root, 1)]
    while rest:
        node, depth = rest.pop()
        count += 1
        if depth > MAX_DEPTH:  # also if a value contains itself
            raise _too_deep(path, node.start_mark)
        if count > limit:
            problem = f"its aliases stand for more than {MAX_ALIASED} values"
            raise InputError(path, "file", problem, "Write the values out.")
        if isinstance(node, yaml.MappingNode):
            _refuse_repeats(node, path)
        rest.extend((part, depth + 1) for part in _parts(node))


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair


def _refuse_repeats(node: yaml.MappingNode, path: str | Path) -> None:
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            name = (key.tag, normalise(key.value))
            if name in seen:
                location, problem = f"line {key.start_mark.line + 1}", f"{key.value}: occurs twice"
                raise InputError(path, location, problem, "Keep one.", quotes_data=True)
            seen.add(name)


def _too_deep(path: str | Path, mark: Any) -> InputError:
    problem = f"more than {MAX_DEPTH} values within values"
    return InputError(path, f"line {mark.line + 1}", problem, "Write it flatter.")

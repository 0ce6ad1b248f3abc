"""Change values in a YAML file without changing any other byte."""

from typing import Any

import yaml

from creditrisk.core.errors import InputError


def replace_values(text: str, path: list[str | int], values: dict[str, Any]) -> str:
    """Set new values for keys of one block.

    Args:
        text: a YAML document.
        path: the keys that lead to the block.
        values: key to new value; a key that the block does not have is added at its end.

    Returns:
        The changed document.

    Raises:
        InputError: the block can't be changed in place, for example because it has an alias.
    """
    block = _block(text, path)
    nodes = {key.value: (key, value) for key, value in block.value}
    edits = [(*_span(*nodes[key]), _flow(v)) for key, v in values.items() if key in nodes]
    new = {key: value for key, value in values.items() if key not in nodes}
    if new:
        edits.append(_addition(text, block, new))
    changed = text
    for start, end, replacement in sorted(edits, reverse=True):
        changed = changed[:start] + replacement + changed[end:]
    expected = yaml.safe_load(text)
    expected_block = expected
    for name in path:
        expected_block = expected_block[name]
    expected_block.update(values)
    try:
        is_right = yaml.safe_load(changed) == expected
    except yaml.YAMLError:
        is_right = False
    if not is_right:
        hint = f"Write these values by hand: {_flow(values)}"
        raise InputError("params.yaml", ".".join(map(str, path)), "can't be changed in place", hint)
    return changed


def _block(text: str, path: list[str | int]) -> yaml.MappingNode:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in path:
        node = next(value for key, value in node.value if key.value == str(name)) if node else None
    if not isinstance(node, yaml.MappingNode):
        hint = "Write `name: value` lines."
        raise InputError(
            "params.yaml", ".".join(map(str, path)), "is not a block of parameters", hint
        )
    return node


def _span(key: yaml.Node, value: yaml.Node) -> tuple[int, int]:
    return value.start_mark.index, max(_end(value), key.end_mark.index)


def _end(node: yaml.Node) -> int:
    """Find where a node ends. PyYAML's end of a block node includes the comments after it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return node.end_mark.index
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _addition(text: str, block: yaml.MappingNode, new: dict[str, Any]) -> tuple[int, int, str]:
    end = _end(block)
    if block.flow_style:
        at = _end(block.value[-1][1]) if block.value else block.start_mark.index + 1
        lines = ", ".join(f"{key}: {_flow(value)}" for key, value in new.items())
        return at, at, f", {lines}" if block.value else lines
    line = text.find("\n", end)
    at = len(text) if line < 0 else line
    newline = "\r\n" if text[at - 1 : at + 1] == "\r\n" else "\n"
    at -= len(newline) - 1
    indent = " " * block.start_mark.column
    return at, at, "".join(f"{newline}{indent}{k}: {_flow(v)}" for k, v in new.items())


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    return text.strip().removesuffix("...").strip()

"""Which source files a module imports, found by reading code, not by running it."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import creditrisk

PACKAGES = ("creditrisk", "stages", "commands")


def import_closure(module: str, root: Path) -> set[Path]:
    """Find all source files of this project that importing a module runs.

    Imports inside functions count too: a stage may reach them. Those under `if TYPE_CHECKING`
    do not: they never run.

    Args:
        module: dotted name, as `stages.train`.
        root: folder that holds the packages.

    Returns:
        Paths relative to `root`, the `__init__.py` of every package on the way included.
    """
    found: set[Path] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        for path in _files(name, root):
            if path not in found:
                found.add(path)
                todo += imported_modules((root / path).read_text(encoding="utf-8"))
    return found


def read_closure(module: str) -> dict[str, bytes]:
    """Read the source files that importing a module of `creditrisk` runs.

    Returns:
        Paths from the project's folder, such as `creditrisk/schema.py`, to contents.
    """
    root = Path(creditrisk.__file__).parents[1]
    found = sorted(path.as_posix() for path in import_closure(module, root))
    return {path: (root / path).read_bytes() for path in found}


def _files(name: str, root: Path) -> Iterator[Path]:
    """The source file of a dotted name and those of the packages above it; none of other code."""
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return
    for depth in range(1, len(parts) + 1):
        stem = Path(*parts[:depth])
        for path in (stem / "__init__.py", stem.with_suffix(".py")):
            if (root / path).is_file():
                yield path


@functools.cache  # modules share what they import
def imported_modules(code: str) -> tuple[str, ...]:
    """Dotted names that code imports; `from a import b` may mean the module `a.b`."""
    names: list[str] = []
    todo: list[ast.AST] = [ast.parse(code)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        todo += ast.iter_child_nodes(node)
    return tuple(names)

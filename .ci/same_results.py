"""Compare the results in the work tree with the committed ones: the same, or say where not.

What is counted must be equal. What is fitted may differ in the last digits on another processor,
where the numerical libraries take other paths.
"""

import json
import subprocess
import sys
from pathlib import Path

FITTED = ("metrics/train/", "metrics/select.json", "metrics/evaluate.json")
TOLERANCE = 1e-6  # metrics equal to 1e-6 (docs/architecture.md, Law 4)


def leaves(value, path=""):
    """Yield (path, leaf) of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        where = f"{path}.{key}" if path else str(key)
        if isinstance(part, dict | list):
            yield from leaves(part, where)
        else:
            yield where, part


def differences(name: str) -> list[str]:
    """Compare one metrics file with its committed version."""
    shown = subprocess.run(["git", "show", f"HEAD:{name}"], capture_output=True, check=True).stdout
    old, new = dict(leaves(json.loads(shown))), dict(leaves(json.loads(Path(name).read_text())))
    tolerance = TOLERANCE if name.startswith(FITTED) else 0.0
    found = [f"{name}: {where} came or went" for where in sorted(old.keys() ^ new.keys())]
    for where in sorted(old.keys() & new.keys()):
        a, b = old[where], new[where]
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
        if a != b and not (numbers and abs(a - b) <= tolerance * max(1.0, abs(a))):
            found.append(f"{name}: {where} was {a}, is {b}")
    return found


def main() -> None:
    """Exit 1 where a committed result is not reproduced."""
    names = subprocess.run(
        ["git", "ls-files", "metrics/*.json"], capture_output=True, text=True, check=True
    ).stdout.split()
    found = [line for name in names for line in differences(name)]
    print("\n".join(found[:20]) or f"{len(names)} metrics files as committed")
    sys.exit(1 if found or not names else 0)


if __name__ == "__main__":
    main()

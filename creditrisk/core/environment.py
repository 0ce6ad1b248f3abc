"""The Python that runs us: whether it has the packages that we need."""

import sys
from importlib.util import find_spec


def require_packages() -> None:
    """Exit with code 2 and one line if this Python lacks the locked packages.

    The scripts call it before their other imports, which would fail with a traceback.
    """
    if find_spec("pandas") is None:
        print(
            f"error: {sys.executable}: packages: this Python has none of requirements.lock. "
            "Run `source .venv/bin/activate` first, or `make repro`.",
            file=sys.stderr,
        )
        sys.exit(2)

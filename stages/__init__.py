"""One small CLI script a DVC stage, run as `python -m stages.NAME`."""

import sys
from importlib.util import find_spec

if find_spec("pandas") is None:
    print(
        f"error: {sys.executable}: packages: this Python has none of requirements.lock. "
        "Run `source .venv/bin/activate` first, or `make repro`.",
        file=sys.stderr,
    )
    sys.exit(2)

"""Credit-risk evaluation: the library behind the stages and the commands.

For people who work in Python: `from creditrisk import load_champion`, see `creditrisk.score.api`.
"""

import importlib
from typing import Any

__all__ = ["load_champion"]


def __getattr__(name: str) -> Any:
    # By its name and when it is asked for: a stage that imports the package does not load it.
    if name in __all__:
        return getattr(importlib.import_module("creditrisk.score.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The Python that runs us: whether it has the packages that we need, and of which versions."""

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

# What a model file depends on: another version may read it differently, or give other PDs.
LIBRARIES = ("scikit-learn", "imbalanced-learn", "category_encoders", "xgboost", "pandas", "numpy")
# A library that comes in distributions of several names; the first one that is installed counts.
DISTRIBUTIONS = {"xgboost": ("xgboost-cpu", "xgboost")}


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


def requirement(library: str) -> str | None:
    """What installs a library as it is here, `xgboost-cpu==3.2.0`; None where it is missing."""
    for name in DISTRIBUTIONS.get(library, (library,)):
        try:
            return f"{name}=={version(name)}"
        except PackageNotFoundError:
            continue
    return None


def library_version(library: str) -> str | None:
    """The version of an installed library; None where it is missing."""
    found = requirement(library)
    return None if found is None else found.partition("==")[2]

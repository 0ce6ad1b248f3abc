"""Write docs/licences.md: the licence of each package in the lock files (`make licences`).

The licences are read from the installed packages, in all environments of the project. What is not
installed on this machine (a package for Windows), or does not name its licence, is in stated.yaml.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

import yaml

from tools.licences.kinds import KINDS, kind_of
from tools.locks import pinned

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "licences.md"
# Lock file to what it is for; the first one is what trains and scores.
LOCKS = {
    "requirements.lock": "pipeline",
    "requirements-serve.lock": "service",
    "requirements-image.lock": "image",
    "requirements-mlflow.lock": "MLflow server",
    "requirements-s3.lock": "s3",
    "requirements-gdrive.lock": "gdrive",
    "requirements-gcs.lock": "gcs",
    "requirements-test.lock": "tests",
    "requirements-s3-test.lock": "tests of s3",
    "requirements-audit.lock": "audit",
}
UNKNOWN = "unknown"
_NO_NAME = re.compile(r"unknown|dual|\bsee\b|\.txt|\.md|^licen[cs]e$|://", re.IGNORECASE)
_GCC = re.compile(r"\.(?:libs|dylibs)/lib(gfortran|quadmath|gomp)\b")


@dataclass(frozen=True)
class Row:
    """A package in one version.

    Attributes:
        name: its name.
        version: its version.
        licence: its licence.
        used: the environments that have it.
        direct: whether pyproject.toml names it.
    """

    name: str
    version: str
    licence: str
    used: tuple[str, ...]
    direct: bool


def licence_of(package: Distribution) -> str:
    """Read a package's licence: its SPDX expression, else its text if short, else classifiers."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    marks = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    named = [mark.rsplit(" :: ", 1)[-1] for mark in marks]
    named = [name for name in named if name != "OSI Approved"]
    text = " ".join((metadata.get("License") or "").split())
    # A text may name a second licence or an exception, which a classifier can't. Some are long.
    short = len(text) <= 40 and not _NO_NAME.search(text)
    return (text if short else "") or "; ".join(named) or UNKNOWN


def read_installed(environments: Iterable[Path]) -> dict[tuple[str, str], Distribution]:
    """Map name and version to the installed package, over all environments."""
    folders = [str(f) for env in environments for f in env.glob("lib/python3*/site-packages")]
    found = distributions(path=folders)
    return {(_plain(package.metadata["Name"]), package.version): package for package in found}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_locks(folder: Path) -> dict[tuple[str, str], list[str]]:
    """Map name and version of each locked package to the environments that have it."""
    used: dict[tuple[str, str], list[str]] = {}
    for lock, what in LOCKS.items():
        for name, version in pinned((folder / lock).read_text(encoding="utf-8")):
            used.setdefault((_plain(name), version), []).append(what)
    return used


def read_direct(folder: Path) -> set[str]:
    """List the packages that pyproject.toml names."""
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    return {
        _plain(name) for name in re.findall(r'^[^#]*?"([\w.-]+)(?:\[[\w,-]+\])?[<>=~]', text, re.M)
    }


def rows_of(
    used: dict[tuple[str, str], list[str]],
    licences: dict[tuple[str, str], str],
    stated: dict[str, str],
    direct: set[str],
) -> list[Row]:
    """Make a row for each package; a licence that is neither read nor stated is unknown."""
    rows = []
    for (name, version), where in sorted(used.items()):
        licence = licences.get((name, version), UNKNOWN)
        if licence == UNKNOWN:
            licence = f"{stated[name]} (stated)" if name in stated else UNKNOWN
        # What the pipeline has, the tests have too.
        shown = (
            ("pipeline",) if "pipeline" in where and set(where) <= {"pipeline", "tests"} else where
        )
        rows.append(Row(name, version, licence, tuple(shown), name in direct))
    return rows


def page(rows: list[Row], gcc: list[str]) -> str:
    """Write the page."""
    parts = [(Path(__file__).with_name("page.md")).read_text(encoding="utf-8").rstrip()]
    for kind, meaning in KINDS.items():
        members = [row for row in rows if kind_of(row.licence) == kind]
        named = ", ".join(f"{row.name} {row.version} ({row.licence})" for row in members) or "none"
        parts.append(f"**{kind}** ({len(members)}): {named}. {meaning}")
    parts.append(
        "**Libraries of GCC inside wheels**, which the licence of the package need not name "
        "(libgfortran, libgomp: GPL with an exception for linking; libquadmath: LGPL): "
        f"{', '.join(gcc)}."
    )
    unknown = [f"{row.name} {row.version}" for row in rows if row.licence == UNKNOWN]
    parts.append(f"**Unknown** ({len(unknown)}): {', '.join(unknown) or 'none'}.")
    parts.append("## All packages")
    table = [
        "| package | version | licence | direct | used by |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = (
            row.name,
            row.version,
            row.licence,
            "yes" if row.direct else "",
            ", ".join(row.used),
        )
        table.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n\n".join([*parts, "\n".join(table)]) + "\n"


def main() -> None:
    """Write the page from the environments of this project."""
    installed = read_installed([ROOT / ".venv", *sorted(ROOT.glob(".venv-*"))])
    licences = {key: licence_of(package) for key, package in installed.items()}
    stated = yaml.safe_load(Path(__file__).with_name("stated.yaml").read_text(encoding="utf-8"))
    used = read_locks(ROOT)
    rows = rows_of(used, licences, stated, read_direct(ROOT))
    gcc = sorted(
        f"{name} {version}"
        for (name, version), package in installed.items()
        if (name, version) in used and any(_GCC.search(str(f)) for f in package.files or [])
    )
    PAGE.write_text(page(rows, gcc), encoding="utf-8")
    unknown = sum(row.licence == UNKNOWN for row in rows)
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} packages, {unknown} with an unknown licence")


if __name__ == "__main__":
    main()

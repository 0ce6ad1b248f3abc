"""docs/licences.md has a line for every locked package; `make licences` writes it."""

import sys
from email.message import Message
from pathlib import Path

import pytest

from tests.support.project import ROOT
from tools.licences.kinds import kind_of
from tools.licences.table import (
    LOCKS,
    UNKNOWN,
    licence_of,
    page,
    read_direct,
    read_installed,
    read_locks,
    rows_of,
)

PAGE = (ROOT / "docs/licences.md").read_text()


def table() -> dict[tuple[str, str], list[str]]:
    """Name and version to the other cells."""
    lines = [line for line in PAGE.partition("## All packages")[2].splitlines() if line[:1] == "|"]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {(row[0], row[1]): row[2:] for row in rows}


def test_every_locked_package_has_its_line_with_its_version():
    assert set(table()) == set(read_locks(ROOT)), "run `make licences`"


def test_every_lock_file_is_in_the_table():
    assert set(LOCKS) == {path.name for path in ROOT.glob("requirements*.lock")}


def test_licences_are_those_of_the_installed_packages():
    installed = read_installed([Path(sys.prefix)])
    found = {key: licence_of(package).replace("|", "/") for key, package in installed.items()}
    shown = {key: cells[0] for key, cells in table().items() if key in found}
    assert len(shown) > 100
    assert {k: v for k, v in shown.items() if found[k] not in (v, UNKNOWN)} == {}


def test_the_gpl_family_is_named_with_what_it_means():
    lines = {kind: line for line in PAGE.splitlines() for kind in ("AGPL", "LGPL", "GPL", "MPL")
             if line.startswith(f"**{kind}**")}  # fmt: skip
    for (name, version), (licence, *_) in table().items():
        kind = kind_of(licence)
        if kind:
            assert f"{name} {version} ({licence})" in lines[kind].replace(" | ", " / ")
    assert "pygit2" in lines["GPL"]
    assert "certifi" in lines["MPL"]


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("AGPL-3.0-only", "AGPL"),
        ("GNU Affero General Public License v3", "AGPL"),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL"),
        ("LGPL-2.1-or-later", "LGPL"),
        ("EPL-2.0 OR GPL-2.0-or-later", "GPL"),
        ("GNU General Public License v2 (GPLv2)", "GPL"),
        ("MPL-2.0 AND MIT", "MPL"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL"),
        ("Apache-2.0", None),
        ("unknown", None),
    ],
)
def test_kinds_of_licences(licence, kind):
    assert kind_of(licence) == kind


class Package:
    """An installed package, as far as its licence goes."""

    def __init__(self, **fields: str):
        self.metadata = Message()
        for name, value in fields.items():
            self.metadata[name.replace("_", "-")] = value


@pytest.mark.parametrize(
    ("package", "licence"),
    [
        (Package(License_Expression="MIT", License="BSD"), "MIT"),
        (Package(License="GPLv2 | EPLv1", Classifier="License :: OSI Approved :: GPLv2"),
         "GPLv2 | EPLv1"),
        (Package(License="See LICENSE.txt", Classifier="License :: OSI Approved :: ISC"), "ISC"),
        (Package(License="Copyright " * 99, Classifier="License :: OSI Approved"), UNKNOWN),
        (Package(License="UNKNOWN"), UNKNOWN),
        (Package(), UNKNOWN),
    ],
)  # fmt: skip
def test_a_licence_is_read_from_what_the_package_says(package, licence):
    assert licence_of(package) == licence


def test_an_unknown_licence_is_named_as_such():
    used = {("odd", "1"): ["pipeline", "tests"], ("win", "2"): ["s3"], ("ok", "3"): ["tests"]}
    rows = rows_of(used, {("ok", "3"): "MIT"}, {"win": "PSF-2.0"}, {"ok"})
    assert [(row.licence, row.used, row.direct) for row in rows] == [
        (UNKNOWN, ("pipeline",), False),
        ("MIT", ("tests",), True),
        ("PSF-2.0 (stated)", ("s3",), False),
    ]
    assert "**Unknown** (1): odd 1." in page(rows, [])


def test_packages_that_pyproject_names_are_direct():
    direct = read_direct(ROOT)
    assert {"dvc", "pandas", "category-encoders", "pip-audit", "moto", "dvc-s3"} <= direct
    assert not direct & {"pygit2", "numpy", "creditrisk"}

"""The rooms: who may import whom, and that dvc.yaml declares all the code of each stage."""

import re
from pathlib import Path

import pytest
import yaml

from creditrisk.tracking.imports import import_closure, imported_modules
from stages.select import LOADER
from tests.support.project import ROOT

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
MONITORING = yaml.safe_load((ROOT / "monitor/dvc.yaml").read_text())["stages"]
STEPS = ["ingest", "prepare", "eda", "featurize", "train", "select", "evaluate"]
GROUND = {"core", "html", "metrics", "modeling", "tracking", "schema", "bins"}
# What a room may import beside itself. Steps may use the ground and earlier steps.
ALLOWED = {
    "core": set(),
    "html": set(),
    "schema": {"core"},
    "bins": {"core", "schema"},
    "metrics": {"core"},
    "modeling": {"core"},
    "tracking": {"core"},
    "champion": {"core", "metrics", "modeling", "schema", "featurize"},
    "report": {"core", "html", "metrics", "schema", "champion", "evaluate"},
    "score": GROUND | set(STEPS[:4]) | {"champion"},
    "serve": {"core", "metrics", "schema", "ingest", "prepare", "champion", "score"},
    "monitor": GROUND - {"tracking"} | set(STEPS[:4]) | {"champion", "score"},
    **{step: GROUND | set(STEPS[:i]) | {"champion"} for i, step in enumerate(STEPS)},
}
ALLOWED["evaluate"] |= {"score"}  # it reads refused applicants as the service does
for early in STEPS[:5]:
    ALLOWED[early] -= {"champion"}  # there is none before select


def room(path: Path) -> str:
    """The room of a file under creditrisk/."""
    parts = path.relative_to(ROOT / "creditrisk").parts
    return parts[0].removesuffix(".py")


def rooms_of(path: Path) -> set[str]:
    """The rooms that a file imports from."""
    return {
        name.split(".")[1]
        for name in imported_modules(path.read_text(encoding="utf-8"))
        if name.startswith("creditrisk.")
    }


FILES = sorted((ROOT / "creditrisk").rglob("*.py"))


def test_every_room_has_its_rule():
    rooms = {room(path) for path in FILES} - {"__init__", "workflow"}
    assert rooms == set(ALLOWED)


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_a_room_imports_only_what_it_may(name: str):
    for path in FILES:
        if room(path) == name:
            assert rooms_of(path) - {name} <= ALLOWED[name], path


def test_nothing_imports_stages_commands_or_workflow():
    for path in FILES:
        names = imported_modules(path.read_text(encoding="utf-8"))
        tops = {name.split(".")[0] for name in names}
        assert not tops & {"stages", "commands"}, path
        if room(path) != "workflow":
            assert "workflow" not in rooms_of(path), path


@pytest.mark.slow
def test_no_circle_of_imports():
    closures = {path: _modules_below(path) for path in FILES if path.name != "__init__.py"}
    for path, below in closures.items():
        for other in below - {path}:
            assert path not in closures.get(other, set()), f"{path} and {other}"


def _modules_below(path: Path) -> set[Path]:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return {ROOT / p for p in import_closure(name, ROOT) if p.name != "__init__.py"}


@pytest.mark.parametrize("stage", STEPS)
def test_dvc_yaml_declares_the_code_that_a_stage_imports_and_no_other(stage: str):
    body = PIPELINE[stage].get("do", PIPELINE[stage])
    deps = [dep.removeprefix("${root}/") for dep in body["deps"]]
    code = [d for d in deps if d.startswith(("stages/", "creditrisk/"))]
    files = {path.as_posix() for path in import_closure(f"stages.{stage}", ROOT)}
    if stage == "select":  # its code travels with the registered model
        files |= {path.as_posix() for path in import_closure(LOADER, ROOT)}
    covered(code, files)


@pytest.mark.parametrize("stage", sorted(MONITORING))
def test_the_second_pipeline_declares_its_code_as_well(stage: str):
    deps = MONITORING[stage]["deps"]
    code = [dep for dep in deps if dep.startswith(("commands/", "creditrisk/"))]
    covered(code, {path.as_posix() for path in import_closure(f"commands.{stage}", ROOT)})


def covered(code: list[str], files: set[str]) -> None:
    """Each file is declared, and nothing else is."""

    def covers(dep: str, file: str) -> bool:
        return file == dep or file.startswith(f"{dep}/")

    assert [f for f in sorted(files) if not any(covers(dep, f) for dep in code)] == []
    assert [dep for dep in code if not any(covers(dep, f) for f in files)] == []


def test_stages_are_what_dvc_yaml_runs_and_commands_what_make_help_lists():
    stages = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert stages == set(PIPELINE) == set(STEPS)
    commands = {path.stem for path in (ROOT / "commands").glob("*.py")} - {"__init__"}
    makefile = (ROOT / "Makefile").read_text()
    called = set(re.findall(r"python -m commands\.(\w+)", makefile))
    assert commands == called


def test_the_closure_follows_imports_in_functions_but_not_those_for_types(tmp_path: Path):
    package = tmp_path / "creditrisk"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from creditrisk import types_only\n"
        "def f():\n    from creditrisk.b import x\n"
    )
    for name in ("b", "types_only", "unused"):
        (package / f"{name}.py").write_text("import os\n")
    found = {path.as_posix() for path in import_closure("creditrisk.a", tmp_path)}
    assert found == {"creditrisk/__init__.py", "creditrisk/a.py", "creditrisk/b.py"}

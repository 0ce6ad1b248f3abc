"""Run a stage as `python -m stages.NAME` does, in this process or in one of its own."""

import contextlib
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import yaml

from creditrisk.core.cli import run
from tests.support.defects import PARAMS, ROOT

OUTPUTS = {
    "ingest": ("data/interim/raw.parquet", "metrics/ingest.json"),
    "prepare": (
        "data/interim/clean.parquet",
        "data/interim/rejected.parquet",
        "metrics/prepare.json",
    ),
}
ONE_LINE = re.compile(r"error: [^:\n]+: [^\n]+?: [^\n]+\. [^\n]+\n")


def make_project(folder: Path, source: bytes | None = None, **changed) -> Path:
    """Lay a project out: params.yaml, the schema, the source `data/raw/source.csv`.

    `changed` holds blocks of params.yaml; a mapping is merged into the block.
    """
    (folder / "data/raw").mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "data/schema", folder / "data/schema", dirs_exist_ok=True)
    blocks = {"data": {}} | changed
    tree = dict(PARAMS) | {
        name: (PARAMS.get(name, {}) | block) if isinstance(block, dict) else block
        for name, block in blocks.items()
    }
    tree["data"]["source"] = blocks["data"].get("source", "data/raw/source.csv")
    (folder / "params.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    if source is not None:
        (folder / "data/raw/source.csv").write_bytes(source)
    return folder


def remove_outputs(folder: Path, stage: str):
    """Remove what a stage writes, as DVC does before it runs it."""
    for name in OUTPUTS[stage]:
        (folder / name).unlink(missing_ok=True)


def call(folder: Path, module: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run a script as `python -m MODULE ARGS` does, but in this process, which is much faster."""
    main = importlib.import_module(module).main
    argv = [f"{module.replace('.', '/')}.py", *map(str, args)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(folder),
        patch.object(sys, "argv", argv),
        contextlib.redirect_stderr(err),
        contextlib.redirect_stdout(out),
    ):
        try:
            run(main)
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


def run_here(folder: Path, stage: str) -> tuple[int, str]:
    """Run a stage in this process; return its exit code and its stderr."""
    remove_outputs(folder, stage)
    done = call(folder, f"stages.{stage}")
    return done.returncode, done.stderr


def run_apart(folder: Path, stage: str) -> tuple[int, str]:
    """Run a stage in a process of its own; return its exit code and its stderr."""
    remove_outputs(folder, stage)
    done = subprocess.run(
        [sys.executable, "-m", f"stages.{stage}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=1200,  # ends what hangs; a busy machine does not come near
    )
    return done.returncode, done.stderr


def assert_refused(folder: Path, stage: str, code: int, err: str):
    """Exit code 2, the one printable line, and no output of the stage, whole or partial."""
    assert code == 2, err
    assert ONE_LINE.fullmatch(err), err
    assert err[:-1].isprintable()
    assert len(err) < 1000
    for name in OUTPUTS[stage]:
        assert not (folder / name).exists()
    assert not list(folder.rglob(".*.part"))

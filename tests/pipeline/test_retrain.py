"""make retrain under real DVC: an experiment beside what is in use, on a file that Git has not."""

import os
from pathlib import Path

import pytest
import yaml

from creditrisk.monitor.batches import Facts, write_batch
from creditrisk.monitor.rows import ledger_rows
from creditrisk.prepare.cells import Notation
from creditrisk.schema import load_schema
from tests.support.project import Project, new_project

pytestmark = pytest.mark.slow
DEFAULT = "data/raw/german_credit.csv"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """This project with its first stage alone, and a ledger of two applicants."""
    project = new_project(tmp_path_factory.mktemp("retrain") / "project")
    pipeline = project.folder / "dvc.yaml"
    stages = yaml.safe_load(pipeline.read_text())["stages"]
    pipeline.write_text(yaml.safe_dump({"stages": {"ingest": stages["ingest"]}}))
    project.dvc("repro")
    project.commit("one stage")
    schema = load_schema(project.folder / "data/schema/german_credit.yaml")
    cells = {name: ["1", "2"] for name in schema.columns}
    notation = Notation.of(".", ",", [])
    rows = ledger_rows(cells, [None] * 2, schema, notation, outcomes=["0", "1"])
    facts = Facts(number=1, name="a.csv", sha256="a" * 64, kind="applicants", form="csv",
                  day="2026-01-01", rows=2, rejected=0)  # fmt: skip
    folder = project.folder / "data/monitor/batches"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n")
    write_batch(folder, facts, rows)
    return project


def test_retrain_proposes_and_changes_nothing_that_is_in_use(project: Project):
    before = {name: (project.folder / name).read_bytes() for name in ("params.yaml", "dvc.lock")}
    raw = (project.folder / "data/interim/raw.parquet").stat().st_mtime_ns
    done = project.command("retrain", "--least", "2")
    assert done.code == 0, done.out + done.err
    assert "Running stage 'ingest'" in done.out
    assert "1002 rows" in done.out
    name = done.out.split("--name ")[1].split()[0]
    assert name.startswith("retrain-2-")
    assert f"dvc exp apply {name}" in done.out

    for path, content in before.items():
        assert (project.folder / path).read_bytes() == content, path
    assert (project.folder / "data/interim/raw.parquet").stat().st_mtime_ns == raw
    new = "data/retrain/german_credit-2-matured.csv"
    known = project.run("git", "ls-files", "--cached", "--others", "--exclude-standard").out
    assert f"{new}.dvc" in known.split()
    assert new not in known.split(), "Git could get applicants"

    again = project.command("retrain", "--least", "2")
    assert f"--name {name}-2 " in again.out, "the name is taken"

    # Somebody else has the commit and DVC's cache, not the file.
    os.remove(project.folder / new)
    project.dvc("exp", "apply", name)
    project.dvc("checkout")
    assert yaml.safe_load((project.folder / "params.yaml").read_text())["data"]["source"] == new
    assert len((project.folder / new).read_bytes().splitlines()) == 1003
    assert project.dvc("status", "dvc.yaml").out.strip() == "Data and pipelines are up to date."
    assert Path(project.folder, DEFAULT).exists()

    refused = project.command("retrain", "--least", "1")
    assert refused.code == 2
    assert refused.err.startswith("error: make retrain: outcomes: 0 matured rows")

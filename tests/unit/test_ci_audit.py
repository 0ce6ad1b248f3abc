"""`make audit`: pip-audit itself needs a network, so a program in its place answers as it does."""

import json
import subprocess
import sys

import pytest
import yaml

from tests.support.project import ROOT
from tools.audit.check import rounds
from tools.locks import pinned

LOCK = """\
numpy==2.4.6 ; python_full_version >= '3.11' \\
    --hash=sha256:00
Moto[s3]==5.0 \\
    --hash=sha256:11
"""


@pytest.fixture
def audit(tmp_path):
    """Run the check with an answer of pip-audit, on two lock files that differ in one version."""
    (tmp_path / "requirements.lock").write_text(LOCK)
    (tmp_path / "requirements-s3.lock").write_text("numpy==2.4.5 \\\n")
    (tmp_path / "python").symlink_to(sys.executable)

    def run(program: str) -> tuple[int, str, str]:
        (tmp_path / "pip-audit").write_text(f"#!{sys.executable}\nimport json, sys\n{program}")
        (tmp_path / "pip-audit").chmod(0o755)
        command = [tmp_path / "python", "-m", "tools.audit.check", tmp_path]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    return run


ANSWER = """
lines = open(sys.argv[sys.argv.index("--requirement") + 1]).read().split()
packages = [dict(zip(("name", "version"), line.split("=="))) for line in lines]
for package in packages:
    package["vulns"] = []
"""
PRINT = 'print(json.dumps({"dependencies": packages}))\n'


def test_nothing_found_in_all_packages_passes(audit):
    assert audit(ANSWER + PRINT) == (0, "audit: 0 known vulnerabilities in 3 packages\n", "")


def test_a_vulnerability_fails_and_is_named_with_its_lock_file(audit):
    vuln = json.dumps({"id": "PYSEC-1", "fix_versions": ["2.4.6"]})
    code, out, _ = audit(
        f"{ANSWER}for p in packages:\n  if p['version'] == '2.4.5': p['vulns'] = [{vuln}]\n{PRINT}"
    )
    assert code == 1
    assert "audit: numpy 2.4.5: PYSEC-1, fixed in 2.4.6 (requirements-s3.lock)\n" in out


def test_without_a_network_it_says_so_and_does_not_pass(audit):
    code, out, err = audit("sys.exit('trying\\nConnectionError: no name')")
    assert (code, out) == (3, "")
    assert err == "audit: not done, it needs a network: ConnectionError: no name\n"


def test_a_database_that_knows_no_package_is_no_all_clear(audit):
    """pip-audit exits with 0 and says "No known vulnerabilities found" then."""
    code, out, err = audit(
        f"{ANSWER}packages = [{{'name': 'x', 'skip_reason': 'not found'}}]\n{PRINT}"
    )
    assert (code, out) == (3, "")
    assert "not done for 3 of 3 packages" in err
    assert "moto 5.0, numpy 2.4.5, numpy 2.4.6" in err


def test_a_package_in_two_versions_is_asked_for_twice():
    packages = {("numpy", "2.4.6"), ("numpy", "2.4.5"), ("moto", "5.0")}
    lists = list(rounds(packages))
    assert {package for part in lists for package in part} == packages
    assert all(len(dict(part)) == len(part) for part in lists)


def test_every_lock_file_is_read_whole():
    for path in ROOT.glob("requirements*.lock"):
        lines = [line for line in path.read_text().splitlines() if line[:1].isalnum()]
        assert len(pinned(path.read_text())) == len(lines) > 20


def test_pip_audit_is_locked_with_its_hashes():
    text = (ROOT / "requirements-audit.lock").read_text()
    names = dict(pinned(text))
    assert "pip-audit" in names
    assert text.count("--hash=sha256:") >= len(names)


def test_it_runs_each_week_with_no_right_but_to_read():
    flow = yaml.safe_load((ROOT / ".github/workflows/audit.yml").read_text())
    assert set(flow[True]) == {"schedule", "workflow_dispatch"}
    (job,) = flow["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make audit"]

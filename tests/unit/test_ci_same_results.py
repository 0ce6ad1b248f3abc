"""`.ci/same_results.py`: what people sign is what the pipeline makes, file by file."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.project import ROOT

pytestmark = pytest.mark.slow

SCRIPT = ROOT / ".ci" / "same_results.py"
MODEL = b"a model"
SHA = hashlib.sha256(MODEL).hexdigest()
CARD = f"""# Model card
Trained on 800 applicants with python 3.11.7 and numpy 2.4.6.
| AUC | 0.812 | 34.0% |
Model `{SHA}`, data `{"d" * 64}`.
"""
RESULTS = {
    "metrics/ingest.json": json.dumps({"rows_read": 1000, "source_sha256": "d" * 64}),
    "metrics/train/lr.json": json.dumps({"auc": 0.8124999999, "n": 12, "model_sha256": SHA}),
    "data/candidates/single/lr.json": json.dumps({"model_sha256": SHA}),
    "metrics/select.json": json.dumps({"algorithm": "lr", "champion_sha256": SHA}),
    "metrics/evaluate.json": json.dumps({"approved": 0.3401, "groups": {}}),
    "plots/fairness.csv": "group,rows,judged,tpr\nyoung,30,True,0.9791666667\nold,9,False,1\n",
    "plots/eda/levels.csv": "code,rows\n1,5\n2,6\n",
    "plots/model_card.md": CARD,
}


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def lock_of(results: dict[str, str], clean: str = "c" * 32) -> str:
    """A dvc.lock as DVC writes it, with the hashes of these results."""
    levels = [{"md5": md5(results["plots/eda/levels.csv"]), "relpath": "levels.csv"}]
    hashes = {name: md5(text) for name, text in results.items() if "eda/" not in name}
    hashes["plots/eda"] = md5(json.dumps(levels)) + ".dir"
    hashes |= {"data/interim/clean.parquet": clean, "models/lr.joblib": "e" * 32}
    outs = [{"path": path, "md5": digest} for path, digest in hashes.items()]
    deps = [{"path": "code.py", "md5": "f" * 32}]
    stage = {"cmd": "run", "deps": deps, "params": {"params.yaml": {"seed": 1}}, "outs": outs}
    return yaml.safe_dump({"schema": "2.0", "stages": {"all": stage}}, sort_keys=False)


def write(folder: Path, results: dict[str, str]) -> None:
    for name, text in results.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def project(tmp_path) -> Path:
    """Committed results, and the same in the work tree, in a folder of a repository."""
    folder = tmp_path / "repository" / "project"
    write(
        folder, RESULTS | {"dvc.lock": lock_of(RESULTS), ".gitignore": "/plots/*.html\n/models\n"}
    )
    commit(folder, first=True)
    write(folder, {"models/lr.joblib": MODEL.decode(), "models/champion.joblib": MODEL.decode()})
    write(folder, {"plots/report.html": "ignored by Git"})
    return folder


def commit(folder: Path, first: bool = False) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    commands = [["init", "-q", folder.parent]] if first else []
    for command in [*commands, ["add", "-A"], [*who, "commit", "-qm", "results"]]:
        subprocess.run(["git", *command], cwd=folder, check=True)


def run(folder: Path) -> list[str]:
    done = subprocess.run([sys.executable, SCRIPT], cwd=folder, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    assert not done.stderr
    lines = done.stdout.splitlines()
    assert (done.returncode == 0) == lines[0].endswith("files of results as committed")
    return lines


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Change a result and, as the pipeline does, its hash in dvc.lock."""
    text = (folder / name).read_text()
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new))
    results = {result: (folder / result).read_text() for result in RESULTS}
    (folder / "dvc.lock").write_text(lock_of(results))


def test_results_as_committed_pass(project):
    assert run(project) == ["9 files of results as committed"]


@pytest.mark.parametrize(
    ("name", "forged", "true", "line"),
    [
        ("plots/fairness.csv", "0.5,", "30,", "line 2, 'rows' was '0.5', is '30'"),
        ("plots/fairness.csv", "False,0.97", "True,0.97", "line 2, 'judged' was 'False', is 'T"),
        ("plots/fairness.csv", "0.9792", "0.9791666667", "line 2, 'tpr' was '0.9792', is '0.97916"),
        ("plots/fairness.csv", "", "old,9,False,1\n", "had 2 lines, has 3"),
        ("plots/eda/levels.csv", "2,7", "2,6", "line 3, 'rows' was '7', is '6'"),
        ("plots/model_card.md", "0.912", "0.812", "line 3 was '| AUC | 0.912 | 34.0% |', is"),
        ("plots/model_card.md", "0.813 | 34.1%", "0.812 | 34.0%", "line 3 was"),
        ("plots/model_card.md", "801", "800", "line 2 was"),
        ("plots/model_card.md", "numpy 2.4.7", "numpy 2.4.6", "line 2 was"),
        ("plots/model_card.md", "d" * 63 + "e", "d" * 64, "line 4 was"),
        ("plots/model_card.md", "Approved by risk.\n| AUC", "| AUC", "had 5 lines, has 4"),
        ("metrics/train/lr.json", "0.8125011", "0.8124999999", "auc was '0.8125011'"),
        ("metrics/train/lr.json", '"n": 13', '"n": 12', "n was '13', is '12'"),
        ("metrics/ingest.json", "1000.0000001", "1000", "rows_read was '1000.0000001', is '1000'"),
        ("metrics/evaluate.json", '{}, "x": []', "{}", "x went"),
        ("metrics/evaluate.json", '0.1, "approved": 0.3401', "0.3401", "not what the pipeline"),
        ("metrics/evaluate.json", "1e999", "0.3401", "approved was 'inf', is '0.3401'"),
        ("plots/fairness.csv", "1e999", "0.9791666667", "line 2, 'tpr' was '1e999'"),
        ("metrics/evaluate.json", '{"a": 1}, "groups.a": 2', "{}", "groups"),
    ],
)  # fmt: skip
def test_a_forged_result_is_found(project, name, forged, true, line):
    """The forger commits with the hash in dvc.lock; the gate makes the true result."""
    change(project, name, true, forged)
    commit(project)
    write(project, RESULTS | {"dvc.lock": lock_of(RESULTS)})
    assert any(found.startswith(f"{name}: {line}") for found in run(project))


def test_last_digits_of_fitted_numbers_may_differ(project):
    change(project, "metrics/train/lr.json", "0.8124999999", "0.8125000001")
    change(project, "plots/fairness.csv", "0.9791666667", "0.9791666668")
    # 0.8125 is shown as 0.812 or as 0.813; so is the patch level of the machine's Python.
    change(project, "plots/model_card.md", "0.812", "0.813")
    change(project, "plots/model_card.md", "3.11.7", "3.11.9")
    first, note = run(project)
    assert first == "9 files of results as committed"
    assert note == "3 fitted files have other hashes than committed, as on another processor"


def test_a_model_of_another_processor_passes_if_all_results_name_its_hash(project):
    other = hashlib.sha256(b"another model").hexdigest()
    for name in ("models/lr.joblib", "models/champion.joblib"):
        (project / name).write_bytes(b"another model")
    lines = run(project)
    assert "metrics/train/lr.json: not the hash of models/lr.joblib" in lines
    assert "metrics/select.json: not the hash of models/champion.joblib" in lines
    for name in [name for name, text in RESULTS.items() if SHA in text]:
        change(project, name, SHA, other)
    assert run(project)[0] == "9 files of results as committed"
    change(project, "plots/model_card.md", other, SHA)
    assert "plots/model_card.md: the hash of the champion is missing" in run(project)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("data/candidates/single/lr.json", "not the hash in metrics/train/lr.json"),
        ("metrics/select.json", "champion_sha256 is not the hash of the chosen model"),
    ],
)
def test_a_committed_hash_that_no_other_result_has_is_found(project, name, line):
    change(project, name, SHA, "a" * 64)
    commit(project)
    write(project, RESULTS | {"dvc.lock": lock_of(RESULTS)})
    assert f"committed {name}: {line}" in run(project)


def test_files_that_came_or_went_are_named(project):
    (project / "plots/fairness.csv").unlink()
    write(project, {"plots/extra.csv": "a\n1\n"})
    lines = run(project)
    assert "plots/fairness.csv: committed, but the pipeline does not write it" in lines
    assert "plots/extra.csv: not committed" in lines


def test_a_committed_file_that_no_stage_writes_is_named(project):
    write(project, {"plots/approved_by_risk.md": "yes\n"})
    commit(project)
    assert run(project) == ["committed dvc.lock: no stage writes plots/approved_by_risk.md"]


def test_a_link_in_the_place_of_a_result_is_found(project, tmp_path):
    path = project / "plots/fairness.csv"
    (tmp_path / "elsewhere.csv").write_text(path.read_text())
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere.csv")
    assert run(project)[0].startswith("plots/fairness.csv: ")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("c" * 32, "b" * 32, "stage all: the hash of data/interim/clean.parquet is another"),
        ("f" * 32, "b" * 32, "stage all: the hash of code.py is another"),
        ("seed: 1", "seed: 2", "stage all: params is another"),
        ("cmd: run", "cmd: other", "stage all: cmd is another"),
        ("path: models/lr.joblib", "path: models/x.joblib", "stage all: models/x.joblib went"),
    ],
)
def test_a_dvc_lock_that_is_not_that_of_the_results_is_found(project, old, new, line):
    path = project / "dvc.lock"
    path.write_text(path.read_text().replace(old, new))
    commit(project)
    write(project, {"dvc.lock": lock_of(RESULTS)})
    assert f"dvc.lock: {line}" in run(project)


def test_hashes_in_dvc_lock_are_those_of_the_committed_files(project):
    path = project / "dvc.lock"
    for name in ("plots/fairness.csv", "plots/eda/levels.csv"):
        change(project, name, "rows", "ROWS")
    path.write_text(lock_of(RESULTS))
    commit(project)
    assert run(project) == [
        f"committed dvc.lock: its hash of {name} is not that of the committed file"
        for name in ("plots/fairness.csv", "plots/eda")
    ]


def test_text_of_the_results_is_no_command_of_the_runner(project):
    """A line that starts with two colons would be one, on GitHub."""
    change(project, "plots/fairness.csv", "young", '"\n::error::forged\x1b[2J"')
    lines = run(project)
    assert not [line for line in lines if line.startswith("::") or "\x1b" in line]
    assert "plots/fairness.csv: line 2, 'group' was 'young', is" in lines[0]


@pytest.mark.parametrize("path", ["plots/fairness.csv", "${root}/plots/${key}.csv"])
def test_a_result_that_is_taken_out_of_git_is_found(project, path):
    """Ignored by Git, it would be neither in the commit nor among the results that are made."""
    pipeline = {"stages": {"evaluate": {"cmd": "run", "outs": [{path: {"cache": False}}]}}}
    (project / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
    commit(project)
    assert run(project) == ["9 files of results as committed"]
    subprocess.run(["git", "rm", "-q", "--cached", "plots/fairness.csv"], cwd=project, check=True)
    with open(project / ".gitignore", "a") as ignored:
        ignored.write("/plots/fairness.csv\n")
    commit(project)
    assert run(project) == ["committed dvc.lock: it has plots/fairness.csv, which is not in Git"]


def test_what_the_second_pipeline_writes_is_compared_with_its_own_lock_file(project):
    made = {"metrics/monitor.json": '{"rows": 0}\n'}
    out = {"path": "metrics/monitor.json", "md5": hashlib.md5(b'{"rows": 0}\n').hexdigest()}
    lock = yaml.safe_dump({"schema": "2.0", "stages": {"monitor": {"cmd": "x", "outs": [out]}}})
    write(project, made | {"monitor/dvc.lock": lock})
    commit(project)
    assert "as committed" in run(project)[0]
    write(project, {"metrics/monitor.json": '{"rows": 1}\n'})
    assert run(project) == ["metrics/monitor.json: rows was '0', is '1'"]
    commit(project)
    line = "the hash of metrics/monitor.json in monitor/dvc.lock is not that of the committed file"
    assert run(project) == [f"committed dvc.lock: {line}"]

"""docs/deploy.md, read as a person reads it: its commands run in order, with stand-ins for clouds.

What `deploy/` and compose.yaml say is checked against the schemas of those who read them.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support import fake_engine, fake_gcloud
from tests.support.champions import project
from tests.support.dvc_project import link_environments
from tests.support.project import ROOT
from tests.support.running_service import running

pytestmark = pytest.mark.slow  # starts many processes
PAGE = (ROOT / "docs/deploy.md").read_text()
COMPOSE, SERVICE, PROMETHEUS = "compose.yaml", "deploy/service.yaml", "deploy/prometheus.yml"
CLOUD_RUN = (
    ROOT / ".venv-gdrive/lib/python3.11/site-packages/googleapiclient/discovery_cache/documents"
    "/run.v1.json"
)
STEP = "step.sh"


def commands() -> str:
    """The page's indented blocks, one after the other."""
    blocks = re.findall(r"(?:^    .*\n)+", PAGE, flags=re.MULTILINE)
    return "".join(re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks)


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> dict:
    """What the stand-ins were asked for, and what was said, after the whole page."""
    folder = project(tmp_path_factory.mktemp("page") / "p")
    locks = (path.name for path in ROOT.glob("requirements*.lock"))
    for name in ("Makefile", "Containerfile", ".containerignore", COMPOSE, *locks):
        shutil.copy(ROOT / name, folder)
    for name in ("deploy", "data/raw", "creditrisk", "commands"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc/config", folder / ".dvc")
    fake_engine.need_no_wheels(folder)
    (folder / ".gitignore").write_text("build/\n.venv*\nsecrets/\nlogs/\n__pycache__/\n")
    for command in ("init -q", "config user.name test", "config user.email test@example.org",
                    "add --all", "commit -qm all"):  # fmt: skip
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    link_environments(folder)
    programs = folder.parent / "bin"
    engine = fake_engine.install(programs, "docker", "podman")
    calls, gh = programs / "gh.txt", programs / "gh"
    # A secret comes through a pipe; not to read it would end the one who writes it.
    gh.write_text(
        f'#!/bin/sh\necho "$*" >> "{calls}"\n'
        'case "$*" in *--jq*) echo 7;; "secret set"*) grep . > /dev/null ;; esac\n'
    )
    gh.chmod(0o755)
    state = programs / "gcloud.json"
    fake_gcloud.install(programs / "gcloud", state)
    with running(folder) as service:
        state.write_text(fake_gcloud.state(f"http://127.0.0.1:{service.port}"))
        (folder / STEP).write_text(commands())
        path = f"{programs}:{Path(sys.executable).parent}:/usr/bin:/bin"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-euo", "pipefail", STEP], cwd=folder,
            env={"PATH": path, "HOME": str(folder.parent)},
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        "said": done.stdout,
        "gcloud": json.loads(state.read_text()),
        "engine": json.loads(engine.read_text()),
        "gh": calls.read_text().splitlines(),
    }


def test_from_its_first_command_to_its_last_a_pd_is_served(played):
    said = played["said"]
    answer, _ = json.JSONDecoder().raw_decode(said[said.index('{"model"') :])
    assert 0 < answer["results"][0]["pd"] < 1
    [revision, again] = played["gcloud"]["revisions"]
    assert again == revision
    registry = "europe-west3-docker.pkg.dev/our-project/images"
    assert re.fullmatch(rf"{registry}/credit-risk@sha256:[0-9a-f]{{64}}", revision)
    [job] = [c for c in played["gcloud"]["calls"] if c[1:4] == ["run", "jobs", "create"]]
    assert f"--image={revision}" in job
    [server] = [c for c in played["gcloud"]["calls"] if c[:3] == ["run", "deploy", "mlflow"]]
    assert any(f"--image={registry}/mlflow@sha256:" in flag for flag in server)
    assert ["podman", "compose", "up", "--build"] in played["engine"]["calls"]
    # The table of arguments is open to all on a machine.
    shown = json.dumps([played["gcloud"]["calls"], played["engine"]["calls"], played["gh"]])
    assert fake_gcloud.TOKEN not in shown
    assert "password=" not in shown


def test_the_workflow_finds_each_variable_that_the_page_sets(played):
    flows = [(ROOT / ".github/workflows" / name).read_text() for name in ("image.yml", "ci.yml")]
    used = set(re.findall(r"\bvars\.(\w+)", "".join(flows)))
    assert {call.split()[2] for call in played["gh"] if call.startswith("variable set")} == used
    secrets = set(re.findall(r"\bsecrets\.(\w+)", "".join(flows)))
    assert {call.split()[2] for call in played["gh"] if call.startswith("secret set")} == secrets


def test_the_table_of_rights_has_each_right_that_is_given():
    given = set(re.findall(r"--role=(roles/[\w.]+)", PAGE))
    table = PAGE.partition("## Rights")[2].partition("## Costs")[0]
    given |= {f"roles/{name}" for name in ("run.developer", "run.invoker")}  # in a loop
    assert set(re.findall(r"roles/[\w.]+", table)) - given == {"roles/owner"}
    assert given <= set(re.findall(r"roles/[\w.]+", table))


@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed: not asked")
def test_gcloud_knows_each_command_with_all_its_flags(played, tmp_path):
    """The real program, without an account: it gets as far as to ask for one."""
    seen = {json.dumps(call[:3]): call for call in played["gcloud"]["calls"]}
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_PROJECT": "our-project", "NO_GCE_CHECK": "true",
    }  # fmt: skip
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/keys").write_text("a key")
    (tmp_path / "secrets/mlflow.yaml").write_text("--password: a-password")
    for call in [*seen.values(), ["run", "deploy", "x", "--no-such-flag"]]:
        if call[:2] in (["auth", "login"], ["config", "set"]):
            continue
        done = subprocess.run(
            [shutil.which("gcloud"), *call], capture_output=True, text=True, env=environment,
            cwd=tmp_path, input="a secret", timeout=120,
        )  # fmt: skip
        known = "do not currently have an active account" in done.stderr
        assert known != ("--no-such-flag" in call), f"{call}: {done.stderr}"


@pytest.mark.skipif(not CLOUD_RUN.exists(), reason="the schema is in .venv-gdrive: make test-envs")
def test_the_service_file_fits_cloud_runs_own_schema():
    schemas = json.loads(CLOUD_RUN.read_text())["schemas"]
    tree = yaml.safe_load((ROOT / SERVICE).read_text())
    assert list(misfits(tree, schemas["Service"], schemas)) == []
    container = tree["spec"]["template"]["spec"]["containers"][0]
    container["startupProbe"]["httpGet"]["port_"] = 1
    container["resources"]["limits"]["cpu"] = 1
    tree["spec"]["template"]["spec"]["timeoutSeconds"] = "30"
    found = list(misfits(tree, schemas["Service"], schemas))
    assert [place.rpartition(".")[2] for place in found] == ["timeoutSeconds", "cpu", "port_"]


KINDS = {"string": str, "integer": int, "boolean": bool, "number": float}


def misfits(tree, schema: dict, schemas: dict, place: str = ""):
    """Name the places of a tree that are not in a schema of Google's discovery format."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema["type"]
    if kind == "object":
        for name, child in tree.items():
            known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if known is None:
                yield f"{place}.{name}"
            else:
                yield from misfits(child, known, schemas, f"{place}.{name}")
    elif kind == "array":
        for child in tree:
            yield from misfits(child, schema["items"], schemas, place)
    elif type(tree) is not KINDS[kind]:
        yield place


def test_the_trial_fits_its_schemas_and_pins_what_it_fetches(tmp_path):
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", ROOT / COMPOSE],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    services = yaml.safe_load((ROOT / COMPOSE).read_text())["services"]
    assert set(services) == {"service", "mlflow", "prometheus"}
    assert re.search(r"@sha256:[0-9a-f]{64}$", services["prometheus"]["image"])
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    for name in ("Containerfile", "deploy/mlflow/Containerfile"):
        assert re.search(
            r"^ARG BASE=.*@sha256:[0-9a-f]{64}$", (ROOT / name).read_text(), re.MULTILINE
        )
        assert "\nUSER 10001:10001\n" in (ROOT / name).read_text()
    if program := shutil.which("promtool"):
        done = subprocess.run([program, "check", "config", ROOT / PROMETHEUS], capture_output=True)
        assert done.returncode == 0, done.stdout
    [target] = yaml.safe_load((ROOT / PROMETHEUS).read_text())["scrape_configs"][0][
        "static_configs"
    ]
    assert target["targets"] == ["service:8080"]


def test_the_page_says_what_was_not_run():
    assert "no `gcloud` or `gh` command of this page was run there" in " ".join(PAGE.split())

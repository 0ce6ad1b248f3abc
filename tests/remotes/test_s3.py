"""The remote `s3`: round trips and failures against moto's server, by the shipped Makefile."""

import shutil
import socket
import time

import pytest

from creditrisk.workflow.remotes.check import TIME_LIMIT, State, probe, read_remotes
from tests.support.dvc_project import (
    OBJECTS,
    ROOT,
    clean_env,
    forget,
    hashes,
    in_sync,
    lines_of,
    make,
    make_project,
)
from tests.support.s3_server import Line, S3Server

VENV = ROOT / ".venv-s3"
pytestmark = pytest.mark.skipif(
    not (VENV / "locked-test").exists(),
    reason="the S3 plugin and moto are not installed: `make test-envs` installs them",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with S3Server(VENV, clean_env(tmp_path_factory.mktemp("moto"))) as running:
        yield running


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    return make_project(folder / "project", clean_env(folder / "home"))


@pytest.fixture
def env(tmp_path):
    return clean_env(tmp_path / "home")


@pytest.fixture
def project(template, tmp_path):
    return shutil.copytree(template, tmp_path / "project", symlinks=True)


def configure(project, url, key, secret, env, bucket="team"):
    """Fill in the remote in config.local; each project has a folder of its own in the bucket."""
    options = {
        "url": f"s3://{bucket}/{project.parent.name}",
        "endpointurl": url,
        "region": "us-east-1",
        "access_key_id": key,
        "secret_access_key": secret,
    }
    lines = ["['remote \"s3\"']", *(f"    {name} = {text}" for name, text in options.items())]
    path = project / ".dvc" / "config.local"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("key", "does not exist in our records"),
        ("secret", "signature"),
        ("bucket", "bucket does not exist"),
        ("port", "Could not connect"),
    ],
)
def test_s3_fault_is_one_line(server, project, env, fault, told):
    given = {"url": server.url, "key": server.key, "secret": server.secret, "bucket": "team"}
    spoilt = {"key": "nobody", "secret": "wrong", "bucket": "absent", "url": "http://127.0.0.1:9"}
    name = "url" if fault == "port" else fault
    configure(project, env=env, **(given | {name: spoilt[name]}))
    start = time.monotonic()
    done = make("push", project, env, check=False, REMOTE="s3")
    assert time.monotonic() - start < 20
    lines = lines_of(done)
    assert done.returncode
    assert len(lines) == 1, done.stdout
    assert lines[0].startswith("error: .dvc/config: remote s3: unreachable: ")
    assert told in lines[0]
    assert spoilt["secret"] not in lines[0]


def test_push_cut_half_way_and_repeated_gives_all_back(server, project, env):
    made = hashes(project)
    line = Line(server.url, budget=1_000_000)
    configure(project, line.url, server.key, server.secret, env)
    done = make("push", project, {**env, "AWS_MAX_ATTEMPTS": "1"}, check=False, REMOTE="s3")
    assert done.returncode
    assert "failed to upload" in done.stdout

    configure(project, server.url, server.key, server.secret, env)
    assert not in_sync(project, env, "s3")
    make("push", project, env, REMOTE="s3")
    assert in_sync(project, env, "s3")
    assert "up to date" in make("push", project, {**env, "REMOTE": "s3"}).stdout

    forget(project)
    make("pull", project, env, REMOTE="s3")
    assert hashes(project) == made


def test_server_killed_in_mid_push_gets_all_when_it_is_back_empty(project, env):
    with S3Server(VENV, env) as server:
        line = Line(server.url, budget=1_000_000, then=server.kill)
        configure(project, line.url, server.key, server.secret, env)
        hurried = {**env, "AWS_MAX_ATTEMPTS": "1"}
        assert make("push", project, hurried, check=False, REMOTE="s3").returncode
    with S3Server(VENV, env) as server:
        configure(project, server.url, server.key, server.secret, env)
        assert f"{OBJECTS} files pushed" in make("push", project, env, REMOTE="s3").stdout
        assert in_sync(project, env, "s3")


def test_mute_server_is_given_up(project, env, monkeypatch):
    monkeypatch.chdir(project)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        configure(project, f"http://127.0.0.1:{mute.getsockname()[1]}", "k", "s", env)
        remote = read_remotes()["s3"]
        start = time.monotonic()
        state = probe(remote, VENV / "bin" / "python", project, env, limit=3)
    assert state == State("unreachable", "no answer within 3 s")
    assert time.monotonic() - start < 6
    assert TIME_LIMIT <= 10

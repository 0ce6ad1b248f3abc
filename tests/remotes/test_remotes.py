"""Remotes without a plugin: the default one between two clones, and what is told of the others."""

import json
import shutil

import pytest

from creditrisk.core.errors import InputError
from creditrisk.workflow.remotes.check import Remote, missing, pick, read_remotes
from tests.support.dvc_project import (
    OBJECTS,
    ROOT,
    call,
    clean_env,
    forget,
    hashes,
    in_sync,
    lines_of,
    link_environments,
    make,
    make_project,
)

DVC = ".venv/bin/dvc"
STORAGE = "creditrisk-dvc-storage"


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


def clone(source, target, env):
    call(["git", "clone", "-q", str(source), str(target)], source.parent, env)
    link_environments(target)
    return target


def test_clone_pulls_what_its_neighbour_pushed_and_has_nothing_to_run(project, env):
    other = clone(project, project.parent / "clone", env)
    assert not in_sync(project, env, "local")
    assert f"{OBJECTS} files pushed" in make("push", project, env).stdout
    assert in_sync(project, env, "local")
    make("pull", other, env)
    assert hashes(other) == hashes(project)
    assert "Data and pipelines are up to date" in call([DVC, "repro"], other, env).stdout
    assert call(["git", "status", "--porcelain"], other, env).stdout == ""


def test_pipeline_pulled_by_a_clone_has_nothing_to_run(fresh, env):
    project = fresh.folder
    link_environments(project)
    assert not in_sync(project, env, "local")
    make("push", project, env)
    assert in_sync(project, env, "local")
    other = clone(project, project.parent / "clone", env)
    make("pull", other, env)
    assert hashes(other) == hashes(project)
    assert "Data and pipelines are up to date" in call([DVC, "repro"], other, env).stdout
    assert call(["git", "status", "--porcelain"], other, env).stdout == ""


def test_pull_leaves_changed_files_alone_and_says_so(project, env):
    make("push", project, env)
    names = ["data/interim/raw.parquet", "models/lr.joblib", "models/new.txt"]
    for name in names:
        (project / name).write_bytes(b"mine")
    done = make("pull", project, env, check=False)
    assert done.returncode
    for name in names:
        assert f"{project / name}" in done.stdout
        assert (project / name).read_bytes() == b"mine"


def test_object_changed_on_the_remote_is_not_taken(project, env):
    make("push", project, env)
    held = (project.parent / STORAGE / "files").rglob("*")
    spoilt = next(p for p in held if p.is_file() and p.stat().st_size == 50_000)
    spoilt.chmod(0o644)
    spoilt.write_bytes(b"something else")
    forget(project)
    done = make("pull", project, env, check=False)
    assert done.returncode
    assert "Checkout failed" in done.stdout
    assert all(p.read_bytes() != b"something else" for p in project.rglob("*.joblib"))


def test_backup_reaches_the_others_when_one_fails(project, env):
    (project.parent / "file").touch()
    urls = {"blocked": "../../file/storage", "second": "../../second-storage"}
    text = "".join(f"['remote \"{name}\"']\n    url = {url}\n" for name, url in urls.items())
    (project / ".dvc" / "config.local").write_text(text, encoding="utf-8")
    done = make("backup", project, env, check=False)
    assert done.returncode
    told = dict(line.split(maxsplit=1) for line in lines_of(done))
    assert list(told) == ["local", "gdrive", "s3", "gcs", "blocked", "second"]
    assert told["local"] == f"pushed: {OBJECTS} files pushed"
    assert told["gdrive"].startswith("not configured: ")
    assert told["blocked"].startswith("failed: ")
    assert told["second"] == f"pushed: {OBJECTS} files pushed"


def test_check_tells_all_four_as_they_ship(project, env):
    lines = lines_of(make("remote-check", project, env))
    assert lines[0] == f"local    ready: {project.parent / STORAGE} (the first push creates it)"
    for line, name, held in zip(
        lines[1:], ["gdrive", "s3", "gcs"], ["FOLDER_ID", "BUCKET", "BUCKET"], strict=True
    ):
        assert line.startswith(f"{name:8} not configured: {held} must be filled in: `dvc remote")


@pytest.mark.parametrize("target", ["pull", "push"])
def test_remote_that_is_not_filled_in_is_one_line_before_anything_is_installed(
    project, env, target
):
    for venv in project.glob(".venv-*"):
        venv.unlink()
    done = make(target, project, env, check=False, REMOTE="gdrive")
    assert done.returncode
    (line,) = lines_of(done)
    assert line.startswith("error: .dvc/config: remote gdrive: not configured: FOLDER_ID")
    assert not list(project.glob(".venv-*"))


def test_unknown_remote_is_told_with_the_nearest():
    remotes = read_remotes(ROOT / ".dvc")
    with pytest.raises(InputError, match=r"no remote 'gdriv'\. Did you mean gdrive"):
        pick(remotes, "gdriv")


def test_broken_config_is_an_input_error(tmp_path):
    (tmp_path / "config").write_text("[core\n", encoding="utf-8")
    with pytest.raises(InputError, match="config"):
        read_remotes(tmp_path)


def lack(env=None, **options):
    return missing(Remote("gdrive", "gdrive://real", options), env or {}) or ""


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "no key of a service account"),
        ("{", "GDRIVE_CREDENTIALS_DATA is not JSON"),
        ("[]", "is not the key of a service account"),
        ('{"type": "authorized_user"}', "(no client_email, private_key, token_uri)"),
    ],
)
def test_wrong_service_account_key_is_told(key, told):
    assert told in lack({"GDRIVE_CREDENTIALS_DATA": key}, gdrive_use_service_account=True)


def test_service_account_key_in_a_file_is_read(tmp_path):
    path = tmp_path / "key.json"
    options = {
        "gdrive_use_service_account": True,
        "gdrive_service_account_json_file_path": str(path),
    }
    assert "No such file" in lack(**options)
    fields = ("client_email", "private_key", "token_uri")
    path.write_text(json.dumps({"type": "service_account"} | dict.fromkeys(fields, "x")))
    assert lack(**options) == ""


def test_oauth_without_a_stored_login_never_gets_to_the_browser(tmp_path):
    env = {"HOME": str(tmp_path)}
    assert "Google blocks DVC's own OAuth client" in lack(env)
    client = {"gdrive_client_id": "id", "gdrive_client_secret": "word"}
    assert "in a terminal with a browser" in lack(env, **client)
    stored = tmp_path / ".cache" / "pydrive2fs" / "id" / "default.json"
    stored.parent.mkdir(parents=True)
    stored.write_text("{}")
    assert lack(env, **client) == ""


def test_s3_credential_file_that_is_not_there_is_told():
    remote = Remote("s3", "s3://team/x", {"credentialpath": "/nowhere/credentials"})
    assert missing(remote, {}) == "credentialpath: no file /nowhere/credentials"


def test_remote_never_shows_its_options():
    assert "word" not in repr(Remote("s3", "s3://team", {"secret_access_key": "word"}))


def test_environment_that_scores_holds_no_plugin():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    names = {line.partition("==")[0] for line in lock.splitlines()}
    assert not names & {"dvc-gdrive", "dvc-s3", "dvc-gs", "pydrive2", "s3fs", "gcsfs", "moto"}
    own = next(line for line in lock.splitlines() if line.startswith("dvc=="))
    # No DVC at all.
    without = {ROOT / f"requirements-{name}.lock" for name in ("audit", "serve", "image", "mlflow")}
    for path in set(ROOT.glob("requirements-*.lock")) - without:
        # One cache for all: the same DVC reads and writes it.
        assert own in path.read_text(encoding="utf-8").splitlines(), path.name


def test_second_bucket_shares_the_plugin_of_its_kind(project, env):
    text = "['remote \"s3-archive\"']\n    url = s3://archive/x\n"
    (project / ".dvc" / "config.local").write_text(text, encoding="utf-8")
    for venv in project.glob(".venv-*"):
        venv.unlink()
    line = lines_of(make("remote-check", project, env, check=False))[-1]
    assert line.startswith("s3-archive unreachable: DVC's plugin for it is missing: `make .venv-s3")
    plan = call(["make", "-n", "push", "REMOTE=s3-archive"], project, env).stdout
    assert '.venv-s3/bin/dvc push -r "$REMOTE"' in plan

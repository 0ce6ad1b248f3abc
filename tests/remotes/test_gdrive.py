"""The remote `gdrive`: an unmodified dvc-gdrive against a Drive on loopback."""

import json
import shutil

import pytest

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
from tests.support.fake_drive import ACCOUNT, FakeDrive

pytestmark = pytest.mark.skipif(
    not (ROOT / ".venv-gdrive" / "locked").exists(),
    reason="the Google Drive plugin is not installed: `make test-envs` installs it",
)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    return make_project(folder / "project", clean_env(folder / "home"))


@pytest.fixture
def project(template, tmp_path):
    return shutil.copytree(template, tmp_path / "project", symlinks=True)


@pytest.fixture
def drive(tmp_path):
    with FakeDrive(tmp_path) as running:
        yield running


@pytest.fixture
def env(tmp_path, drive):
    return clean_env(tmp_path / "home", **drive.env)


def configure(project, key, folder="shared"):
    """Fill in the remote in config.local, with a key file if there is one."""
    lines = ["['remote \"gdrive\"']", f"    url = gdrive://{folder}"]
    if key is not None:
        path = project.parent / "key.json"
        path.write_text(key if isinstance(key, str) else json.dumps(key), encoding="utf-8")
        lines.append(f"    gdrive_service_account_json_file_path = {path}")
    text = "\n".join(lines) + "\n"
    (project / ".dvc" / "config.local").write_text(text, encoding="utf-8")


def test_push_stopped_half_way_and_repeated_gives_all_back(drive, project, env):
    configure(project, drive.key)
    made = hashes(project)
    drive.quota = 4
    done = make("push", project, env, check=False, REMOTE="gdrive")
    assert done.returncode
    assert "storage quota" in done.stdout
    assert drive.uploads == 4
    assert not in_sync(project, env, "gdrive")

    drive.quota = None
    make("push", project, env, REMOTE="gdrive")
    assert in_sync(project, env, "gdrive")
    assert "up to date" in make("push", project, env, REMOTE="gdrive").stdout
    held = drive.contents()
    assert len(held) == len(set(held)) == OBJECTS

    forget(project)
    make("pull", project, env, REMOTE="gdrive")
    assert hashes(project) == made


def test_key_may_come_from_the_environment(drive, project, env):
    configure(project, None)
    env["GDRIVE_CREDENTIALS_DATA"] = json.dumps(drive.key)
    assert "gdrive   ready: gdrive://shared" in make("remote-check", project, env).stdout


def refusal(project, env):
    """Push to Drive, which must fail in one line; return the line."""
    done = make("push", project, env, check=False, REMOTE="gdrive")
    assert done.returncode
    (line,) = lines_of(done)
    assert line.startswith("error: .dvc/config: remote gdrive: ")
    return line


def test_folder_that_is_not_shared_is_told_with_the_account_to_share_it_with(drive, project, env):
    configure(project, drive.key, folder="private")
    assert f"it is not shared with {ACCOUNT}" in refusal(project, env)


def test_key_that_google_refuses_is_one_line(drive, project, env):
    drive.refused = True
    configure(project, drive.key)
    assert "invalid_grant" in refusal(project, env)


def test_key_that_is_no_key_is_one_line_and_is_not_shown(drive, project, env):
    private = drive.key["private_key"].replace("MII", "AAA")
    configure(project, drive.key | {"private_key": private})
    line = refusal(project, env)
    assert "unreachable" in line
    assert private[40:60] not in line


def test_missing_key_file_is_told_without_asking_google(drive, project, env):
    configure(project, drive.key)
    (project.parent / "key.json").unlink()
    assert "key.json: No such file" in refusal(project, env)
    assert drive.calls == []

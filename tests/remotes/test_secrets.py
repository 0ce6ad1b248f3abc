"""No credential is in the tree or in Git's history, and what holds one is kept out of both."""

import json
import re
import shutil
import subprocess
import sys
from random import Random
from string import ascii_uppercase, digits

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.dvc_project import ROOT, call, clean_env
from tests.support.fake_drive import pem

in_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this folder is not from Git")

# The shapes of credentials, each so narrow that ordinary text does not have it.
SHAPES = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "AWS key id": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "AWS secret": r"(?i)secret_?access_?key[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{40}\b",
    "Google OAuth secret": r"\bGOCSPX-[\w-]{20,}",
    "Google API key": r"\bAIza[\w-]{35}",
    "Google token": r"\bya29\.[\w-]{20,}|\b1//0[\w-]{30,}",
    "OAuth client": r"\b\d{8,}-[a-z0-9]{32}\.apps\.googleusercontent\.com",
    "client secret": r"(?i)client_?secret[\"']?\s*[=:]\s*[\"']?[\w-]{20,}",
    "GitHub token": r"\bgh[pousr]_\w{36}|\bgithub_pat_\w{22,}",
    # One for a server that a test starts on loopback opens nothing.
    "password in an address": (
        r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'`{}$<>]+:[^\s/:@\"'`{}$<>]+@(?!127\.0\.0\.1|localhost)\w"
    ),
}


def find_secrets(text: str) -> list[str]:
    """Name each credential in a text, and the first characters of its line, not the credential."""
    return [
        f"{name}: {text[text.rfind(chr(10), 0, found.start()) + 1 : found.start()][:60]!r} ..."
        for name, shape in SHAPES.items()
        for found in re.finditer(shape, text)
    ]


def history(folder):
    command = ["git", "log", "-p", "--all", "--full-history", "-m", "--text", "--no-color"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return done.stdout.decode("utf-8", errors="replace")


def tree(folder):
    """Read every file that Git has or would take, the ignored ones left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    paths = [folder / name for name in listed.decode().split("\0") if name]
    files = [path for path in paths if path.is_file()]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


@pytest.fixture(scope="module")
def throw_away():
    """Make one credential of each shape; none of them is in a file of this repository."""
    random = Random(7)
    word = lambda size: "".join(random.choices(ascii_uppercase + digits, k=size))  # noqa: E731
    key = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)).decode()
    client = f"{random.randrange(10**11, 10**12)}-{word(32).lower()}"
    return {
        "private key": json.dumps({"private_key": key}),
        "AWS key id": f"aws_access_key_id = AKIA{word(16)}",
        "AWS secret": f"secret_access_key = {word(40)}",
        "Google OAuth secret": f"GOCSPX-{word(28)}",
        "Google API key": f"AIza{word(35)}",
        "Google token": f'"access_token": "ya29.{word(60)}"',
        "OAuth client": f"gdrive_client_id = {client}.apps.googleusercontent.com",
        "client secret": f"gdrive_client_secret = {word(24)}",
        "GitHub token": f"ghp_{word(36)}",
        "password in an address": f"url = https://me:{word(12)}@example.org/x",
    }


@pytest.fixture
def repository(tmp_path):
    env = clean_env(tmp_path / "home")
    folder = tmp_path / "repository"
    (folder / ".dvc").mkdir(parents=True)
    for name in (".gitignore", ".dvc/.gitignore", ".dvc/config"):
        shutil.copy(ROOT / name, folder / name)
    call(["git", "init", "-q"], folder, env)
    return folder, env


def commit(folder, env):
    call(["git", "add", "-A"], folder, env)
    call(["git", "commit", "-qm", "x"], folder, env)


def test_every_shape_is_found_where_it_is(throw_away):
    for name, text in throw_away.items():
        found = find_secrets(f"one = 1\n{text}\n")
        assert any(entry.startswith(f"{name}: ") for entry in found), name
    assert set(throw_away) == set(SHAPES)


def test_what_is_told_of_a_secret_does_not_show_it(throw_away):
    told = " ".join(find_secrets("\n".join(throw_away.values())))
    assert throw_away["AWS secret"].split()[-1] not in told
    assert throw_away["GitHub token"] not in told


def test_secret_that_was_committed_and_removed_is_found_in_the_history(repository, throw_away):
    folder, env = repository
    (folder / "settings.ini").write_text("\n".join(throw_away.values()), encoding="utf-8")
    assert len(find_secrets(tree(folder))) >= len(SHAPES)
    commit(folder, env)
    (folder / "settings.ini").unlink()
    commit(folder, env)
    assert find_secrets(tree(folder)) == []
    assert len(find_secrets(history(folder))) >= len(SHAPES)


@in_git
def test_this_tree_holds_no_secret():
    assert find_secrets(tree(ROOT)) == []


@in_git
def test_this_history_holds_no_secret():
    assert find_secrets(history(ROOT)) == []


def test_shipped_config_has_no_credential_option():
    options = re.findall(r"^\s+(\w+) =", (ROOT / ".dvc" / "config").read_text(), re.MULTILINE)
    secret = r"secret|password|token|client_id|access_key|credential|json_file|keyfile"
    assert [option for option in options if re.search(secret, option)] == []


@pytest.mark.parametrize(
    "name",
    [
        ".dvc/config.local",
        ".env",
        ".env.production",
        "mlflow.db",
        "mlflow.db-journal",
        "key.pem",
        "tls/server.key",
        "gdrive-service-account.json",
        "credit-risk-314159-0a1b2c3d4e5f.json",
        "client_secret_1234.apps.googleusercontent.com.json",
        "pipeline_accessKeys.csv",
        "google-credentials.json",
        "secrets/anything",
    ],
)
def test_file_that_holds_secrets_is_ignored(repository, name):
    folder, env = repository
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x", encoding="utf-8")
    commit(folder, env)
    assert name not in call(["git", "ls-files"], folder, env).stdout.splitlines()


def test_what_belongs_in_git_is_not_ignored(repository):
    folder, env = repository
    for name in (".env.example", "metrics/evaluate.json", "plots/roc.csv", "params.yaml"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
        assert call(["git", "check-ignore", name], folder, env, check=False).returncode == 1, name


def test_secret_given_to_dvc_locally_stays_out_of_git(repository):
    folder, env = repository
    commit(folder, env)
    words = ["dvc", "remote", "modify", "--local", "s3", "secret_access_key", "throw-away"]
    call([sys.executable, "-m", *words], folder, env)
    assert "throw-away" in (folder / ".dvc" / "config.local").read_text(encoding="utf-8")
    assert call(["git", "status", "--porcelain"], folder, env).stdout == ""

"""Look for known vulnerabilities in the packages of all lock files. `make audit` runs this.

pip-audit asks a database, so this needs a network. Exit code 0: nothing found. 1: a vulnerability.
3: not done, or not for every package, because there was no answer. pip-audit is beside the
interpreter, in .venv-audit.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.locks import pinned

FOUND, NOT_DONE = 1, 3


def rounds(packages: set[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Split packages so that each list has one version of a package, as pip-audit demands."""
    left = sorted(packages)
    while left:
        chosen = dict(reversed(left))
        yield sorted(chosen.items())
        left = [package for package in left if chosen[package[0]] != package[1]]


def ask(program: Path, packages: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Ask pip-audit about packages, and return what it says of each.

    Raises:
        ConnectionError: no answer; with the last line of pip-audit.
    """
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "requirements.txt")
        listed.write_text("".join(f"{name}=={version}\n" for name, version in packages))
        command = [program, "--requirement", listed, "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off", "--desc", "off"]
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900
        )
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = done.stderr.strip().splitlines()
        raise ConnectionError(lines[-1] if lines else "no message") from None


def main() -> None:
    """Audit all lock files of a folder (default: the current one) and print what was found."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = defaultdict(list)
    for lock in sorted(folder.glob("requirements*.lock")):
        for package in pinned(lock.read_text(encoding="utf-8")):
            files[package].append(lock.name)
    if not files:
        sys.exit("audit: no lock file here")
    answers = []
    try:
        for packages in rounds(set(files)):
            answers += ask(Path(sys.executable).with_name("pip-audit"), packages)
    except (ConnectionError, subprocess.TimeoutExpired) as error:
        print(f"audit: not done, it needs a network: {error}", file=sys.stderr)
        sys.exit(NOT_DONE)
    asked = [answer for answer in answers if "skip_reason" not in answer]
    bad = [(answer, vuln) for answer in asked for vuln in answer["vulns"]]
    for answer, vuln in bad:
        name, version = answer["name"], answer["version"]
        fixed = ", ".join(vuln["fix_versions"]) or "no version"
        where = ", ".join(files.get((name.lower(), version), []))
        print(f"audit: {name} {version}: {vuln['id']}, fixed in {fixed} ({where})")
    unknown = sorted({f"{name} {version}" for name, version in files} - {
        f"{answer['name'].lower()} {answer['version']}" for answer in asked
    })  # fmt: skip
    if unknown:
        some = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        print(
            f"audit: not done for {len(unknown)} of {len(files)} packages, the database did not "
            f"answer for them (it needs a network): {some}",
            file=sys.stderr,
        )
    if asked:
        print(f"audit: {len(bad)} known vulnerabilities in {len(asked)} packages")
    sys.exit(FOUND if bad else NOT_DONE if unknown else 0)


if __name__ == "__main__":
    main()

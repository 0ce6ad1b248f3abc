"""Ask Git. Where it fails, its own first line is passed on."""

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from creditrisk.core.errors import InputError

# Git's messages in English, no password prompt, and no lock that another Git would wait for.
_SETTINGS = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
_NO_REPOSITORY = "fatal: not a git repository"
_LEVEL = re.compile(r"(?:fatal|error): ")
_AGAIN = "Correct it, then run this again."


def git(*args: str, folder: Path | None = None) -> str:
    """Run Git and return what it prints.

    Args:
        *args: the arguments of `git`.
        folder: where to run it; default: the current folder.

    Raises:
        InputError: Git is missing or fails. The line has Git's first error line, and the command
            that Git proposes, if it does.
    """
    done = _run(args, folder)
    if done.returncode:
        raise _failure(args, done.stderr)
    return done.stdout


def found(*args: str, folder: Path | None = None) -> str:
    """Ask Git for something that may not exist: what it prints, without the blanks around it.

    Use it for questions that Git answers without a word if there is nothing, such as `rev-parse
    --verify --quiet`, so that every message is a failure.

    Args:
        *args: the arguments of `git`.
        folder: where to run it; default: the current folder.

    Returns:
        The empty text if there is nothing.

    Raises:
        InputError: as for `git`.
    """
    done = _run(args, folder)
    if done.returncode and any(map(_LEVEL.match, done.stderr.splitlines())):
        raise _failure(args, done.stderr)
    return "" if done.returncode else done.stdout.strip()


def files_in_git(paths: Iterable[str], folder: Path | None = None) -> list[str]:
    """List the files in Git that are one of the paths or below one.

    Args:
        paths: files or folders, relative to `folder`; taken literally, without wildcards.
        folder: where to run Git; default: the current folder. It may be a part of a repository.

    Returns:
        Paths relative to `folder`.

    Raises:
        InputError: as for `git`.
    """
    listed = git("--literal-pathspecs", "ls-files", "-z", "--", *paths, folder=folder)
    return [name for name in listed.split("\0") if name]


def contents(names: Sequence[str], folder: Path | None = None) -> list[str | None]:
    """Read files of revisions, many at once: one process of Git for all of them.

    Args:
        names: as `REVISION:./PATH`, with the path relative to `folder`.
        folder: where to run Git; default: the current folder.

    Returns:
        The texts in the order of the names; None for a file that does not exist. What is not
        UTF-8 becomes surrogates, as in the names of files.

    Raises:
        InputError: as for `git`.
    """
    asked = [name for name in names if "\n" not in name]
    args = ("cat-file", "--batch=%(objecttype) %(objectsize)")
    asked_for = "".join(f"{name}\n" for name in asked).encode("utf-8", "surrogateescape")
    done = _start(args, folder, asked_for)
    if done.returncode:
        raise _failure(args, _text(done.stderr))
    rest, found = done.stdout, {}
    for name in asked:
        head, _, rest = rest.partition(b"\n")
        kind, _, size = head.rpartition(b" ")
        if not size.isdigit():  # "NAME missing"
            continue
        content, rest = rest[: int(size)], rest[int(size) + 1 :]
        if kind == b"blob":
            found[name] = _text(content)
    return [found.get(name) for name in names]


def _run(args: tuple[str, ...], folder: Path | None) -> subprocess.CompletedProcess[str]:
    done = _start(args, folder)
    out, err = _text(done.stdout), _text(done.stderr)
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def _text(content: bytes) -> str:
    # A path may be any bytes. Line ends as in Python's text files.
    text = content.decode("utf-8", "surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _start(
    args: tuple[str, ...], folder: Path | None, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *args],
            cwd=folder,
            env={**os.environ, **_SETTINGS},
            input=given,
            capture_output=True,
        )
    except FileNotFoundError:
        if folder is not None and not folder.is_dir():
            raise
        hint = "Install Git, then run this again."
        raise InputError("Git", "program", "not found on the PATH", hint) from None


def _failure(args: tuple[str, ...], stderr: str) -> InputError:
    lines = [line for line in stderr.splitlines() if line.strip()]
    first = next((line for line in lines if _LEVEL.match(line)), (lines or ["no message"])[0])
    problem = _LEVEL.sub("", first, count=1)
    if first.startswith(_NO_REPOSITORY):
        return InputError(".", "Git", problem, "Run this in a clone of the project.")
    # Git indents a command that would help, as it does for a repository of another owner.
    proposed = (line.strip() for line in lines if line[:1].isspace())
    command = next((line for line in proposed if line.startswith("git ")), None)
    hint = f"Git proposes: {command}" if command else _AGAIN
    name = next((arg for arg in args if not arg.startswith("-")), "")
    return InputError("Git", f"git {name}", problem, hint)

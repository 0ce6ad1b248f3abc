"""What Git knows: the revision to compare with, and files as they were there."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from creditrisk.core.errors import InputError, nearest


@dataclass(frozen=True)
class Base:
    """The revision that the work tree is compared with.

    Attributes:
        commit: its full SHA-1.
        short: the same, abbreviated by Git.
        words: how it came to be the base.
    """

    commit: str
    short: str
    words: str

    def text(self, path: str) -> str | None:
        """Read a file of that revision; None where it has none."""
        return _git("show", f"{self.commit}:{path}")

    def json(self, path: str) -> Any:
        """Read a JSON file of that revision; an empty dict where it has none."""
        return json.loads(self.text(path) or "{}")


def find_base(name: str | None, into: str) -> Base:
    """Find the revision to compare with.

    Args:
        name: a revision to take as it is; None for the merge base with `into`.
        into: the branch that the work is to be merged into, here or at `origin`.

    Raises:
        InputError: no Git repository, an unknown revision, no common ancestor.
    """
    if _git("rev-parse", "--git-dir") is None:
        raise InputError(".", "Git", "no Git repository", "Run it in a clone of the project.")
    if _commit("HEAD") is None:
        raise InputError(".", "Git", "no commit yet", "Commit first: a report compares.")
    if name:
        commit = _commit(name) or _commit(f"origin/{name}")
        if commit is None:
            known = _git("for-each-ref", "--format=%(refname:short)") or ""
            raise InputError(
                "Git", f"BASE={name}", "no such revision", nearest(name, known.split())
            )
        return _base(commit, f"`{_without_backticks(name)}`")
    branches = [ref for ref in (into, f"origin/{into}") if _commit(ref)]
    if not branches:
        hint = "Name what to compare with: make report BASE=REVISION."
        raise InputError("Git", f"branch {into}", "neither here nor at origin", hint)
    # Of several Git takes the nearest: a local branch may lag behind origin's.
    commit = (_git("merge-base", "HEAD", *branches) or "").strip()
    if not commit:
        hint = "Fetch the history (`git fetch --unshallow`) or name a revision: BASE=REVISION."
        raise InputError("Git", f"branch {into}", "no common ancestor with HEAD", hint)
    return _base(commit, f"merge base with `{_without_backticks(into)}`")


def describe_here() -> str:
    """Name what is compared with the base: the branch or commit, and what is not committed."""
    branch = (_git("symbolic-ref", "--short", "--quiet", "HEAD") or "").strip()
    head = (_git("rev-parse", "--short", "HEAD") or "").strip()
    name = f"`{_without_backticks(branch)}` at `{head}`" if branch else f"`{head}`"
    return f"{name}, with uncommitted changes" if _git("status", "--porcelain") else name


def _base(commit: str, words: str) -> Base:
    short = (_git("rev-parse", "--short", commit) or commit).strip()
    return Base(commit, short, words)


def _commit(ref: str) -> str | None:
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return found.strip() if found else None


def _git(*args: str) -> str | None:
    """Ask Git; None where it fails."""
    done = subprocess.run(["git", *args], capture_output=True, text=True, encoding="utf-8")
    return done.stdout if done.returncode == 0 else None


def _without_backticks(name: str) -> str:
    """Take from a name what would end its code span."""
    return name.replace("`", "")

"""Find the base revision in Git, and read files of it."""

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
        short: the SHA-1 as Git abbreviates it.
        description: why it is the base, in Markdown.
    """

    commit: str
    short: str
    description: str

    def text(self, path: str) -> str | None:
        """Read a file of this revision; None if it does not exist."""
        return _git("show", f"{self.commit}:{path}")

    def json(self, path: str) -> Any:
        """Read a JSON file of this revision; an empty dict if it does not exist."""
        return json.loads(self.text(path) or "{}")


def find_base(name: str | None, into: str) -> Base:
    """Find the revision to compare with.

    Args:
        name: a revision; None for the merge base with `into`.
        into: the branch that the change will be merged into, local or at `origin`.

    Raises:
        InputError: there is no Git repository, the revision is unknown, or there is no common
            ancestor.
    """
    if _git("rev-parse", "--git-dir") is None:
        raise InputError(".", "Git", "not a Git repository", "Run this in a clone of the project.")
    if _commit("HEAD") is None:
        raise InputError(".", "Git", "no commit yet", "Commit first, then compare.")
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
        hint = "Name the revision to compare with: make review BASE=REVISION."
        raise InputError("Git", f"branch {into}", "found neither locally nor at origin", hint)
    # With several branches Git takes the nearest merge base: a local branch may be behind origin.
    commit = (_git("merge-base", "HEAD", *branches) or "").strip()
    if not commit:
        hint = "Fetch the history (`git fetch --unshallow`) or name a revision: BASE=REVISION."
        raise InputError("Git", f"branch {into}", "no common ancestor with HEAD", hint)
    return _base(commit, f"merge base with `{_without_backticks(into)}`")


def describe_here() -> str:
    """Describe the work tree: its branch, its commit, and whether there are uncommitted changes."""
    branch = (_git("symbolic-ref", "--short", "--quiet", "HEAD") or "").strip()
    head = (_git("rev-parse", "--short", "HEAD") or "").strip()
    name = f"`{_without_backticks(branch)}` at `{head}`" if branch else f"`{head}`"
    return f"{name}, with uncommitted changes" if _git("status", "--porcelain") else name


def _base(commit: str, description: str) -> Base:
    short = (_git("rev-parse", "--short", commit) or commit).strip()
    return Base(commit, short, description)


def _commit(ref: str) -> str | None:
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return found.strip() if found else None


def _git(*args: str) -> str | None:
    """Run Git and return its output; None if it fails."""
    done = subprocess.run(["git", *args], capture_output=True, text=True, encoding="utf-8")
    return done.stdout if done.returncode == 0 else None


def _without_backticks(name: str) -> str:
    """Remove backticks, which would end the code span of a name."""
    return name.replace("`", "")

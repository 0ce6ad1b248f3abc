"""Find the base revision in Git, and read files of it."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from creditrisk.core.errors import InputError, nearest
from creditrisk.core.escape import markdown_code
from creditrisk.core.git import contents, found, git

_ALL_BRANCHES = "+refs/heads/*:refs/remotes/origin/*"


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
        """Read a file of this revision; None if it does not exist.

        Args:
            path: relative to the current folder, which may be a part of the repository.
        """
        return self._texts([path])[0]

    def json(self, path: str) -> dict[str, Any]:
        """Read a JSON file of this revision; an empty dict if it does not exist.

        Raises:
            InputError: it is not a JSON object.
        """
        return self.jsons([path])[0]

    def jsons(self, paths: Sequence[str]) -> list[dict[str, Any]]:
        """Read many JSON files, as `json` reads one."""
        texts = zip(paths, self._texts(paths), strict=True)
        return [_object(text or "{}", f"{self.short}:{path}") for path, text in texts]

    def _texts(self, paths: Sequence[str]) -> list[str | None]:
        found = contents([f"{self.commit}:./{path}" for path in paths])
        return [
            text and text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            for text in found
        ]


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        problem, hint = "not a JSON object", "Name another revision: make review BASE=REVISION."
        raise InputError(name, "file", problem, hint)
    return content


def find_base(name: str | None, into: str) -> Base:
    """Find the revision to compare with.

    Args:
        name: a revision; None for the merge base with `into`.
        into: the branch that the change will be merged into, local or at `origin`.

    Raises:
        InputError: Git fails, there is no commit, the revision is unknown, or there is no common
            ancestor.
    """
    git("rev-parse", "--git-dir")
    if not _commit("HEAD"):
        raise InputError(".", "Git", "no commit yet", "Commit first, then compare.")
    if name:
        commit = _commit(name) or _commit(f"origin/{name}")
        if not commit:
            known = git("for-each-ref", "--format=%(refname:short)").split()
            hint = _fetch_history() or nearest(name, known)
            raise InputError("Git", f"BASE={name}", "no such revision", hint)
        return _base(commit, markdown_code(name))
    commits = [commit for ref in (into, f"origin/{into}") if (commit := _commit(ref))]
    if not commits:
        problem = "found neither locally nor at origin"
        raise InputError("Git", f"branch {into}", problem, _other_branch(into))
    # With several branches Git takes the nearest merge base: a local branch may be behind origin.
    commit = found("merge-base", "HEAD", *commits)
    if not commit:
        hint = _fetch_history() or "Name the revision to compare with: make review BASE=REVISION."
        raise InputError("Git", f"branch {into}", "no common ancestor with HEAD", hint)
    return _base(commit, f"merge base with {markdown_code(into)}")


def describe_here() -> str:
    """Describe the work tree: its branch, its commit, and whether there are uncommitted changes.

    Changes elsewhere in a repository that has other projects too do not count.
    """
    branch = found("symbolic-ref", "--short", "--quiet", "HEAD")
    head = markdown_code(git("rev-parse", "--short", "HEAD").strip())
    name = f"{markdown_code(branch)} at {head}" if branch else head
    changed = git("status", "--porcelain", "--", ".")
    return f"{name}, with uncommitted changes" if changed else name


def _other_branch(into: str) -> str:
    """Say what to do if the branch `into` is unknown here."""
    head = found("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
    for branch in (head.removeprefix("refs/remotes/origin/"), "master", "main"):
        if branch and (_commit(branch) or _commit(f"origin/{branch}")):
            return f"There is another one: make review INTO={shlex.quote(branch)}"
    return _fetch_history() or "Name the revision to compare with: make review BASE=REVISION."


def _fetch_history() -> str:
    """Say how to fetch what this clone was made without; empty if it lacks nothing."""
    options = ["--unshallow"] if git("rev-parse", "--is-shallow-repository") == "true\n" else []
    fetched = found("config", "--get-all", "remote.origin.fetch").split()
    if fetched and _ALL_BRANCHES not in fetched:  # as `git clone --depth` and --single-branch do
        options += ["origin", shlex.quote(_ALL_BRANCHES)]
    if not options:
        return ""
    what = "is shallow" if "--unshallow" in options else "has one branch only"
    return f"This clone {what}. Fetch the rest: git fetch {' '.join(options)}"


def _base(commit: str, description: str) -> Base:
    return Base(commit, git("rev-parse", "--short", commit).strip(), description)


def _commit(ref: str) -> str:
    """Get the SHA-1 of a commit; empty if there is none of this name."""
    return found("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")

"""The folder of the parts and that of their outputs: what is in them, and what does not belong."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from creditrisk.core.errors import InputError
from creditrisk.core.files import PART, delete_left_overs
from creditrisk.core.logs import say
from creditrisk.ingest.forms import SUFFIXES
from creditrisk.score.parts.receipts import FOLDER, SUFFIX

HIDDEN = (".", "_")  # of such names, programs that write folders of parts make notes: _SUCCESS


def find_parts(source: Path, target: Path) -> list[str]:
    """List the parts, and make the folder of the outputs.

    Args:
        source: the folder of the parts.
        target: the folder of the outputs; what killed runs left there is deleted.

    Returns:
        The names of the parts in their order.

    Raises:
        InputError: there is no part, a file that can't be one, an output without its part, or the
            folders are not apart from each other.
    """
    names, hidden = _listed(source)
    hint = f"Parts are files named {', '.join(SUFFIXES)}."
    for name in names:
        if not _may_be_part(name) or not (source / name).is_file():
            # Other forms that can be read alone could not be written under the same name.
            problem = "can't be a part"
            raise InputError(source / name, "file", problem, f"{hint} Move it somewhere else.")
    if not names:
        raise InputError(source, "folder", "has no parts", hint)
    if left_out := [name for name in hidden if _may_be_part(name)]:
        say(f"score: left out, since they begin with . or _: {', '.join(left_out)}", warning=True)
    _refuse_together(source, target)
    if os.path.lexists(target) and not target.is_dir():
        problem = "is no folder, as --input is"
        raise InputError(target, "file", problem, "Name a folder with --output.")
    target.mkdir(parents=True, exist_ok=True)
    for name in _listed(target)[0]:
        if name not in names:
            # Whoever reads the folder as one table would have its rows as well.
            problem = f"there is no part of this name in {source}"
            hint = "Remove it, or give another folder with --output."
            raise InputError(target / name, "file", problem, hint)
    clean(target, names)
    return names


def clean(target: Path, names: list[str]) -> None:
    """Delete what killed runs left in the folder of the outputs, and receipts of former parts."""
    delete_left_overs(target)
    delete_left_overs(target / FOLDER)
    for path in (target / FOLDER).glob(f"*{SUFFIX}"):
        if path.name.removesuffix(SUFFIX) not in names:
            path.unlink(missing_ok=True)


@contextmanager
def sign_in(target: Path) -> Iterator[Path]:
    """Yield a file in a folder, by which others see that they have the same folder."""
    with NamedTemporaryFile(prefix=".sign.", suffix=PART, dir=target) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # so that `clean` of another run lets it live
        yield Path(file.name)


def _listed(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names in a folder, and those which are hidden."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise InputError(folder, "folder", problem, "Check its permissions.") from None
    shown = [name for name in names if not name.startswith(HIDDEN)]
    return shown, [name for name in names if name.startswith(HIDDEN)]


def _may_be_part(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _refuse_together(source: Path, target: Path) -> None:
    one, other = Path(os.path.realpath(source)), Path(os.path.realpath(target))
    if one == other or one in other.parents or other in one.parents:
        problem = f"is not apart from the folder of the parts, {source}"
        raise InputError(target, "folder", problem, "Give another folder with --output.")

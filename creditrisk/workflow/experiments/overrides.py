"""Apply parameter overrides (`-S name=value`) as DVC would."""

from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.params import read_yaml


def expand_sweeps(overrides: Sequence[str], path: str | Path) -> list[list[str]]:
    """Expand comma-separated values into experiments, as `dvc exp run --queue` does.

    Args:
        overrides: the values of `-S`. Overrides of other files than `path` are ignored here.
        path: params.yaml.

    Returns:
        The overrides of `path` for each experiment, in DVC's order.

    Raises:
        InputError: an override can't be parsed.
    """
    # Imported here, because these imports are slow and only overrides need them.
    from dvc.exceptions import InvalidArgumentError
    from dvc.utils.cli_parse import to_path_overrides
    from dvc.utils.hydra import get_hydra_sweeps
    from hydra.errors import HydraException

    try:
        experiments = get_hydra_sweeps(to_path_overrides(overrides))
    except (HydraException, InvalidArgumentError) as error:
        hint = "Write name=value, or name=value,value."
        raise InputError("-S", ", ".join(overrides), str(error).split("\nSee")[0], hint) from None
    return [experiment.get(str(path), []) for experiment in experiments]


def apply_overrides(path: str | Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Read the parameters as DVC would write them for an experiment; the file is not changed.

    Args:
        path: params.yaml.
        overrides: the overrides of one experiment.

    Raises:
        InputError: a name is not in the file, or a value is invalid.
    """
    from dvc.exceptions import InvalidArgumentError

    read_yaml(path)
    try:
        return _params_with(path, overrides)
    except InvalidArgumentError as error:
        for override in overrides:
            _raise_if_wrong(path, override)
        problem = str(error.__cause__).splitlines()[0]
        raise InputError("-S", ", ".join(overrides), problem, "Correct it.") from None


def _params_with(path: str | Path, overrides: Sequence[str]) -> dict[str, Any]:
    from dvc.utils.hydra import apply_overrides

    with TemporaryDirectory() as folder:
        copy = copyfile(path, Path(folder, "params.yaml"))
        apply_overrides(copy, list(overrides))
        return read_yaml(copy)


def _raise_if_wrong(path: str | Path, override: str) -> None:
    """Raise an error that says why DVC refuses an override; return if DVC accepts it."""
    from dvc.exceptions import InvalidArgumentError

    try:
        _params_with(path, [override])
    except InvalidArgumentError as error:
        name, cause = override.partition("=")[0].lstrip("+~"), error.__cause__
        try:
            added = _params_with(path, [f"++{override}"])
        except InvalidArgumentError:
            raise InputError(path, name, str(cause).splitlines()[0], "Correct it.") from None
        # Unknown names get the same error as in params.yaml.
        from creditrisk.workflow.check import check

        check(added, path)
        hint = f"Write `-S +{override}` to add it."
        raise InputError(path, name, "valid, but not in the file", hint) from None

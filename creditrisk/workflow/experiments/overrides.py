"""Overrides of parameters (`-S name=value`), as DVC would apply them."""

from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from creditrisk.core.errors import InputError
from creditrisk.core.params import read_yaml
from creditrisk.workflow.check import check


def expand_sweeps(overrides: Sequence[str], path: str | Path) -> list[list[str]]:
    """Spread comma lists as `dvc exp run --queue` does.

    Args:
        overrides: as after `-S`; those of other files than `path` are left to DVC.
        path: params.yaml.

    Returns:
        Each experiment's overrides of `path`, in DVC's order.

    Raises:
        InputError: one can't be read.
    """
    # Here, not above: only with overrides is the time for these imports spent.
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
    """Return the parameters as DVC would write them for an experiment; the file stays as it is.

    Raises:
        InputError: a name that is not there, with the nearest valid ones, or a value that can't be.
    """
    from dvc.exceptions import InvalidArgumentError

    read_yaml(path)
    try:
        return _params_with(path, overrides)
    except InvalidArgumentError as error:
        for one in overrides:
            _raise_if_wrong(path, one)
        problem = str(error.__cause__).splitlines()[0]
        raise InputError("-S", ", ".join(overrides), problem, "Correct it.") from None


def _params_with(path: str | Path, overrides: Sequence[str]) -> dict[str, Any]:
    from dvc.utils.hydra import apply_overrides

    with TemporaryDirectory() as folder:
        copy = copyfile(path, Path(folder, "params.yaml"))
        apply_overrides(copy, list(overrides))
        return read_yaml(copy)


def _raise_if_wrong(path: str | Path, one: str) -> None:
    """Say what is wrong with an override that DVC refuses; return if it is not this one."""
    from dvc.exceptions import InvalidArgumentError

    try:
        _params_with(path, [one])
    except InvalidArgumentError as error:
        name, cause = one.partition("=")[0].lstrip("+~"), error.__cause__
        try:
            added = _params_with(path, [f"++{one}"])
        except InvalidArgumentError:
            raise InputError(path, name, str(cause).splitlines()[0], "Correct it.") from None
        # A name that no stage knows is told by the same words as one in the file.
        check(added, path)
        hint = f"Write `-S +{one}` to add it."
        raise InputError(path, name, "valid, but not in the file", hint) from None

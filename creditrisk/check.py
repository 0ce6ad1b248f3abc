"""All of params.yaml against what the stages take, before any of them runs."""

import json
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from creditrisk.algorithms import algorithm, grid
from creditrisk.algorithms import names as registered
from creditrisk.decision import DecisionParams
from creditrisk.eda.adjust import EdaParams
from creditrisk.errors import InputError, from_validation, nearest
from creditrisk.fairness import FairnessParams
from creditrisk.featurize import FeaturizeParams, manifest
from creditrisk.ingest import DataParams
from creditrisk.params import Strict, names_at, read_yaml
from creditrisk.points import Scale
from creditrisk.prepare.params import PrepareParams, SplitParams
from creditrisk.preprocess import PreprocessParams
from creditrisk.schema import load_schema
from creditrisk.select import SelectParams
from creditrisk.train.ensemble import members_of
from creditrisk.train.params import TrainParams


class Params(Strict):
    """All blocks of params.yaml; each stage reads some of them."""

    seed: int
    model: str
    data: DataParams
    split: SplitParams
    prepare: PrepareParams
    eda: EdaParams
    featurize: FeaturizeParams
    preprocess: PreprocessParams
    train: TrainParams
    algorithms: dict[str, dict[str, Any]]
    select: SelectParams
    decision: DecisionParams
    scorecard: Scale
    fairness: FairnessParams


def check(tree: dict[str, Any], path: str | Path) -> int:
    """Check every block, also against the schema file and the registry of algorithms.

    Parameters
    ----------
    tree : the content of params.yaml.
    path : its name, for errors.

    Returns
    -------
    number of candidates that the grids span.

    Raises
    ------
    InputError : the first thing that a stage would refuse, with the nearest valid names.
    """
    try:
        params = Params.model_validate(tree)
    except ValidationError as error:
        raise from_validation(path, error, names_at(Params, error)) from None
    data, names = params.data, list(params.algorithms)
    if not any(Path(p).exists() for p in _traces(data.source)) and not _made(data.source):
        mend = "Correct the path, or bring the file with `dvc pull`."
        raise InputError(path, "data.source", f"no file {data.source}", mend)
    numeric = manifest(load_schema(data.schema_), params.featurize)["numeric"]
    amount = params.decision.amount_column
    if amount is not None and amount not in numeric:
        what, hint = f"no numeric column {amount}", nearest(amount, numeric)
        raise InputError(path, "decision.amount_column", what, hint)
    families = {name: algorithm(name).family for name in names}
    for name in registered():
        # DVC makes a stage of each entry, which fails in the middle of a run without its block.
        if name not in names:
            what = "missing, while creditrisk/algorithms.yaml has an entry of that name"
            raise InputError(path, f"algorithms.{name}", what, "Put it back, or remove both.")
    single = [name for name in names if families[name] == "single"]
    candidates = 0
    for name, block in params.algorithms.items():
        if families[name] == "single":
            candidates += _span(name, json.dumps(block), params.seed)
        else:
            members_of(name, block, single)
            candidates += 1
    if params.model not in ("auto", *names):
        hint = nearest(params.model, ["auto", *names])
        raise InputError(path, "model", f"unknown algorithm {params.model!r}", hint)
    return candidates


@lru_cache
def _span(name: str, block: str, seed: int) -> int:
    """Count a grid's candidates, each checked; the experiments of a sweep share most blocks."""
    return len(grid(name, json.loads(block), seed))


def spread(overrides: Sequence[str], path: str | Path) -> list[list[str]]:
    """Spread comma lists as `dvc exp run --queue` does.

    Parameters
    ----------
    overrides : as after `-S`; those of other files than `path` are left to DVC.
    path : params.yaml.

    Returns
    -------
    each experiment's overrides of `path`, in DVC's order.

    Raises
    ------
    InputError : one can't be read.
    """
    # Here, not above: only with overrides is the time for these imports spent.
    from dvc.exceptions import InvalidArgumentError
    from dvc.utils.cli_parse import to_path_overrides
    from dvc.utils.hydra import get_hydra_sweeps
    from hydra.errors import HydraException

    try:
        experiments = get_hydra_sweeps(to_path_overrides(overrides))
    except (HydraException, InvalidArgumentError) as error:
        mend = "Write name=value, or name=value,value."
        raise InputError("-S", ", ".join(overrides), str(error).split("\nSee")[0], mend) from None
    return [experiment.get(str(path), []) for experiment in experiments]


def override(path: str | Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the parameters as DVC would write them for an experiment; the file stays as it is.

    Raises
    ------
    InputError : a name that is not there, with the nearest valid ones, or a value that can't be.
    """
    from dvc.exceptions import InvalidArgumentError

    read_yaml(path)
    try:
        return _applied(path, overrides)
    except InvalidArgumentError as error:
        for one in overrides:
            _explain(path, one)
        what = str(error.__cause__).splitlines()[0]
        raise InputError("-S", ", ".join(overrides), what, "Correct it.") from None


def _applied(path: str | Path, overrides: Sequence[str]) -> dict[str, Any]:
    from dvc.utils.hydra import apply_overrides

    with TemporaryDirectory() as folder:
        copy = copyfile(path, Path(folder, "params.yaml"))
        apply_overrides(copy, list(overrides))
        return read_yaml(copy)


def _explain(path: str | Path, one: str) -> None:
    """Say what is wrong with an override that DVC refuses; return if it is not this one."""
    from dvc.exceptions import InvalidArgumentError

    try:
        _applied(path, [one])
    except InvalidArgumentError as error:
        name, cause = one.partition("=")[0].lstrip("+~"), error.__cause__
        try:
            added = _applied(path, [f"++{one}"])
        except InvalidArgumentError:
            raise InputError(path, name, str(cause).splitlines()[0], "Correct it.") from None
        # A name that no stage knows is told by the same words as one in the file.
        check(added, path)
        mend = f"Write `-S +{one}` to add it."
        raise InputError(path, name, "valid, but not in the file", mend) from None


def check_carried(tree: dict[str, Any], path: str | Path) -> None:
    """Check that a queued experiment's folder will have the files which the parameters name.

    Raises
    ------
    InputError : one is neither in Git nor in DVC.
    """
    for name in ("source", "schema"):
        file = tree["data"][name]
        if not _carried(file):
            raise not_carried(path, f"data.{name}", file)


def not_carried(path: str | Path, where: str, file: str) -> InputError:
    """Word that a file is missing where a queued experiment runs."""
    what = (
        f"{file} is neither in Git nor in DVC, and an experiment with --queue or --temp runs in a "
        "folder that holds tracked files only"
    )
    return InputError(path, where, what, f"`dvc add {file}`, or `git add` it where it may lie.")


def _carried(file: str) -> bool:
    if Path(file).is_absolute() or _made(file):
        return True
    command = ["git", "ls-files", "--", *_traces(file)]
    return bool(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def _traces(file: str) -> list[str]:
    """Name the file, and what `dvc add` leaves of it or of a folder that holds it."""
    folders = list(PurePath(file).parents)[:-1]
    return [file, *(f"{part}.dvc" for part in (file, *folders))]


def _made(file: str) -> bool:
    """Tell whether a stage that was added to dvc.yaml may make the file."""
    stages = Path("dvc.yaml")
    return stages.exists() and file in stages.read_text(encoding="utf-8")

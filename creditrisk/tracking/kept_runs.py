"""Runs that wait on disk until they are recorded: one file per run, beside the local store.

A stage writes its run here before it asks for the recording, and who has recorded the run deletes
the file. So a store that is locked, broken or full, a recording that takes too long and a process
that is killed lose no run: the next stage, or `make mirror`, finds the file.

A file is a ZIP archive of JSON, Parquet, NumPy arrays without objects, and copies of the artifacts,
because outputs change later. Nothing in it is run as code: the pickled champion is passed on to
MLflow as bytes and never loaded here (docs/architecture.md, Law 7). The folder is for this user
only, as the files hold rows of applicants.
"""

import io
import json
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from creditrisk.core.errors import InputError
from creditrisk.core.files import PART, atomic_write
from creditrisk.tracking.run_data import Loader, ModelVersion, RunData, Search
from creditrisk.tracking.store import StoreLocation

FORMAT = 2
WITHOUT_LOADER = 1  # the format before: of a run without a champion it is the same
TRIES = 3  # how often stages try to record a run; then only `make mirror` does
STALE_SECONDS = 24 * 3600.0  # a file that was being written for longer was left by a killed run
# What of a run is plain JSON.
_PLAIN = ("key", "stage", "experiment", "started", "ended", "tags", "params", "metrics")
_CHAMPION = (
    "sha256", "package_sha256", "description", "columns", "notation", "is_champion_run",
)  # fmt: skip
_SEARCH = ("estimator", "diagram", "scoring", "best_score")


@dataclass(frozen=True)
class Entry:
    """A kept run.

    Attributes:
        path: its file, KEY.TRIES.run.
        key: the key of the run.
        tries: how often somebody began to record it.
    """

    path: Path
    key: str
    tries: int


def keep(location: StoreLocation, run_data: RunData) -> None:
    """Write a run to disk, whole or not at all.

    Raises:
        InputError: the file can't be written, or its folder is a link.
        OSError: the folder can't be made, or an artifact can't be read.
    """
    folder = location.kept
    if folder.is_symlink():
        raise InputError(folder, "folder", "is a link", "Delete it.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    # A folder that ignores itself needs no entry in a .gitignore of the project.
    with suppress(FileExistsError), open(folder / ".gitignore", "x") as file:
        file.write("*\n")
    for part in folder.glob(f".*{PART}"):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < time.time() - STALE_SECONDS:
                part.unlink()
    with (
        atomic_write(folder / f"{run_data.key}.0.run") as whole,
        zipfile.ZipFile(whole, "w", strict_timestamps=False) as archive,
    ):
        _pack(archive, run_data)


def waiting(location: StoreLocation, most_tries: int | None = None) -> list[Entry]:
    """List the kept runs, those with the fewest tries first, then the oldest.

    So a run that can never be recorded does not hold up the others.

    Args:
        location: the local store.
        most_tries: leave out the runs that were tried this often.
    """
    found = []
    for path in location.kept.glob("*.*.run"):
        key, tries, _ = path.name.split(".", 2)
        if tries.isdecimal() and (most_tries is None or int(tries) < most_tries):
            with suppress(FileNotFoundError):  # another process has just recorded it
                found.append((int(tries), path.stat().st_mtime_ns, key, path))
    return [Entry(path, key, tries) for tries, _, key, path in sorted(found)]


def count_try(entry: Entry) -> Path:
    """Count a try before it is made, since the process may be killed during it.

    Returns:
        The new path of the file.
    """
    path = entry.path.with_name(f"{entry.key}.{entry.tries + 1}.run")
    return entry.path.rename(path)


@contextmanager
def unpacked(path: Path) -> Iterator[RunData]:
    """Read a kept run; its artifacts lie in a temporary folder until the end of the block.

    Raises:
        ValueError: the file is of another version of this program.
        zipfile.BadZipFile: the file is damaged.
    """
    with (
        tempfile.TemporaryDirectory(prefix="creditrisk-") as folder,
        zipfile.ZipFile(path) as archive,
    ):
        yield _unpack(archive, Path(folder))


def _pack(archive: zipfile.ZipFile, run: RunData) -> None:
    plain: dict[str, Any] = {"format": FORMAT} | {name: getattr(run, name) for name in _PLAIN}
    plain["files"] = {name: [path.name for path in paths] for name, paths in run.files.items()}
    for name, paths in run.files.items():
        for path in paths:
            archive.write(path, f"files/{name}/{path.name}")
    if run.search:
        scores = {n: v for n, v in run.search.results.items() if isinstance(v, np.ndarray)}
        others = {n: v for n, v in run.search.results.items() if n not in scores}
        order = list(run.search.results)
        plain["search"] = {name: getattr(run.search, name) for name in _SEARCH}
        plain["search"] |= {"results": others, "scores": order}
        for name, values in scores.items():
            _write_array(archive, f"search/scores/{order.index(name)}.npy", values)
        _write_frame(archive, "search/rows.parquet", run.search.rows)
        _write_array(archive, "search/bad.npy", run.search.bad)
    if run.predictions is not None:
        _write_frame(archive, "predictions.parquet", run.predictions)
    if run.champion:
        loader = run.champion.loader
        plain["champion"] = {name: getattr(run.champion, name) for name in _CHAMPION}
        plain["loader"] = {"module": loader.module, "code": list(loader.code)}
        archive.writestr("champion/model.joblib", run.champion.pickled)
        for name, content in loader.code.items():
            archive.writestr(f"champion/code/{name}", content)
    archive.writestr("run.json", json.dumps(plain, default=_scalar))


def _unpack(archive: zipfile.ZipFile, folder: Path) -> RunData:
    plain = json.loads(archive.read("run.json"))
    if plain["format"] not in (FORMAT, WITHOUT_LOADER) or (
        plain["format"] == WITHOUT_LOADER and plain.get("champion")
    ):
        raise ValueError(f"kept in format {plain['format']}, this program reads {FORMAT}")
    files = {
        name: [Path(archive.extract(f"files/{name}/{each}", folder)) for each in names]
        for name, names in plain["files"].items()
    }
    members = set(archive.namelist())
    search = champion = predictions = None
    if found := plain.get("search"):
        results = {
            name: found["results"][name]
            if name in found["results"]
            else _read_array(archive, f"search/scores/{i}.npy")
            for i, name in enumerate(found["scores"])
        }
        search = Search(
            **{name: found[name] for name in _SEARCH},
            results=results,
            rows=_read_frame(archive, "search/rows.parquet"),
            bad=_read_array(archive, "search/bad.npy"),
        )
    if "predictions.parquet" in members:
        predictions = _read_frame(archive, "predictions.parquet")
    if found := plain.get("champion"):
        code = {path: archive.read(f"champion/code/{path}") for path in plain["loader"]["code"]}
        champion = ModelVersion(
            pickled=archive.read("champion/model.joblib"),
            loader=Loader(plain["loader"]["module"], code),
            **found,
        )
    return RunData(
        **{name: plain[name] for name in _PLAIN},
        files=files,
        search=search,
        predictions=predictions,
        champion=champion,
    )


def _scalar(value: Any) -> Any:
    """Turn a NumPy scalar into a number, without rounding it."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} can't be kept")


def _write_array(archive: zipfile.ZipFile, name: str, values: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.ma.getdata(values), allow_pickle=False)
    archive.writestr(name, buffer.getvalue())


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    return np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


def _write_frame(archive: zipfile.ZipFile, name: str, frame: pd.DataFrame) -> None:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    archive.writestr(name, buffer.getvalue())


def _read_frame(archive: zipfile.ZipFile, name: str) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(archive.read(name)))

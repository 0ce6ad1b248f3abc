"""The hashes that are in Git: those of dvc.lock, and those of the model files."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from values import SHA256, read_json

from creditrisk.core.dvc_lock import from_root
from creditrisk.core.errors import InputError
from creditrisk.core.yaml_text import parse_yaml

LOCK, SELECT, CARD = "dvc.lock", "metrics/select.json", "plots/model_card.md"
MONITOR_LOCK = "monitor/dvc.lock"  # of the second pipeline
TRAINED, CANDIDATES = "metrics/train/", "data/candidates/"
# Outputs that are parsed, counted or derived: the same bytes everywhere. All others are fitted.
EXACT = (
    "data/interim/", "data/processed/explored", "data/processed/adjustments",
    "data/processed/train", "data/processed/test", "data/processed/features",
    "metrics/ingest.json", "metrics/prepare.json", "metrics/eda.json",
)  # fmt: skip
Files = Mapping[str, bytes]
_FILLED_IN = re.compile(r"\$\{[^}]*\}")


def read_lock(content: bytes) -> dict[str, Any]:
    """Read the stages of a dvc.lock.

    Raises:
        ValueError: it is not what DVC writes.
    """
    try:
        tree = parse_yaml(content, "dvc.lock")
    except InputError:
        tree = None
    stages = tree.get("stages") if isinstance(tree, dict) else None
    if not isinstance(stages, dict):
        raise ValueError("not a dvc.lock")
    return from_root(stages)


def entries(stage: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Map the paths of a stage's `deps` or `outs` to their entries."""
    return {entry["path"]: entry for entry in stage.get(kind, [])}


def outputs(lock: Mapping[str, Any]) -> dict[str, Any]:
    """Map the path of each output to its entry."""
    return {
        path: entry for stage in lock.values() for path, entry in entries(stage, "outs").items()
    }


def lock_differences(before: bytes, after: bytes) -> Iterator[str]:
    """Compare two dvc.lock: commands, parameters, code, data, and what is the same everywhere.

    The hash of a fitted output may differ on another processor. It must be there.
    """
    old, new = read_lock(before), read_lock(after)
    outs = {*outputs(old), *outputs(new)}
    yield from (f"stage {name} went" for name in old if name not in new)
    for name, stage in new.items():
        if name not in old:
            yield f"stage {name} came"
            continue
        for part in ("cmd", "params"):
            if old[name].get(part) != stage.get(part):
                yield f"stage {name}: {part} is another"
        for kind in ("deps", "outs"):
            a, b = entries(old[name], kind), entries(stage, kind)
            for path in dict.fromkeys([*a, *b]):
                if path not in a or path not in b:
                    yield f"stage {name}: {path} {'came' if path in b else 'went'}"
                elif _comparable(a[path], path, outs) != _comparable(b[path], path, outs):
                    yield f"stage {name}: the hash of {path} is another"


def fitted_hashes_differ(before: bytes, after: bytes) -> int:
    """Count the outputs with another hash in two dvc.lock that do not differ otherwise."""
    a, b = outputs(read_lock(before)), outputs(read_lock(after))
    return sum(a[path].get("md5") != b[path].get("md5") for path in a.keys() & b.keys())


def _comparable(entry: Mapping[str, Any], path: str, outs: set[str]) -> Any:
    made = path in outs or any(out.startswith(f"{path}/") for out in outs)
    if not made or path.startswith(EXACT):
        return entry
    return bool(entry.get("md5")), entry.get("nfiles")


def kept_in_git(pipeline: bytes) -> list[re.Pattern[str]]:
    """List the outputs that dvc.yaml keeps out of DVC's cache, so that Git has them.

    Args:
        pipeline: dvc.yaml. `${root}` is the folder of the project; all else that it fills in, such
            as `${key}`, stands for any name.
    """
    bodies = [
        stage.get("do", stage) for stage in parse_yaml(pipeline, "dvc.yaml")["stages"].values()
    ]
    entries = [
        out
        for body in bodies
        for kind in ("outs", "metrics", "plots")
        for out in body.get(kind, [])
    ]
    kept = [
        path
        for out in entries if isinstance(out, dict)
        for path, options in out.items() if options.get("cache") is False
    ]  # fmt: skip
    from_root = [path.removeprefix("${root}/") for path in kept]
    return [re.compile("[^/]+".join(map(re.escape, _FILLED_IN.split(p)))) for p in from_root]


def lock_against_files(
    content: bytes, files: Files, kept: Iterable[re.Pattern[str]] = ()
) -> Iterator[str]:
    """Compare a dvc.lock with itself and with the results that are in Git beside it.

    What the second pipeline writes is compared with its own lock file.

    Args:
        content: the committed dvc.lock.
        files: path to content, of the results in Git.
        kept: the outputs that must be in Git, from `kept_in_git`.
    """
    lock = read_lock(content)
    outs = outputs(lock)
    for name, stage in lock.items():
        for path, entry in entries(stage, "deps").items():
            if path in outs and entry.get("md5") != outs[path].get("md5"):
                yield f"stage {name} read another {path} than its stage wrote"
    for path, entry in outs.items():
        below = {
            n.removeprefix(f"{path}/"): c for n, c in files.items() if n.startswith(f"{path}/")
        }
        digest = _md5(files[path]) if path in files else _folder_md5(below) if below else None
        if digest and digest != entry.get("md5"):
            yield f"its hash of {path} is not that of the committed file"
    for path in outs:
        in_git = any(f"{name}/".startswith(f"{path}/") for name in files)
        if not in_git and any(pattern.fullmatch(path) for pattern in kept):
            yield f"it has {path}, which is not in Git"
    more = read_lock(files[MONITOR_LOCK]) if MONITOR_LOCK in files else {}
    others = outputs(more)
    for path, entry in others.items():
        if path in files and _md5(files[path]) != entry.get("md5"):
            yield f"the hash of {path} in {MONITOR_LOCK} is not that of the committed file"
    for name in sorted(files.keys() - {LOCK, MONITOR_LOCK}):
        if not any(f"{name}/".startswith(f"{path}/") for path in (*outs, *others)):
            yield f"no stage writes {name}"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _folder_md5(files: Files) -> str:
    """Compute DVC's hash of a folder."""
    listed = [{"md5": _md5(content), "relpath": name} for name, content in sorted(files.items())]
    return f"{_md5(json.dumps(listed, sort_keys=True).encode())}.dir"


def model_hashes(files: Files) -> dict[str, str]:
    """Get the hash of each model from its metrics file; the champion's under an empty name."""
    found = {}
    for name, content in files.items():
        if name.startswith(TRAINED) and name.endswith(".json"):
            found[Path(name).stem] = read_json(content).get("model_sha256")
    if SELECT in files:
        found[""] = read_json(files[SELECT]).get("champion_sha256")
    return {name: digest for name, digest in found.items() if digest is not None}


def model_hash_problems(files: Files, models: Path | None = None) -> Iterator[str]:
    """Check that all results name the same hash for the same model.

    Args:
        files: path to content, of the results.
        models: the folder of the model files; None if only the results are compared.
    """
    hashes = model_hashes(files)
    for name, digest in hashes.items():
        label = f"{TRAINED}{name}.json" if name else SELECT
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            yield f"{label}: not a SHA-256"
            continue
        file = models / f"{name or 'champion'}.joblib" if models else None
        if file and file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield f"{label}: not the hash of {file.as_posix()}"
    for name in (n for n in files if n.startswith(CANDIDATES) and n.endswith(".json")):
        if read_json(files[name]).get("model_sha256") != hashes.get(Path(name).stem):
            yield f"{name}: not the hash in {TRAINED}{Path(name).name}"
    if champion := hashes.get(""):
        if champion != hashes.get(read_json(files[SELECT]).get("algorithm")):
            yield f"{SELECT}: champion_sha256 is not the hash of the chosen model"
        if CARD in files and champion not in files[CARD].decode():
            yield f"{CARD}: the hash of the champion is missing"

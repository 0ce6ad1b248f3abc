"""A project with a folder of parts, and what scoring each of them alone gives."""

from pathlib import Path

import pandas as pd

from tests.support.champions import raw_lines
from tests.support.stage_runs import call

HEADER, LINES = raw_lines()


def write_csv(path: Path, start: int, count: int) -> None:
    """Write lines of the default data; from its end, the first ones follow."""
    lines = [LINES[row % len(LINES)] for row in range(start, start + count)]
    path.write_text("\n".join([HEADER, *lines]) + "\n")


def make_parts(folder: Path, **rows: int) -> None:
    """Write a folder of Parquet parts, by name and number of rows; no row is in two of them."""
    folder.mkdir(parents=True)
    start = 0
    for name, count in rows.items():
        write_csv(folder / "part.csv", start, count)
        pd.read_csv(folder / "part.csv").to_parquet(folder / f"{name}.parquet", index=False)
        (folder / "part.csv").unlink()
        start += count


def alone(project: Path, source: str, target: str, *args: object) -> dict[str, bytes]:
    """Score each part of a folder by a command of its own; gives the outputs by name."""
    (project / target).mkdir()
    for part in sorted((project / source).iterdir()):
        output = project / target / part.name
        done = call(project, "commands.score", "--input", part, "--output", output, *args)
        assert done.returncode == 0, done.stderr
    return outputs(project / target)


def outputs(folder: Path) -> dict[str, bytes]:
    """The files in a folder by name, those with a dot in front too."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

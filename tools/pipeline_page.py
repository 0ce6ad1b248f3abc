"""Write the graph of the pipeline into docs/pipeline.md again (`python -m tools.pipeline_page`)."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/pipeline.md"
_GRAPH = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)


def graph(folder: Path = ROOT) -> str:
    """Ask DVC for the graph of the stages, as a code block in Mermaid's language."""
    command = [sys.executable, "-m", "dvc", "dag", "--md"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return f"{done.stdout.strip()}\n"


def with_graph(page: str, drawn: str) -> str:
    """Put a graph into the page in place of the one that is there."""
    return _GRAPH.sub(lambda _: drawn, page, count=1)


if __name__ == "__main__":
    PAGE.write_text(with_graph(PAGE.read_text(encoding="utf-8"), graph()), encoding="utf-8")

"""All timed comparisons of speed in one file: `make bench`.

    python -m benchmarks.bench --output build/bench.md

It takes more than an hour: each comparison runs its sides in turn, several times. `--only rebuild
start` runs a part. docs/performance.md quotes what it prints.
"""

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from creditrisk.core.cli import make_parser, run
from creditrisk.core.files import write_text
from creditrisk.core.logs import say

# In this order; each is a module that writes its tables to `--output`.
PARTS = {
    "rebuild": "Rebuild, nothing to do, one change",
    "sweeps": "Sweeps",
    "growth": "Growth with the rows",
    "start": "Start of stages and commands",
    "cluster": "A cluster",
}


def machine() -> str:
    """Describe the machine and the day."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    name = cpu[1].strip() if cpu else platform.processor()
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    python = platform.python_version()
    return f"{today}, {os.cpu_count()} cores ({name}), {platform.system()}, Python {python}"


def main() -> None:
    """Run all parts, and write their tables into one file."""
    parser = make_parser(__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/bench.md"), help="Markdown")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS], help="parts to run")
    args = parser.parse_args()
    args.output.parent.mkdir(parents=True, exist_ok=True)
    texts = [f"# Benchmarks\n\n{machine()}\n"]
    for part in args.only:
        say(f"bench: {part}")
        path = args.output.with_name(f"{part}.md")
        command = [sys.executable, "-m", f"benchmarks.{part}", "--output", str(path)]
        subprocess.run(command, check=True)
        texts.append(f"## {PARTS[part]}\n\n{path.read_text(encoding='utf-8')}")
        write_text("\n".join(texts), args.output)  # what is done stays if a later part fails
    say(f"bench: {args.output}")


if __name__ == "__main__":
    run(main)

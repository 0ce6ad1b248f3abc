"""Build .dvc/page.html, the page of `dvc plots` with all the scripts that DVC loads from a CDN.

`npm pack` downloads the packages, and each must have the hash below. `make plots-page` runs this.
It is only needed if a new version of DVC uses other versions of the packages, which
tests/pipeline/test_plots_page.py checks.
"""

import base64
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / ".dvc" / "page.html"
# Name and version to SHA-512, as in the npm registry (`integrity`); in the order of loading.
PACKAGES = {
    "vega@5.20.2": "qmH7aD9GGPpssVdxL1xgcdxTbQzyRUeRR16Os385ymvQhiwCYQNA6+eXUPAZDTVLfk0RXu6Jzj6kUE5jQ80EVw==",  # noqa: E501
    "vega-lite@5.2.0": "Yxcg8MvYfxHcG6BbkaKT0oVCIMIcE19UvqIsEwBmyd/7h2nzW7oRnID81T8UrY7hpDrIr6wa2JADOT2dhGNErw==",  # noqa: E501
    "vega-embed@6.18.2": "wcDyQPE4J5aiCDc3/suH5RQDvrKkjuLkhzUcbOLwEkNF8/+pp17tS0JghzEvAPNRg+5aG1/N2ydixq8Lk3dOlg==",  # noqa: E501
    # Not loaded by DVC: with it, Vega makes no code of text, and the page can forbid that.
    "vega-interpreter@1.0.4": "6tpYIa/pJz0cZo5fSxDSkZkAA51pID2LjOtQkOQvbzn+sJiCaWKPFhur8MBqbcmYZ9bnap1OYNwlrvpd2qBLvg==",  # noqa: E501
}  # fmt: skip
# DVC replaces these by its own text.
PLACEHOLDERS = ("{plot_divs}", "{refresh_tag}", "{scripts}")
SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)


def fetch(package: str, sha512: str, folder: Path) -> tuple[str, str]:
    """Download a package and check its hash.

    Args:
        package: name and version, as `vega@5.20.2`.
        sha512: expected hash of the archive, base64.
        folder: folder for the archive.

    Returns:
        The minified script and the licence.
    """
    command = ["npm", "pack", package, "--silent", "--ignore-scripts", "--pack-destination", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    name = package.partition("@")[0]
    archive = folder / f"{package.replace('@', '-')}.tgz"
    actual = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if actual != sha512:
        sys.exit(f"error: {package}: the SHA-512 is {actual}, expected {sha512}")
    with tarfile.open(archive) as files:
        script, licence = (
            files.extractfile(f"package/{path}").read().decode()
            for path in (f"build/{name}.min.js", "LICENSE")
        )
    return script, licence


def inline(package: str, script: str) -> str:
    """Make a script element that does not end early and contains no placeholder of DVC."""
    lines = [x for x in script.strip().splitlines() if not x.startswith("//# sourceMappingURL")]
    script = "\n".join(lines).replace("</script", "<\\/script")
    for text in (*PLACEHOLDERS, "<!--"):
        if text in script:
            sys.exit(f"error: {package}: {text} in the script would break the page")
    return f'<script data-package="{package}">\n{script}\n</script>'


def hashes(page: str) -> str:
    """List the SHA-256 of each script of a page, for its content security policy."""
    digests = [hashlib.sha256(script.encode()).digest() for script in SCRIPT.findall(page)]
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def main() -> None:
    """Write the page."""
    scripts, licences = [], []
    with tempfile.TemporaryDirectory(prefix="plots-page-") as folder:
        for package, sha512 in PACKAGES.items():
            script, licence = fetch(package, sha512, Path(folder))
            scripts.append(inline(package, script))
            licences.append(f"{package}\n\n{licence.strip()}")
    notices = (HERE / "notices.txt").read_text(encoding="utf-8").strip()
    page = (HERE / "page.html").read_text(encoding="utf-8")
    for mark, text in {
        "[notices]": "\n\n".join([*licences, notices]).replace("-->", "- ->"),
        "[style]": (HERE / "page.css").read_text(encoding="utf-8").strip(),
        "[packages]": "\n".join(scripts),
        "[script]": (HERE / "page.js").read_text(encoding="utf-8").strip(),
    }.items():
        if page.count(mark) != 1:
            sys.exit(f"error: page.html: {mark} must occur exactly once")
        page = page.replace(mark, text)
    # After all other texts: none of them can name a script of its own.
    page = page.replace("[hashes]", hashes(page))
    if any(page.count(text) > 1 for text in PLACEHOLDERS):
        sys.exit("error: page.js or page.css contains a placeholder of DVC")
    PAGE.write_text(page, encoding="utf-8")
    print(f"{PAGE.name}: {PAGE.stat().st_size / 1e3:.0f} kB, {', '.join(PACKAGES)}")


if __name__ == "__main__":
    main()

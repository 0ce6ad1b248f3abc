"""report: compare the work tree with a base revision, for the review of a pull request.

No stage of dvc.yaml: it reads what Git and DVC tell of both, and writes what Git ignores.
"""

import argparse
from pathlib import Path

from creditrisk.core.cli import run
from creditrisk.core.files import write_text
from creditrisk.workflow.review.changes import collect
from creditrisk.workflow.review.markdown import document, pictures_inline, pictures_linked
from creditrisk.workflow.review.plots import write_pictures
from creditrisk.workflow.review.revision import describe_here, find_base
from creditrisk.workflow.review.verdict import verdict


def main() -> None:
    """Write the report, the same for a comment (without pictures in it), and the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--base", help="a revision; without it the merge base with --into")
    parser.add_argument("--into", default="main", help="the branch that the change is meant for")
    parser.add_argument("--pictures", metavar="URL", help="where a comment's readers find them")
    parser.add_argument("--report", type=Path, default="report.md", help="path")
    parser.add_argument("--folder", type=Path, default="report", help="of the pictures")
    args = parser.parse_args()
    base = find_base(args.base, args.into)
    changes = collect(base)
    files = write_pictures(base, args.folder)
    heading = f"Base: `{base.short}` ({base.words}). Here: {describe_here()}."
    write_text(document(changes, heading, pictures_inline(files)), args.report)
    comment = document(changes, heading, pictures_linked(files, args.pictures))
    write_text(comment, args.folder / "comment.md")
    print(f"report: {verdict(changes)[0]}; {args.report}, {len(files)} pictures in {args.folder}")


if __name__ == "__main__":
    run(main)

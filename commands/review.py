"""review: compare the work tree with a base revision, for the review of a pull request.

This is not a stage of dvc.yaml. It compares what Git and DVC know, and Git ignores its outputs.
"""

from pathlib import Path

from creditrisk.core.cli import make_parser, run
from creditrisk.core.errors import InputError
from creditrisk.core.files import write_text
from creditrisk.core.logs import say


def main() -> None:
    """Write the review, a version for a comment (without pictures), and the pictures."""
    parser = make_parser(__doc__)
    parser.add_argument("--base", help="a revision; default: the merge base with --into")
    parser.add_argument(
        "--into", default="main", help="the branch that the change will be merged into"
    )
    parser.add_argument("--pictures", metavar="URL", help="link to the pictures, for the comment")
    parser.add_argument("--output", type=Path, default="review.md", help="path of the review")
    parser.add_argument("--folder", type=Path, default="review", help="folder of the pictures")
    args = parser.parse_args()

    from creditrisk.workflow.review.plots import COMMENT, write_pictures

    comment_file = args.folder / COMMENT
    if args.output.resolve() == comment_file.resolve():
        problem = f"{comment_file} is the comment, not the review"
        raise InputError("--output", "file", problem, "Give another path.")

    from creditrisk.workflow.interrupted import refuse_broken_state
    from creditrisk.workflow.review.revision import describe_here, find_base

    refuse_broken_state()
    base = find_base(args.base, args.into)
    say(f"review: compares the work tree with {base.short}: metrics, parameters, stages, decisions")

    from creditrisk.workflow.review.changes import SELECT, collect
    from creditrisk.workflow.review.charts import comment_charts
    from creditrisk.workflow.review.markdown import document, pictures_inline, pictures_linked
    from creditrisk.workflow.review.verdict import verdict

    changes = collect(base)
    say("review: draws the plots of both revisions")
    files = write_pictures(base, args.folder, changes.value(SELECT, "algorithm"))
    heading = f"Base: `{base.short}` ({base.description}). Here: {describe_here()}."
    write_text(document(changes, heading, pictures_inline(files)), args.output)
    drawn = pictures_linked(files, args.pictures, comment_charts(changes))
    write_text(document(changes, heading, drawn), comment_file)
    say(f"review: {verdict(changes).title}; {args.output}, {len(files)} pictures in {args.folder}")


if __name__ == "__main__":
    run(main)

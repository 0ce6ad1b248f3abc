"""docs/your-own-applicants.md shows what the commands do with the example."""

import re
import textwrap

from creditrisk.schema import load_schema
from tests.support.project import ROOT, Project
from tools.example_loans import loans

PAGE = (ROOT / "docs/your-own-applicants.md").read_text(encoding="utf-8")


def test_the_example_is_what_its_script_makes():
    made = loans().to_csv(index=False, lineterminator="\n")
    assert made == (ROOT / "docs/example/loans.csv").read_text(encoding="utf-8")


def test_the_page_shows_the_draft(tmp_path):
    draft = tmp_path / "loans.yaml"
    done = Project(ROOT).command(
        "schema", "--data", "docs/example/loans.csv", "--target", "status", "--good", "Fully Paid",
        "--bad", "Charged Off", "--exclude", "Current", "--output", str(draft),
    )  # fmt: skip
    assert done.code == 0, done.err
    text = draft.read_text(encoding="utf-8")
    shown = textwrap.indent(text[text.index("name: loans") :], "    ")
    assert shown in PAGE
    assert len(load_schema(draft).columns) == 12


def test_the_page_has_six_commands():
    commands = re.findall(r"^    make (\w+)", PAGE, re.MULTILINE)
    assert commands == ["schema", "check", "repro", "review", "score"]
    assert len(re.findall(r"^## \d\. ", PAGE, re.MULTILINE)) == 6  # one of the steps is an edit

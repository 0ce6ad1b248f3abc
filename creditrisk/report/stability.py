"""The report's section on how far the test rows have moved from the training rows."""

from creditrisk.html.page import Block, figure, text
from creditrisk.report import figures, tables
from creditrisk.report.data import ReportData
from creditrisk.report.grids import grid

TOP_VARIABLES = 15


def stability(data: ReportData) -> list[Block]:
    """Write the section: bad rates, PSI of score and variables, and the drop of the AUC."""
    words, psi = data.words, data.curves["stability"]
    shown = tables.psi_table(psi.head(TOP_VARIABLES + 1), data.schema, words)
    blocks: list[Block] = [
        text(f"{split_words(data)} {moved_words(data)}"),
        figure(
            figures.stability(words, shown), words("stability.chart"), words("stability.chart_note")
        ),
    ]
    if len(psi) > len(shown):
        every = tables.psi_table(psi, data.schema, words)
        blocks.append(grid(words, every, "stability.table", {"psi": ".4f"}, collapsed=True))
    return blocks


def split_words(data: ReportData) -> str:
    """Say how the rows were split."""
    words, facts = data.words, data.prepared["split_by"]
    if facts["by"] == "random":
        return words("stability.split_random")
    said = [words("stability.split_time", day=facts["from"])]
    for key in ("early", "undated"):
        if facts[key]:
            said.append(words(f"stability.{key}", count=f"{facts[key]:,}"))
    return " ".join(said)


def moved_words(data: ReportData) -> str:
    """Compare bad rates, score and AUC of the two parts in a sentence or two."""
    words, found = data.words, data.metrics["stability"]
    said = []
    if data.prepared["split_by"].get("early", 0):
        said.append(words("stability.from_day", rows=f"{found['rows_test']:,}"))
    said.append(
        words(
            "stability.moved",
            train=words.number(found["bad_rate_train"], ".1%"),
            test=words.number(found["bad_rate_test"], ".1%"),
            psi=words.number(found["psi_score"], ".3f"),
        )
    )
    if found["auc_drop"] is not None:
        said.append(
            words(
                "stability.drops" if found["auc_drop"] >= 0 else "stability.rises",
                cv=words.number(data.metrics["cv"]["roc_auc"]),
                test=words.number(found["auc_test"]),
                change=words.number(abs(found["auc_drop"])),
            )
        )
    return " ".join(said)

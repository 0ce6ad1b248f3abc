"""The report's section on how far the test rows have moved from the training rows."""

from creditrisk.html.page import Block, figure, table, text
from creditrisk.report import figures, tables
from creditrisk.report.data import ReportData
from creditrisk.report.tables import number

TOP_VARIABLES = 15


def stability(data: ReportData) -> list[Block]:
    """Write the section: bad rates, PSI of score and variables, and the drop of the AUC."""
    psi = data.curves["stability"]
    shown = tables.psi_table(psi.head(TOP_VARIABLES + 1), data.schema)
    blocks: list[Block] = [
        text(f"{split_words(data)} {moved_words(data)}"),
        table(tables.split_table(data.prepared), "Rows and bad rates", {"bad rate": ".1%"}),
        figure(
            figures.stability(shown),
            "Population stability index (PSI), from the training to the test rows",
            "By convention, below 0.1 is stable, above 0.25 has moved. With n test rows, chance "
            "alone gives about 9 / n for ten bins.",
        ),
    ]
    if len(psi) > len(shown):
        every = tables.psi_table(psi, data.schema)
        blocks.append(table(every, "All variables", {"PSI": ".4f"}, collapsed=True))
    return blocks


def split_words(data: ReportData) -> str:
    """Say how the rows were split."""
    facts = data.prepared["split_by"]
    if facts["by"] == "random":
        return (
            "The applicants were split at random within each outcome, so drift over time is not "
            "measured: what differs here differs by chance."
        )
    more = "".join(
        f" {facts[key]:,} {words}"
        for key, words in (
            ("early", "test rows are earlier, because the same applicants have a later row."),
            ("undated", "rows have no application date."),
        )
        if facts[key]
    )
    return (
        f"The applicants were split by time (out of time): the test rows are the applicants from "
        f"{facts['from']} on, the model has learned from earlier ones only.{more}"
    )


def moved_words(data: ReportData) -> str:
    """Compare bad rates, score and AUC of the two parts in a sentence or two."""
    found = data.metrics["stability"]
    early = data.prepared["split_by"].get("early", 0)
    words = f"Compared are the {found['rows_test']:,} test rows from that day on. " if early else ""
    words += (
        f"The bad rate is {number(found['bad_rate_train'], '.1%')} in the training rows and "
        f"{number(found['bad_rate_test'], '.1%')} in the test rows. The PSI of the PDs is "
        f"{number(found['psi_score'], '.3f')}."
    )
    if found["auc_drop"] is None:
        return words
    cv, test = data.metrics["cv"]["roc_auc"], found["auc_test"]
    verb = "drops" if found["auc_drop"] >= 0 else "rises"
    return (
        f"{words} The AUC {verb} from {number(cv)} in cross-validation on the training rows to "
        f"{number(test)} on the test rows, by {number(abs(found['auc_drop']))}."
    )

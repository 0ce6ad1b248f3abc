"""The report's table of what refused applicants would gain by leaving out a field (Law 9)."""

from creditrisk.html.page import Block, text
from creditrisk.report.data import ReportData
from creditrisk.report.grids import grid


def left_out(data: ReportData) -> list[Block]:
    """Write what could be gained by each field that training rows lacked."""
    words, table = data.words, data.curves["left_out"]
    if table.empty:
        return [text(words("left_out.none"))]
    most = table.iloc[0]
    said = words(
        "left_out.most" if most["accepted_without"] else "left_out.nobody",
        variable=str(most["variable"]).replace("_", " "),
        refused=f"{most['refused']:,}",
        accepted=f"{most['accepted_without']:,}",
        bad=f"{most['bad']:,}",
    )
    rule = words("left_out.referred" if data.champion.referral.gain else "left_out.kept")
    shown = table.assign(variable=table["variable"].str.replace("_", " "))
    return [
        text(f"{said} {rule}"),
        grid(words, shown, "left_out.table", {"missing_in_training": ".2%"}),
    ]

"""The report's table of what refused applicants would gain by leaving out a field (Law 9)."""

from creditrisk.html.page import Block, text
from creditrisk.report.data import ReportData
from creditrisk.report.grids import grid


def left_out(data: ReportData) -> list[Block]:
    """Write what could be gained by each field that can be left out."""
    words, table = data.words, data.curves["left_out"]
    said = text(left_out_words(data))
    if table.empty:
        return [said]
    shown = table.assign(variable=table["variable"].str.replace("_", " "))
    return [said, grid(words, shown, "left_out.table", {"missing_in_training": ".2%"})]


def left_out_words(data: ReportData) -> str:
    """Say whether leaving out a field can be a merit, with the largest gain."""
    words, table = data.words, data.curves["left_out"]
    if table.empty:
        return words("left_out.none")
    said = []
    never = int((table["missing_in_training"] == 0).sum())
    if never < len(table):
        said.append(words("left_out.learned"))
    if never:
        said.append(words("left_out.unprotected", count=f"{never:,}"))
    most = table.iloc[0]
    gain = words(
        "left_out.most" if most["accepted_without"] else "left_out.nobody",
        variable=str(most["variable"]).replace("_", " "),
        refused=f"{most['refused']:,}",
        accepted=f"{most['accepted_without']:,}",
        bad=f"{most['bad']:,}",
    )
    said.append(gain)
    if never:
        said.append(words("left_out.open"))
    if never < len(table):
        said.append(words("left_out.referred" if data.champion.referral.gain else "left_out.kept"))
    return " ".join(said)

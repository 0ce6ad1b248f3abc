"""Who is referred to a person, in sentences."""

from creditrisk.core.columns import SPECIAL
from creditrisk.report.data import ReportData
from creditrisk.report.language import Language


def refers(data: ReportData) -> bool:
    """Whether any applicant can be referred."""
    rules = data.champion.referral
    return bool(
        rules.required or rules.missing or rules.levels or rules.ranges or rules.gain
    ) or not (rules.most_missing is None and rules.band is None)


def rules_words(data: ReportData, language: Language) -> list[str]:
    """List who is referred, in the order in which a person reads the reasons."""
    words, rules = data.words, data.champion.referral

    def listed(names: list[str]) -> str:
        return ", ".join(
            language.data(name.removeprefix(SPECIAL).replace("_", " ")) for name in names
        )

    said = []
    if rules.required:
        said.append(words("referral.required", names=listed(rules.required)))
    missing = [name for name in rules.missing if name not in rules.required]
    every = {name for name in data.champion.columns if not name.startswith(SPECIAL)}
    covered = bool(missing) and every - set(rules.derived) <= {*missing, *rules.required}
    any_missing = covered or rules.most_missing == 0
    if data.decision.refer.missing is True and missing:
        said.append(words("referral.missing_asked", names=listed(missing)))
    elif any_missing:
        said.append(words("referral.missing_any"))
    elif missing:
        said.append(words("referral.missing", names=listed(missing)))
    if rules.most_missing is not None and not any_missing:
        said.append(words("referral.most_missing", count=f"{rules.most_missing:,}"))
    dates = {one.name for one in data.schema.columns.values() if one.kind == "date"}
    for key, names in (
        ("referral.levels", list(rules.levels)),
        ("referral.ranges", [name for name in rules.ranges if name in dates]),
        ("referral.numbers", [name for name in rules.ranges if name not in dates]),
    ):
        if names:
            said.append(words(key, names=listed(names)))
    if rules.band:
        low, high = (words.number(end, ".2%") for end in rules.band)
        said.append(words("referral.band", low=low, high=high))
    if rules.gain:
        said.append(words("referral.gain", names=listed(list(rules.gain))))
    return said

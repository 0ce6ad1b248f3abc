"""Short answers for the verdict to what an officer, a manager and an auditor ask first."""

from creditrisk.evaluate.sensitivity import COST_RATIO, ODDS
from creditrisk.evaluate.swap import COMPARED
from creditrisk.evaluate.validation import OUT_OF_FOLD, TEST
from creditrisk.metrics.costs import ACCEPT, REJECT
from creditrisk.report.data import ReportData
from creditrisk.report.referral import refers

HALF = 0.5  # of the applicants: a usual question of the business


def cutoff_words(data: ReportData) -> str:
    """Say where the cut-off is, and where it would be with other costs."""
    words, frame = data.words, data.curves["sensitivity"]
    others = frame[
        (frame["scenario"] == COST_RATIO) & (frame["sample"] == OUT_OF_FOLD) & ~frame["in_use"]
    ]
    said = [words("verdict.cutoff", cutoff=words.number(data.metrics["threshold"], ".1%"))]
    if data.decision.threshold == "theory":
        said.append(words("decisions.theory"))
    for line in others.to_dict("records"):
        said.append(
            words(
                "verdict.other_ratio",
                ratio=f"{line['value']:g}",
                cutoff=words.number(line["threshold"], ".1%"),
                share=words.number(line["approval_rate"], ".1%"),
                rate=words.number(line["bad_rate_moved"], ".1%"),
            )
        )
    return " ".join(said)


def person_words(data: ReportData) -> str:
    """Say about whom a person decides; the section on decisions names the fields."""
    words, rules = data.words, data.champion.referral
    if not refers(data):
        return words("referral.nobody")
    low, high = (words.number(end, ".2%") for end in rules.band or (0.0, 0.0))
    kinds = {
        words("verdict.person.required"): rules.required,
        words("verdict.person.missing"): rules.missing or rules.most_missing is not None,
        words("verdict.person.unseen"): rules.levels or rules.ranges,
        words("verdict.person.band", low=low, high=high): rules.band,
        words("verdict.person.gain"): rules.gain,
    }
    return words(
        "verdict.person.who",
        who="; ".join(kind for kind, applies in kinds.items() if applies),
        referred=f"{data.metrics['decisions']['referred']:,}",
        rows=f"{data.prepared['split']['test']['rows']:,}",
    )


def half_words(data: ReportData) -> str:
    """Say what accepting about half of the applicants would mean; nothing if that can't be."""
    words, frame = data.words, data.curves["strategy"]
    oof, test = (frame[frame["sample"] == name] for name in (OUT_OF_FOLD, TEST))
    if not oof["approval_rate"].max() >= HALF:
        return ""
    line = oof.loc[(oof["approval_rate"] - HALF).abs().idxmin()]
    same = test[test["threshold"] == line["threshold"]]
    if same.empty:
        return ""
    shown = {"cutoff": words.number(line["threshold"], ".1%")}
    for start, one in {"": line, "test_": same.iloc[0]}.items():
        ends = [one[f"bad_rate_approved_{end}"] for end in ("low", "high")]
        shown[f"{start}share"] = words.number(one["approval_rate"], ".1%")
        shown[f"{start}rate"] = words.number(one["bad_rate_approved"], ".1%")
        shown[f"{start}span"] = words.span(ends, ".1%")
        shown[f"{start}cost"] = words.cost(one["expected_cost"], data.unit)
    return words("verdict.half", **shown)


def economy_words(data: ReportData) -> str:
    """Say what a worse economy would mean for those who are accepted."""
    words, frame = data.words, data.curves["sensitivity"]
    lines = frame[(frame["scenario"] == ODDS) & (frame["sample"] == OUT_OF_FOLD)]
    now, worse = (lines[lines["in_use"] == used].iloc[0] for used in (True, False))
    return words(
        "verdict.economy",
        odds=f"{worse['value']:.3g}",
        now=words.number(now["bad_rate_kept"], ".1%"),
        rate=words.number(worse["bad_rate_kept"], ".1%"),
        share=words.number(worse["approval_kept"], ".1%"),
        restated=words.number(worse["approval_rate"], ".1%"),
    )


def grades_words(data: ReportData) -> str:
    """Say how many rating grades passed their tests on the test rows."""
    words, frame = data.words, data.curves["grades"]
    lights = frame.loc[frame["sample"] == TEST, "light"]
    return words(
        "verdict.grades",
        green=str((lights == "green").sum()),
        count=str(len(lights)),
        p=words.number(data.metrics["hosmer_lemeshow"][TEST]["p"]),
    )


def swap_words(data: ReportData, name: str) -> str:
    """Say who gets another decision than from the `former` champion or the `scorecard`."""
    words, found = data.words, data.metrics["swap"][name]
    if found != COMPARED:
        return words(f"validation.swap.{name}.{found}")
    frame = data.curves["swap"]
    pair = frame[frame["against"] == name].set_index(["old", "new"])
    return words(
        f"validation.swap.{name}.changed",
        won=f"{pair.loc[(REJECT, ACCEPT), 'rows']:,}",
        won_bad=f"{pair.loc[(REJECT, ACCEPT), 'bad']:,}",
        lost=f"{pair.loc[(ACCEPT, REJECT), 'rows']:,}",
        lost_bad=f"{pair.loc[(ACCEPT, REJECT), 'bad']:,}",
    )


def compared_words(data: ReportData) -> str:
    """Say the same of all that the champion is compared with."""
    found = data.metrics["swap"].items()
    return " ".join(swap_words(data, name) for name, state in found if state == COMPARED)

"""The verdict of the report: the main findings as sentences, with their numbers."""

from creditrisk.evaluate.strategy import in_use
from creditrisk.evaluate.validation import OUT_OF_FOLD
from creditrisk.report.answers import (
    compared_words,
    cutoff_words,
    economy_words,
    grades_words,
    half_words,
    person_words,
)
from creditrisk.report.data import ReportData
from creditrisk.report.groups import protected_lines
from creditrisk.report.groups_words import group_findings
from creditrisk.report.left_out import left_out_words
from creditrisk.report.tables import scored

MOST_GROUPS = 2  # that the verdict names; the section on groups has all


def verdict(data: ReportData) -> list[str]:
    """Return what the person who approves the model must know, the most important first."""
    findings = [
        decided(data),
        cutoff_words(data),
        person_words(data),
        data.words("verdict.left_out", said=left_out_words(data)),
        half_words(data),
        *group_findings(data.curves["fairness"], data.words, data.schema, most=MOST_GROUPS),
        *protected_lines(data),
        _ranking(data),
        _expected(data),
        _savings(data),
        economy_words(data),
        _calibration(data),
        grades_words(data),
        _lead(data),
        compared_words(data),
    ]
    return [finding for finding in findings if finding]


def decided(data: ReportData) -> str:
    """Say how many test applicants are accepted, and how many of these went bad."""
    words, found = data.words, data.metrics["decisions"]
    counts = {
        "rows": f"{data.prepared['split']['test']['rows']:,}",
        "referred": f"{found['referred']:,}",
        "rejected": f"{found['rejected']:,}",
    }
    if not found["accepted"]:
        return words("verdict.nobody", **counts)
    said = words(
        "verdict.decisions",
        **counts,
        accepted=f"{found['accepted']:,}",
        bad=f"{found['bad_accepted']:,}",
        rate=words.number(found["bad_rate_accepted"], ".1%"),
        span=words.span(found["bad_rate_accepted_ci"], ".1%"),
        base=words.number(data.metrics["calibration"]["bad_rate"], ".1%"),
    )
    out_of_fold = bad_out_of_fold(data)
    return f"{said} {words('verdict.out_of_fold', **out_of_fold)}" if out_of_fold else said


def bad_out_of_fold(data: ReportData) -> dict[str, str]:
    """Return how many of those accepted out of fold went bad, in words; nothing if none are."""
    words, line = data.words, in_use(data.curves["strategy"], OUT_OF_FOLD)
    if not line["approved"]:
        return {}
    ends = [line[f"bad_rate_approved_{end}"] for end in ("low", "high")]
    return {
        "bad": f"{line['bad_approved']:,}",
        "accepted": f"{line['approved']:,}",
        "rate": words.number(line["bad_rate_approved"], ".1%"),
        "span": words.span(ends, ".1%"),
    }


def _ranking(data: ReportData) -> str:
    words, test = data.words, data.metrics["test"]
    part = data.prepared["split"]["test"]
    return words(
        "verdict.ranking",
        auc=words.number(test["roc_auc"], ".1%"),
        span=words.span(test["ci"]["roc_auc"], ".1%"),
        rows=f"{part['rows']:,}",
        bad=f"{part['bad']:,}",
    )


def _expected(data: ReportData) -> str:
    words, nested, test = data.words, data.selected.get("nested"), data.metrics["test"]
    train, gap = data.metrics["train"]["roc_auc"], data.metrics["gap"]["roc_auc"]
    overfitting = (
        words("verdict.overfitting", train=words.number(train), gap=words.number(gap))
        if gap > 0
        else words("verdict.no_overfitting", train=words.number(train))
    )
    if not nested:
        mean, se = data.metrics["cv"]["roc_auc"], data.selected["cv_se"]["roc_auc"]
        only = words("verdict.cv_only", auc=words.number(mean), se=words.number(se))
        return f"{only} {overfitting}"
    mean, se = nested["mean"]["roc_auc"], nested["se"]["roc_auc"]
    low, high = test["ci"]["roc_auc"]
    auto = data.selected["model"] == "auto"
    return " ".join(
        [
            words("verdict.expected", auc=words.number(mean), se=words.number(se)),
            words("verdict.repeats_choice" if auto else "verdict.repeats_search"),
            words("verdict.agrees" if low <= mean <= high else "verdict.disagrees"),
            overfitting,
        ]
    )


def _savings(data: ReportData) -> str:
    words, unit = data.words, data.unit
    base, ends = data.metrics["baselines"], data.metrics["test"]["ci"]["expected_cost"]
    name = cheapest(data)
    baseline = words(f"verdict.{name}", cost=words.cost(base[name], unit))
    saved, model = base["saved"], words.cost(base["champion"], unit)
    if saved <= 0:
        return f"{words('verdict.pays_not', cost=model)} {baseline}"
    certainty = "verdict.certain" if ends[1] < base[name] else "verdict.uncertain"
    pays = words("verdict.pays", cost=model, span=words.cost_span(ends))
    said = f"{pays} {baseline} {words(certainty, saved=words.cost(saved, unit))}"
    nested = data.selected.get("nested")
    if not nested:
        return said
    mean, se = (words.cost(nested[name]["expected_cost"], unit) for name in ("mean", "se"))
    return f"{said} {words('verdict.expected_cost', cost=mean, se=se)}"


def cheapest(data: ReportData) -> str:
    """Return which decision without a model costs less: `accept_all` or `reject_all`."""
    return min(("accept_all", "reject_all"), key=lambda name: data.metrics["baselines"][name])


def _calibration(data: ReportData) -> str:
    """Compare the intervals of slope and calibration in the large with their ideals."""
    words, found = data.words, data.metrics["calibration"]
    slope, large = found["slope"], found["in_the_large"]
    faults = []
    if slope["ci"][1] < 1:
        faults.append(words("verdict.too_extreme"))
    if slope["ci"][0] > 1:
        faults.append(words("verdict.too_moderate"))
    if large["ci"][1] < 0:
        faults.append(words("verdict.too_high"))
    if large["ci"][0] > 0:
        faults.append(words("verdict.too_low"))
    means = words(
        "verdict.means",
        mean=words.number(found["mean_pd"], ".1%"),
        rate=words.number(found["bad_rate"], ".1%"),
        slope=words.number(slope["value"], ".2f"),
        slope_span=words.span(slope["ci"], ".2f"),
        large=words.number(large["value"], ".2f"),
        large_span=words.span(large["ci"], ".2f"),
    )
    if faults:
        return words("verdict.calibrated_not", faults=words.listed(faults), means=means)
    return words("verdict.calibrated", means=means)


def _lead(data: ReportData) -> str:
    """Say whether the best model leads clearly; the section on the choice has the details."""
    pair, words = data.selected.get("two_best"), data.words
    if not pair or data.selected["model"] != "auto" or data.champion.algorithm != pair["first"]:
        return ""
    return words(
        "verdict.lead" if pair["more_than_luck"] else "verdict.lead_luck",
        lead=words.number(pair["difference"], ".4f"),
        other=data.labels[pair["second"]],
        score=scored(data.selected["scoring"], words),
        se=words.number(pair["se"], ".4f"),
    )

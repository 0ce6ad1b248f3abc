"""The report's findings in words, each with the numbers that it rests on."""

from creditrisk.report.data import ReportData
from creditrisk.report.tables import cost, number, scored, span


def verdict(data: ReportData) -> list[str]:
    """Say what a signer must know, in the order of weight."""
    found = [_ranks(data), _expect(data), _saves(data), _believable(data), _lead(data)]
    return [words for words in found if words]


def _ranks(data: ReportData) -> str:
    test = data.metrics["test"]
    part = data.prepared["split"]["test"]
    return (
        f"It tells good from bad: of a bad and a good applicant of the {part['rows']:,} test rows, "
        f"the bad one has the higher PD in {number(test['roc_auc'], '.1%')} of all pairs (95% "
        f"{span(test['ci']['roc_auc'], '.1%')}; a guess has 50%). The interval is as wide as "
        f"{part['bad']:,} bad test applicants make it."
    )


def _expect(data: ReportData) -> str:
    nested, test = data.selected.get("nested"), data.metrics["test"]
    train, gap = data.metrics["train"]["roc_auc"], data.metrics["gap"]["roc_auc"]
    memory = (
        f"On its own training rows it reaches {number(train)}; the gap of {number(gap)} to test is "
        "memory, not skill."
        if gap > 0
        else f"On its own training rows it reaches {number(train)}, no more than on test."
    )
    if not nested:
        mean, se = data.metrics["cv"]["roc_auc"], data.selected["cv_se"]["roc_auc"]
        return (
            f"Cross-validation gives an AUC of {number(mean)} (SE {number(se)}), which flatters a "
            f"model that was picked by it; no nested estimate was made. {memory}"
        )
    mean, se = nested["mean"]["roc_auc"], nested["se"]["roc_auc"]
    low, high = test["ci"]["roc_auc"]
    auto = data.selected["model"] == "auto"
    repeated = "choice of the model" if auto else "search of its values"
    agree = (
        "lies in the test interval, so the two agree"
        if low <= mean <= high
        else "lies outside the test interval: find out why before you sign"
    )
    return (
        f"In use expect an AUC of {number(mean)} (nested cross-validation, SE {number(se)}), which "
        f"averages over all training rows and repeats the {repeated}; it {agree}. {memory}"
    )


def _saves(data: ReportData) -> str:
    base, (low, high) = data.metrics["baselines"], data.metrics["test"]["ci"]["expected_cost"]
    name = min(("accept_all", "reject_all"), key=lambda n: base[n])
    words = {"accept_all": "accepting everybody", "reject_all": "refusing everybody"}[name]
    saved = base[name] - base["champion"]
    money = f"{cost(base['champion'], data.unit)} a head on test"
    if saved <= 0:
        return (
            f"It doesn't pay: it costs {money}, {words} {cost(base[name], data.unit)}. Don't use "
            "it at this cut-off."
        )
    sure = (
        "the whole interval lies below that"
        if high < base[name]
        else "the interval reaches above that, so the saving may be luck"
    )
    return (
        f"It pays: it costs {money} (95% {cost(low)} to {cost(high)}), {words} "
        f"{cost(base[name], data.unit)}; {sure}. It saves {cost(saved, data.unit)} a head."
    )


def _believable(data: ReportData) -> str:
    """Compare the intervals of slope and calibration in the large with their ideals."""
    found = data.metrics["calibration"]
    slope, large = found["slope"], found["in_the_large"]
    faults = []
    if slope["ci"][1] < 1:
        faults.append("they are too extreme (slope below 1)")
    if slope["ci"][0] > 1:
        faults.append("they are too timid (slope above 1)")
    if large["ci"][1] < 0:
        faults.append("they are too high on average")
    if large["ci"][0] > 0:
        faults.append("they are too low on average")
    means = (
        f"mean PD {number(found['mean_pd'], '.1%')}, bad rate {number(found['bad_rate'], '.1%')}, "
        f"slope {number(slope['value'], '.2f')} (95% {span(slope['ci'], '.2f')}), in the large "
        f"{number(large['value'], '.2f')} (95% {span(large['ci'], '.2f')})"
    )
    if faults:
        return f"The PDs can't be taken at their word: {' and '.join(faults)}. On test: {means}."
    return f"The PDs can be believed, as far as the test rows can tell: {means}."


def _lead(data: ReportData) -> str:
    """Say whether the choice was clear; the section on it says the rest."""
    pair = data.selected.get("two_best")
    if not pair or data.selected["model"] != "auto" or data.champion.algorithm != pair["first"]:
        return ""
    lead = (
        f"its lead of {number(pair['difference'], '.4f')} over {data.labels[pair['second']]} "
        f"in {scored(data.selected['scoring'])} (SE of the difference {number(pair['se'], '.4f')})"
    )
    if pair["more_than_luck"]:
        return f"It ranks first: {lead} is more than luck."
    return f"It ranks first, perhaps by luck: {lead} is within two standard errors."

"""The verdict of the report: the main findings as sentences, with their numbers."""

from creditrisk.report.data import ReportData
from creditrisk.report.tables import cost, number, scored, span


def verdict(data: ReportData) -> list[str]:
    """Return what the person who approves the model must know, the most important first."""
    findings = [_ranking(data), _expected(data), _savings(data), _calibration(data), _lead(data)]
    return [finding for finding in findings if finding]


def _ranking(data: ReportData) -> str:
    test = data.metrics["test"]
    part = data.prepared["split"]["test"]
    return (
        f"Ranking: in {number(test['roc_auc'], '.1%')} of all pairs of a bad and a good applicant "
        f"among the {part['rows']:,} test rows, the bad one has the higher PD (95% interval "
        f"{span(test['ci']['roc_auc'], '.1%')}; guessing gives 50%). The width of the interval "
        f"comes from the number of bad applicants, {part['bad']:,}."
    )


def _expected(data: ReportData) -> str:
    nested, test = data.selected.get("nested"), data.metrics["test"]
    train, gap = data.metrics["train"]["roc_auc"], data.metrics["gap"]["roc_auc"]
    overfitting = (
        f"On the training rows the AUC is {number(train)}; the gap of {number(gap)} to test is "
        "overfitting."
        if gap > 0
        else f"On the training rows the AUC is {number(train)}, not higher than on test."
    )
    if not nested:
        mean, se = data.metrics["cv"]["roc_auc"], data.selected["cv_se"]["roc_auc"]
        return (
            f"Cross-validation gives an AUC of {number(mean)} (SE {number(se)}). This is too "
            "optimistic if the model was chosen by it, and no nested estimate was made. "
            f"{overfitting}"
        )
    mean, se = nested["mean"]["roc_auc"], nested["se"]["roc_auc"]
    low, high = test["ci"]["roc_auc"]
    auto = data.selected["model"] == "auto"
    repeated = "choice of the model" if auto else "search of its parameters"
    agreement = (
        "is in the test interval, so the two agree"
        if low <= mean <= high
        else "is outside the test interval: find out why before you sign"
    )
    return (
        f"Expect an AUC of {number(mean)} in use (nested cross-validation, SE {number(se)}). This "
        f"estimate uses all training rows and repeats the {repeated}. It {agreement}. {overfitting}"
    )


def _savings(data: ReportData) -> str:
    base, (low, high) = data.metrics["baselines"], data.metrics["test"]["ci"]["expected_cost"]
    name = min(("accept_all", "reject_all"), key=lambda n: base[n])
    baseline = {"accept_all": "accepting everybody", "reject_all": "refusing everybody"}[name]
    baseline_costs = f"{baseline} costs {cost(base[name], data.unit)}"
    saved = base[name] - base["champion"]
    model_costs = f"the model costs {cost(base['champion'], data.unit)} a head on test"
    if saved <= 0:
        return (
            f"It doesn't pay: {model_costs}, {baseline_costs}. Don't use the model at this cut-off."
        )
    certainty = (
        "the whole interval is below that"
        if high < base[name]
        else "the interval reaches above that, so the saving may be luck"
    )
    return (
        f"It pays: {model_costs} (95% {cost(low)} to {cost(high)}), {baseline_costs}; {certainty}. "
        f"It saves {cost(saved, data.unit)} a head."
    )


def _calibration(data: ReportData) -> str:
    """Compare the intervals of slope and calibration in the large with their ideals."""
    found = data.metrics["calibration"]
    slope, large = found["slope"], found["in_the_large"]
    faults = []
    if slope["ci"][1] < 1:
        faults.append("they are too extreme (slope below 1)")
    if slope["ci"][0] > 1:
        faults.append("they are too moderate (slope above 1)")
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
        return f"The PDs are not well calibrated: {' and '.join(faults)}. On test: {means}."
    return f"The PDs are well calibrated, as far as the test rows show: {means}."


def _lead(data: ReportData) -> str:
    """Say whether the best model leads clearly; the section on the choice has the details."""
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

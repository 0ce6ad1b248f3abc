"""The report's sections on the champion's ranking, PDs, decisions and variables."""

from creditrisk.html.page import Block, bullets, figure, table, text
from creditrisk.report import figures, tables
from creditrisk.report.data import ReportData
from creditrisk.report.tables import cost, number, span

TOP_VARIABLES = 5


def ranking(data: ReportData) -> list[Block]:
    """Write the section: how well the PDs separate the good from the bad."""
    test, threshold, curves = data.metrics["test"], data.metrics["threshold"], data.curves
    good, bad = tables.confusion_table(curves["confusion"])["share refused"]
    base, ci = data.metrics["calibration"]["bad_rate"], test["ci"]
    return [
        figure(
            figures.roc(curves["roc"], (good, bad), threshold),
            f"ROC curve: AUC {number(test['roc_auc'])} (95% {span(ci['roc_auc'])})",
            "Each point is a cut-off. It shows which share of the good, and which share of the "
            "bad, is refused there. The further the curve is above the dashed line, the better.",
        ),
        figure(
            figures.precision_recall(
                curves["pr"], base, (test["recall"], test["precision"]), threshold
            ),
            f"Precision and recall: average precision {number(test['average_precision'])} "
            f"(95% {span(ci['average_precision'])}), base rate {number(base, '.1%')}",
            "Each point is a cut-off. It shows which share of the bad is refused there, and which "
            "share of the refused is bad. The dashed line is the result of refusing at random.",
        ),
        figure(
            figures.scores(curves["scores"], threshold),
            "Distribution of the PDs",
            "The share of the good, and of the bad, with a PD in each band. The less the two "
            "overlap, the better. Applicants are refused if their PD reaches the cut-off.",
        ),
    ]


def probabilities(data: ReportData) -> list[Block]:
    """Write the section: how well the PDs are calibrated."""
    found, parts = data.metrics["calibration"], data.metrics["calibration"]["brier_parts"]
    blocks: list[Block] = [
        figure(
            figures.calibration(data.curves["calibration"]),
            f"Calibration on the test rows: mean PD {number(found['mean_pd'], '.1%')}, bad rate "
            f"{number(found['bad_rate'], '.1%')}",
            "The observed bad rate of applicants with similar PDs. On the dashed line, the two "
            "agree; above it the PDs are too low, below it too high. Each bin has about the same "
            "number of applicants and a Wilson interval. The band is a bootstrap interval.",
        ),
        table(
            tables.calibration_table(found, data.selected.get("nested")),
            "Calibration in numbers",
            {"value": ".3f", "95% from": ".3f", "to": ".3f", "ideal": ".0f"},
        ),
        text(
            "A slope below 1 means that the PDs are too extreme, above 1 that they are too "
            "moderate. A value in the large below 0 means that the PDs are too high on average, "
            "above 0 that they are too low."
        ),
        text(
            f"The Brier score on test is {number(data.metrics['test']['brier'])} (95% "
            f"{span(data.metrics['test']['ci']['brier'])}). It is reliability "
            f"{number(parts['reliability'], '.4f')} (lower is better) minus resolution "
            f"{number(parts['resolution'], '.4f')} (higher is better) plus uncertainty "
            f"{number(parts['uncertainty'], '.4f')} (the score if every PD is the bad rate)."
        ),
    ]
    return blocks


def decisions(data: ReportData) -> list[Block]:
    """Write the section: the cut-off, its costs and its decisions."""
    base, threshold, unit = data.metrics["baselines"], data.metrics["threshold"], data.unit
    points = data.curves["cost"]
    axis = f"cost a head in {unit}" if unit else "cost a head"
    levels = {"accept all (test)": base["accept_all"], "refuse all (test)": base["reject_all"]}
    return [
        text(f"{_costs(data)} {_cutoff(data)}"),
        figure(
            figures.costs(points, threshold, levels, axis),
            f"Cost a head by cut-off: {cost(base['champion'], unit)} on test at the chosen "
            f"cut-off, {cost(base['accept_all'], unit)} if everybody is accepted, "
            f"{cost(base['reject_all'], unit)} if everybody is refused",
            "Lower is better. Out of fold means that each training row has a PD from a model that "
            "had not seen it. The cut-off was not chosen on the test rows, so their minimum may be "
            "elsewhere. If the valley is flat, the exact cut-off matters little.",
        ),
        figure(
            figures.approvals(points, threshold),
            f"Approval rate by cut-off: {number(base['approval_rate'], '.1%')} on test at the "
            "chosen cut-off",
            "The share of the applicants whose PD is below the cut-off.",
        ),
        table(
            tables.confusion_table(data.curves["confusion"]),
            "Decisions on the test rows",
            {"share refused": ".1%"},
        ),
    ]


def importance(data: ReportData) -> list[Block]:
    """Write the section: which variables the champion uses most."""
    derived = data.champion.features.get("derived", {})
    ranked = data.curves["importance"]
    frame = tables.importance_table(ranked, data.schema)
    first = frame.head(TOP_VARIABLES)
    forms = dict.fromkeys(("AUC lost", "SE", "from", "to"), ".4f")
    return [
        figure(
            figures.importance(first),
            f"The {len(first)} most important variables",
            "The AUC that is lost if a variable is shuffled among applicants that the model has "
            f"not seen ({_of_training_rows(data)}by fold), with two standard errors to each side. "
            "Variables with the same information share their importance. The chart shows what the "
            "model uses, not what causes default.",
        ),
        bullets(
            [
                f"{label}: {tables.meaning(name, data.schema, derived)}"
                for label, name in zip(first["variable"], ranked["feature"], strict=False)
            ]
        ),
        table(first, "In numbers", forms),
        table(frame, "All variables", forms, collapsed=True),
    ]


def _of_training_rows(data: ReportData) -> str:
    rows, all_rows = data.metrics["importance_rows"], data.champion.training_rows
    sample = f"a sample of {rows:,} of {all_rows:,} " if rows < all_rows else ""
    return f"{sample}training rows, "


def _costs(data: ReportData) -> str:
    terms = data.decision
    if terms.amount_column is None:
        return (
            f"Accepting a bad applicant costs {terms.cost_bad_accepted:g}, refusing a good one "
            f"{terms.cost_good_rejected:g}."
        )
    amount = terms.amount_column.replace("_", " ")
    return (
        f"An accepted bad loan costs {terms.loss_given_default:g} of its {amount}, a refused good "
        f"one {terms.margin:g} of it."
    )


def _cutoff(data: ReportData) -> str:
    rule = (
        f"Applicants with a PD of {number(data.metrics['threshold'], '.1%')} or more are refused."
    )
    if data.decision.threshold == "theory":
        return f"{rule} This is the PD at which accepting and refusing cost the same."
    break_even = number(data.decision.break_even, ".1%")
    return (
        f"{rule} This cut-off has the least cost on out-of-fold PDs of the training rows. For "
        f"well-calibrated PDs, the best cut-off in theory is {break_even}."
    )

"""The report's sections on what the champion does: ranks, PDs, decisions, variables."""

from creditrisk.html.page import Block, bullets, figure, table, text
from creditrisk.report import figures, tables
from creditrisk.report.data import ReportData
from creditrisk.report.tables import cost, number, span

TOP_VARIABLES = 5


def ranking(data: ReportData) -> list[Block]:
    """How well the PDs part the good from the bad."""
    test, threshold, curves = data.metrics["test"], data.metrics["threshold"], data.curves
    good, bad = tables.confusion_table(curves["confusion"])["share refused"]
    base, ci = data.metrics["calibration"]["bad_rate"], test["ci"]
    return [
        figure(
            figures.roc(curves["roc"], (good, bad), threshold),
            f"ROC curve: AUC {number(test['roc_auc'])} (95% {span(ci['roc_auc'])})",
            "Every point is a cut-off: how many of the good one refuses in order to refuse that "
            "many of the bad. The further above the dashed line, the better.",
        ),
        figure(
            figures.precision_recall(
                curves["pr"], base, (test["recall"], test["precision"]), threshold
            ),
            f"Precision and recall: average precision {number(test['average_precision'])} "
            f"(95% {span(ci['average_precision'])}), base rate {number(base, '.1%')}",
            "Every point is a cut-off: which share of the refused is bad, against which share of "
            "the bad is refused. The dashed line is what refusing at random gives.",
        ),
        figure(
            figures.scores(curves["scores"], threshold),
            "Distribution of the PDs",
            "The share of the good, and of the bad, whose PD lies in each band. The less the two "
            "overlap, the better. From the cut-off on applicants are refused.",
        ),
    ]


def probabilities(data: ReportData) -> list[Block]:
    """Whether a PD means what it says."""
    found, parts = data.metrics["calibration"], data.metrics["calibration"]["brier_parts"]
    blocks: list[Block] = [
        figure(
            figures.calibration(data.curves["calibration"]),
            f"Calibration on the test rows: mean PD {number(found['mean_pd'], '.1%')}, bad rate "
            f"{number(found['bad_rate'], '.1%')}",
            "Of the applicants with such a PD, how many went bad. On the dashed line they agree; "
            "above it the PDs are too low, below it too high. Bins hold about equally many "
            "applicants, with Wilson intervals; the band is by bootstrap.",
        ),
        table(
            tables.calibration_table(found, data.selected.get("nested")),
            "Calibration in numbers",
            {"value": ".3f", "95% from": ".3f", "to": ".3f", "ideal": ".0f"},
        ),
        text(
            "Slope below 1: the PDs are too extreme; above 1: too timid. In the large below 0: too "
            "high on average; above 0: too low."
        ),
        text(
            f"The Brier score on test is {number(data.metrics['test']['brier'])} (95% "
            f"{span(data.metrics['test']['ci']['brier'])}). It is reliability "
            f"{number(parts['reliability'], '.4f')} (less is better) minus resolution "
            f"{number(parts['resolution'], '.4f')} (more is better) plus uncertainty "
            f"{number(parts['uncertainty'], '.4f')} (what the bad rate alone gives)."
        ),
    ]
    return blocks


def decisions(data: ReportData) -> list[Block]:
    """The cut-off, what it costs and whom it refuses."""
    base, threshold, unit = data.metrics["baselines"], data.metrics["threshold"], data.unit
    points = data.curves["cost"]
    axis = f"cost a head in {unit}" if unit else "cost a head"
    levels = {"accept all (test)": base["accept_all"], "refuse all (test)": base["reject_all"]}
    return [
        text(f"{_costs(data)} {_cutoff(data)}"),
        figure(
            figures.costs(points, threshold, levels, axis),
            f"Cost a head over the cut-offs: {cost(base['champion'], unit)} on test at the chosen "
            f"one; {cost(base['accept_all'], unit)} accepting and "
            f"{cost(base['reject_all'], unit)} refusing everybody",
            "The lower, the better. Out of fold: each training row judged by a model that had not "
            "seen it. The test rows had no say in the cut-off, so their least cost may lie beside "
            "it. A flat valley means that the exact cut-off matters little.",
        ),
        figure(
            figures.approvals(points, threshold),
            f"Approval rate over the cut-offs: {number(base['approval_rate'], '.1%')} on test",
            "The share of the applicants whose PD lies below the cut-off.",
        ),
        table(
            tables.confusion_table(data.curves["confusion"]),
            "Decisions on the test rows",
            {"share refused": ".1%"},
        ),
    ]


def importance(data: ReportData) -> list[Block]:
    """Which variables the champion leans on."""
    derived = data.champion.features.get("derived", {})
    ranked = data.curves["importance"]
    frame = tables.importance_table(ranked, data.schema)
    first = frame.head(TOP_VARIABLES)
    forms = dict.fromkeys(("AUC lost", "SE", "from", "to"), ".4f")
    return [
        figure(
            figures.importance(first),
            f"The {len(first)} most important variables",
            "The AUC that is lost when a variable is shuffled among applicants that the model has "
            "not seen (training rows, by fold), two standard errors to each side. Variables that "
            "say the same share their importance. It tells what the model uses, not what causes "
            "default.",
        ),
        bullets(
            [
                f"{words}: {tables.meaning(name, data.schema, derived)}"
                for words, name in zip(first["variable"], ranked["feature"], strict=False)
            ]
        ),
        table(first, "In numbers", forms),
        table(frame, "All variables", forms, collapsed=True),
    ]


def _costs(data: ReportData) -> str:
    terms = data.decision
    if terms.amount_column is None:
        return (
            f"Accepting an applicant who goes bad costs {terms.cost_bad_accepted:g}, refusing a "
            f"good one {terms.cost_good_rejected:g}."
        )
    amount = terms.amount_column.replace("_", " ")
    return (
        f"An accepted loan that goes bad costs {terms.loss_given_default:g} of its {amount}, a "
        f"refused good one {terms.margin:g} of it."
    )


def _cutoff(data: ReportData) -> str:
    words = f"Applicants are refused from a PD of {number(data.metrics['threshold'], '.1%')} on: "
    if data.decision.threshold == "theory":
        return words + "the PD at which accepting and refusing cost the same."
    even = number(data.decision.break_even, ".1%")
    return (
        words
        + "the cut-off of the least cost on out-of-fold PDs of the training rows. For PDs that "
        f"can be believed, theory says {even}."
    )

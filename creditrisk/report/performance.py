"""The report's sections on the champion's ranking, PDs, decisions and variables."""

from creditrisk.html.page import Block, bullets, figure, text
from creditrisk.report import figures, tables
from creditrisk.report.data import ReportData
from creditrisk.report.grids import grid
from creditrisk.report.language import PLAIN
from creditrisk.report.referral import refers, rules_words

TOP_VARIABLES = 5


def ranking(data: ReportData) -> list[Block]:
    """Write the section: how well the PDs separate the good from the bad."""
    words, test, threshold = data.words, data.metrics["test"], data.metrics["threshold"]
    curves, ci = data.curves, data.metrics["test"]["ci"]
    good, bad = tables.confusion_table(curves["confusion"], words)["share_rejected"]
    base = data.metrics["calibration"]["bad_rate"]
    return [
        figure(
            figures.roc(words, curves["roc"], (good, bad), threshold),
            words("ranking.roc", auc=words.number(test["roc_auc"]), span=words.span(ci["roc_auc"])),
            words("ranking.roc_note"),
        ),
        figure(
            figures.precision_recall(
                words, curves["pr"], base, (test["recall"], test["precision"]), threshold
            ),
            words(
                "ranking.pr",
                precision=words.number(test["average_precision"]),
                span=words.span(ci["average_precision"]),
                base=words.number(base, ".1%"),
            ),
            words("ranking.pr_note"),
        ),
        figure(
            figures.scores(words, curves["scores"], threshold),
            words("ranking.scores"),
            words("ranking.scores_note"),
        ),
    ]


def probabilities(data: ReportData) -> list[Block]:
    """Write the section: how well the PDs are calibrated."""
    words, found, test = data.words, data.metrics["calibration"], data.metrics["test"]
    parts = {name: words.number(part, ".4f") for name, part in found["brier_parts"].items()}
    forms = {"value": ".3f", "low": ".3f", "high": ".3f", "ideal": ".0f"}
    shown = tables.calibration_table(found, data.selected.get("nested"), words)
    return [
        figure(
            figures.calibration(words, data.curves["calibration"]),
            words(
                "probabilities.chart",
                mean=words.number(found["mean_pd"], ".1%"),
                rate=words.number(found["bad_rate"], ".1%"),
            ),
            words("probabilities.chart_note"),
        ),
        grid(words, shown, "probabilities.table", forms),
        text(words("probabilities.reading")),
        text(
            words(
                "probabilities.brier",
                brier=words.number(test["brier"]),
                span=words.span(test["ci"]["brier"]),
                **parts,
            )
        ),
    ]


def decisions(data: ReportData) -> list[Block]:
    """Write the section: the cut-off, its costs, its decisions, and who is referred."""
    words, base, threshold = data.words, data.metrics["baselines"], data.metrics["threshold"]
    points = data.curves["cost"]
    levels = {name: base[name] for name in ("accept_all", "reject_all")}
    costs = {name: words.cost(base[name], data.unit) for name in levels}
    return [
        text(f"{_costs(data)} {_cutoff(data)}"),
        *referrals(data),
        grid(
            words,
            tables.confusion_table(data.curves["confusion"], words),
            "decisions.table",
            {"share_rejected": ".1%"},
        ),
        figure(
            figures.costs(words, points, threshold, levels, data.unit),
            words("decisions.cost_chart", cost=words.cost(base["champion"], data.unit), **costs),
            words("decisions.cost_note"),
        ),
        figure(
            figures.approvals(words, points, threshold),
            words("decisions.approvals_chart", rate=words.number(base["approval_rate"], ".1%")),
            words("decisions.approvals_note"),
        ),
    ]


def referrals(data: ReportData) -> list[Block]:
    """Say who is referred to a person."""
    if not refers(data):
        return [text(data.words("referral.nobody"))]
    return [text(data.words("referral.who")), bullets(rules_words(data, PLAIN))]


def importance(data: ReportData) -> list[Block]:
    """Write the section: which variables the champion uses most."""
    words, derived = data.words, data.champion.features.get("derived", {})
    ranked = data.curves["importance"]
    frame = tables.importance_table(ranked, data.schema)
    first = frame.head(TOP_VARIABLES)
    forms = dict.fromkeys(("auc_lost", "se", "low", "high"), ".4f")
    rows, every = data.metrics["importance_rows"], data.champion.training_rows
    note = (
        words("importance.chart_note_sample", some=f"{rows:,}", all=f"{every:,}")
        if rows < every
        else words("importance.chart_note")
    )
    return [
        figure(
            figures.importance(words, first),
            words("importance.chart", count=str(len(first))),
            note,
        ),
        bullets(
            [
                f"{label}: {tables.meaning(name, data.schema, derived, words)}"
                for label, name in zip(first["variable"], ranked["feature"], strict=False)
            ]
        ),
        grid(words, frame, "importance.table", forms, collapsed=True),
    ]


def _costs(data: ReportData) -> str:
    words, terms = data.words, data.decision
    if terms.amount_column is None:
        accepted, rejected = f"{terms.cost_bad_accepted:g}", f"{terms.cost_good_rejected:g}"
        said = words("decisions.costs", accepted=accepted, rejected=rejected)
    else:
        said = words(
            "decisions.costs_amount",
            loss=f"{terms.loss_given_default:g}",
            margin=f"{terms.margin:g}",
            amount=terms.amount_column.replace("_", " "),
        )
    if not refers(data):
        return said
    referred = f"{terms.cost_referred:g} {data.unit}".strip()
    return f"{said} {words('decisions.costs_referred', referred=referred)}"


def _cutoff(data: ReportData) -> str:
    words = data.words
    rule = words("decisions.cutoff", cutoff=words.number(data.metrics["threshold"], ".1%"))
    if data.decision.threshold == "theory":
        return f"{rule} {words('decisions.theory')}"
    break_even = words.number(data.decision.break_even, ".1%")
    return f"{rule} {words('decisions.oof', break_even=break_even)}"

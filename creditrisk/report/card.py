"""The model card: one Markdown document in the order in which a model is examined.

Use and its limits first, then data, method, results, people, and how to make it again. Every number
is one of the files in metrics/, models/champion.json or plots/.
"""

from typing import Any

import pandas as pd

from creditrisk.report import tables
from creditrisk.report.data import ReportData
from creditrisk.report.fairness import fairness_notes, fairness_table
from creditrisk.report.scorecard import points_words
from creditrisk.report.tables import cost, number

CIRCULAR = (
    "https://www.consumerfinance.gov/compliance/circulars/circular-2023-03-adverse-action-"
    "notification-requirements-and-the-proper-use-of-the-cfpbs-sample-forms-provided-in-"
    "regulation-b/"
)

ANNEX = "https://aiact.annotated.nl/en/aiact/annex/iii/5/"


def model_card(data: ReportData) -> str:
    """Write the card.

    Returns:
        Markdown.
    """
    sections = {
        "Purpose and use": purpose(data),
        "Limits": limits(data),
        "Data and provenance": _data(data),
        "How it was chosen": _choice(data),
        "Performance": _performance(data),
        "Calibration": _calibration(data),
        "Decisions": _decisions(data),
        "Variables and reasons": _variables(data),
        "Groups of applicants": _groups(data),
        "Scorecard": _scorecard(data),
        "How to reproduce it": _reproduce(data),
    }
    title = f"# Model card: {data.schema.name.replace('_', ' ')}, {data.champion.label}"
    parts = [title, *(f"## {heading}\n\n{body}" for heading, body in sections.items())]
    return "\n\n".join(parts) + "\n"


def purpose(data: ReportData) -> str:
    """What the model is for."""
    threshold = number(data.metrics["threshold"], ".2%")
    return (
        "The model gives an applicant for credit a probability of default (PD). Applicants with a "
        f"PD of {threshold} or more are proposed for refusal. It supports a decision that a person "
        "answers for. It is not meant for amounts, prices or limits, for other portfolios than the "
        "one described below, or for existing customers' behaviour.\n\nIn the European Union a "
        "system that evaluates the creditworthiness of natural persons is a high-risk one: "
        f"Regulation (EU) 2024/1689, [Annex III, point 5(b)]({ANNEX}). What follows from that is "
        "for the user's own counsel to say."
    )


def limits(data: ReportData) -> str:
    """What the model cannot do, each with its size."""
    test, parts = data.metrics["test"], data.prepared["split"]
    low, high = test["ci"]["roc_auc"]
    lines = [
        f"Trained on {data.champion.training_rows:,} applicants and measured on "
        f"{parts['test']['rows']:,}, of whom {parts['test']['bad']:,} were bad: the AUC's 95% "
        f"interval is {number(low)} to {number(high)}.",
        "Outcomes are known of applicants who were granted credit. How the refused would have "
        "done is unknown, so for applicants unlike the granted ones a PD is an extrapolation.",
        "Train and test rows are parted at random, not by time: drift is not measured.",
        "Associations, not causes: changing a variable need not change the risk.",
        "A number outside the range of training is guesswork, unless there is a cap for it (among "
        "the adjustments in models/champion.json); a level that training did not have counts as "
        "missing or as no known level.",
    ]
    if data.warning:
        lines.insert(0, data.warning)
    return _bullets(lines)


def _data(data: ReportData) -> str:
    prepared, schema = data.prepared, data.schema
    rejected = ", ".join(f"{k.replace('_', ' ')} {n:,}" for k, n in prepared["rejected"].items())
    facts = [
        f"Data set `{schema.name}`; {len(schema.features)} variables; "
        f"outcome `{schema.target.column}`, bad is {', '.join(schema.target.bad)}.",
        *([f"Source: {schema.source}."] if schema.source else []),
        *([f"Licence: {schema.licence}."] if schema.licence else []),
        f"Rows read {prepared['rows_read']:,}, rejected {prepared['rows_rejected']:,} ({rejected}),"
        f" used {prepared['rows_clean']:,}.",
        f"Bad rate of the rows used: {number(prepared['bad_rate'], '.2%')}.",
        f"Missing cells in them: {sum(prepared['missing'].values()):,}.",
        f"SHA-256 of the file: `{data.champion.data_sha256}`.",
    ]
    forms = {"bad rate": ".1%"}
    return _bullets(facts) + "\n\n" + _table(tables.split_table(prepared), forms)


def _choice(data: ReportData) -> str:
    selected, board = data.selected, data.board
    words = [
        f"{len(board)} candidates, each with its own grid search; chosen: {selected['algorithm']} "
        f"(model `{selected['model']}`, rule `{selected['rule']}`, scoring "
        f"`{selected['scoring']}`).",
        f"Parameters: `{tables._as_text(data.champion.params)}`; calibration "
        f"`{data.champion.calibration}`.",
        "Imputation, encoding, scaling and resampling are learned inside each fold; caps and "
        "merged levels from the training rows alone.",
    ]
    shown = tables.board_table(board, selected["scoring"])
    return _bullets(words) + "\n\n" + _table(shown, dict.fromkeys(shown.columns[3:], ".3f"))


def _performance(data: ReportData) -> str:
    shown = tables.metrics_table(data.metrics, data.selected)
    choice = "choice included" if data.selected["model"] == "auto" else "the model being given"
    return (
        "Intervals: 95%, bootstrap of the test rows. SE: standard error over the folds. Nested: "
        f"the whole procedure, {choice}, on rows that it had not seen.\n\n"
        + _table(shown, dict.fromkeys(shown.columns[1:], ".3f"))
    )


def _calibration(data: ReportData) -> str:
    found = data.metrics["calibration"]
    shown = tables.calibration_table(found, data.selected.get("nested"))
    return (
        f"Mean PD on test {number(found['mean_pd'], '.2%')}, bad rate "
        f"{number(found['bad_rate'], '.2%')}.\n\n"
        + _table(shown, dict.fromkeys(("value", "95% from", "to"), ".3f") | {"ideal": ".0f"})
    )


def _decisions(data: ReportData) -> str:
    base, test, unit = data.metrics["baselines"], data.metrics["test"], data.unit
    low, high = test["ci"]["expected_cost"]
    return _bullets(
        [
            f"Cut-off: PD {number(data.metrics['threshold'], '.6f')} "
            f"(`decision.threshold: {data.decision.threshold}`).",
            f"Approved on test: {number(base['approval_rate'], '.1%')}.",
            f"Cost a head on test: {cost(base['champion'], unit)} (95% {cost(low)} to "
            f"{cost(high)}); accepting everybody {cost(base['accept_all'], unit)}, refusing "
            f"everybody {cost(base['reject_all'], unit)}.",
        ]
    )


def _variables(data: ReportData) -> str:
    shown = tables.importance_table(data.curves["importance"], data.schema)
    return (
        "AUC that is lost when a variable is shuffled among training rows that the model has not "
        "seen, two standard errors to each side.\n\n"
        + _table(shown, dict.fromkeys(shown.columns[1:], ".4f"))
        + "\n\n`python -m commands.score` gives each applicant reasons: what sets the log-odds "
        "apart from those of a typical applicant who paid back, variable by variable (Shapley "
        "values), with the applicant's own level in words. A refusal names up to four that raise the risk, "
        "or says that none does. "
        f"Regulation B asks for specific principal reasons, and [Circular 2023-03]({CIRCULAR}) of "
        "the CFPB says that a checklist does not do where it does not name them."
    )


def _groups(data: ReportData) -> str:
    found = data.curves.get("fairness")
    if found is None or not len(found):
        return "No column to group by (`fairness` in params.yaml) is in this data."
    return (
        "Test rows; 95% Wilson intervals in brackets.\n\n"
        + _table(fairness_table(found), {})
        + "\n\n"
        + _bullets(fairness_notes(data))
    )


def _scorecard(data: ReportData) -> str:
    if data.points is None or not len(data.points):
        return "No candidate is a scorecard."
    return f"{points_words(data)} The table: `plots/scorecard.csv`."


def _reproduce(data: ReportData) -> str:
    champion = data.champion
    versions = ", ".join(f"{name} {v}" for name, v in champion.created_by.items())
    return "`make repro` rebuilds everything; equal inputs give equal files.\n\n" + _bullets(
        [
            f"SHA-256 of the model, `models/champion.joblib`: `{champion.model_sha256}`.",
            f"SHA-256 of the data: `{champion.data_sha256}`.",
            "The hashes of all code, parameters and files that led here: `dvc.lock` beside "
            "this card.",
            "The commit: a file cannot hold the hash of the commit that holds it; "
            "`git log -1 --format=%H -- plots/model_card.md` tells it.",
            f"Versions: {versions}; all others in `requirements.lock`.",
        ]
    )


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {_one_line(line)}" for line in lines)


def _table(frame: pd.DataFrame, forms: dict[str, str]) -> str:
    head = [str(name) for name in frame]
    rows = [
        [_cell(value, forms.get(name, "")) for name, value in zip(frame, line, strict=True)]
        for line in frame.itertuples(index=False)
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_one_line(c) for c in line) + " |" for line in lines)


def _cell(value: Any, form: str) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "-"
    cell = format(value, form) if form else (f"{value:,}" if isinstance(value, int) else str(value))
    return cell.replace("|", "\\|")


def _one_line(words: str) -> str:
    return " ".join(words.split()).replace("<", "&lt;")

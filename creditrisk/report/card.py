"""The model card: a Markdown document in the order in which a model is reviewed.

First use and limits, then data, method, results, groups of applicants, and how to reproduce it.
Every number comes from a file in metrics/, from models/champion.json or from a file in plots/.
"""

from typing import Any

import pandas as pd

from creditrisk.core.escape import markdown, markdown_code, markdown_table
from creditrisk.report import tables
from creditrisk.report.data import ReportData
from creditrisk.report.fairness import fairness_notes, fairness_table
from creditrisk.report.language import MARKDOWN, Language
from creditrisk.report.scorecard import points_words
from creditrisk.report.selection import sample_words
from creditrisk.report.stability import moved_words, split_words
from creditrisk.report.tables import cost, number

CIRCULAR = (
    "https://www.consumerfinance.gov/compliance/circulars/circular-2023-03-adverse-action-"
    "notification-requirements-and-the-proper-use-of-the-cfpbs-sample-forms-provided-in-"
    "regulation-b/"
)

ANNEX = "https://aiact.annotated.nl/en/aiact/annex/iii/5/"


def model_card(data: ReportData) -> str:
    """Write the model card.

    Returns:
        Markdown.
    """
    sections = {
        "Purpose and use": purpose(data, MARKDOWN),
        "Limits": _bullets(limits(data, MARKDOWN)),
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
    title = f"{markdown(data.schema.name.replace('_', ' '))}, {markdown(data.champion.label)}"
    parts = [
        f"# Model card: {title}",
        *(f"## {heading}\n\n{body}" for heading, body in sections.items()),
    ]
    return "\n\n".join(parts) + "\n"


def purpose(data: ReportData, language: Language) -> str:
    """Say what the model is for, and what it is not for: two paragraphs."""
    threshold = number(data.metrics["threshold"], ".2%")
    return (
        "The model estimates the probability of default (PD) of applicants for credit. It proposes "
        f"to refuse applicants with a PD of {threshold} or more. It supports a decision for which "
        "a person is responsible. It is not meant for setting amounts, prices or limits, for "
        "portfolios other than the one described below, or for predicting the behaviour of "
        "existing customers.\n\nIn the European Union, a system that evaluates the "
        "creditworthiness of natural persons is a high-risk system: Regulation (EU) 2024/1689, "
        f"{language.link('Annex III, point 5(b)', ANNEX)}. Ask your legal counsel which duties "
        "follow from this."
    )


def limits(data: ReportData, language: Language) -> list[str]:
    """List the limits of the model."""
    test, parts = data.metrics["test"], data.prepared["split"]
    low, high = test["ci"]["roc_auc"]
    lines = [
        f"Trained on {data.champion.training_rows:,} applicants and measured on "
        f"{parts['test']['rows']:,} others, of whom {parts['test']['bad']:,} defaulted. The "
        f"AUC's 95% interval is {number(low)} to {number(high)}.",
        "Outcomes are known only for applicants who were granted credit. It is unknown how the "
        "refused applicants would have paid, so the PD of applicants who are unlike those who were "
        "granted credit is an extrapolation.",
        split_words(data),
        "The model finds associations, not causes. Changing a variable need not change the risk.",
        "The PD is unreliable if a number is outside the range of the training rows, unless the "
        "number is capped (see the adjustments in models/champion.json). A level that no training "
        "row has counts as missing or as an unknown level.",
    ]
    if data.warning:
        lines.insert(0, language.data(data.warning))
    return lines


def _data(data: ReportData) -> str:
    prepared, schema = data.prepared, data.schema
    rejected = ", ".join(f"{k.replace('_', ' ')} {n:,}" for k, n in prepared["rejected"].items())
    lines = [
        f"Data set {markdown_code(schema.name)}; {len(schema.features)} variables; outcome "
        f"{markdown_code(schema.target.column)}, bad is {markdown(', '.join(schema.target.bad))}.",
        *([f"Source: {markdown(schema.source)}."] if schema.source else []),
        *([f"Licence: {markdown(schema.licence)}."] if schema.licence else []),
        f"Rows read {prepared['rows_read']:,}, rejected {prepared['rows_rejected']:,} ({rejected}),"
        f" used {prepared['rows_clean']:,}.",
        f"Bad rate of the rows used: {number(prepared['bad_rate'], '.2%')}.",
        f"Missing cells in the rows used: {sum(prepared['missing'].values()):,}.",
        f"SHA-256 of the file: {markdown_code(data.champion.data_sha256)}.",
    ]
    forms = {"bad rate": ".1%"}
    return _bullets(lines) + "\n\n" + _table(tables.split_table(prepared), forms)


def _choice(data: ReportData) -> str:
    selected, board = data.selected, data.board
    lines = [
        f"{len(board)} models were compared, each with its own search. Chosen: "
        f"{markdown(selected['algorithm'])} (model {markdown_code(selected['model'])}, rule "
        f"{markdown_code(selected['rule'])}, scoring {markdown_code(selected['scoring'])}).",
        f"Parameters: {markdown_code(tables.as_text(data.champion.params))}; calibration "
        f"{markdown_code(data.champion.calibration)}.",
        "Imputation, encoding, scaling and resampling are learned inside each fold. Caps and "
        "merged levels are learned from the training rows only.",
        *filter(None, [sample_words(data)]),
    ]
    shown = tables.board_table(board, selected["scoring"])
    return _bullets(lines) + "\n\n" + _table(shown, dict.fromkeys(shown.columns[3:], ".3f"))


def _performance(data: ReportData) -> str:
    shown = tables.metrics_table(data.metrics, data.selected)
    auto = data.selected["model"] == "auto"
    choice = "with the choice of the model" if auto else "for the model that params.yaml names"
    return (
        "Intervals: 95%, by bootstrap of the test rows. SE: standard error of the mean over the "
        f"folds. Nested: the whole procedure, {choice}, measured on rows that it had not seen.\n\n"
        + _table(shown, dict.fromkeys(shown.columns[1:], ".3f"))
        + f"\n\n{moved_words(data)}"
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
    base, test, unit = data.metrics["baselines"], data.metrics["test"], markdown(data.unit)
    low, high = test["ci"]["expected_cost"]
    return _bullets(
        [
            f"Cut-off: PD {number(data.metrics['threshold'], '.6f')} "
            f"(`decision.threshold: {data.decision.threshold}`).",
            f"Approved on test: {number(base['approval_rate'], '.1%')}.",
            f"Cost a head on test: {cost(base['champion'], unit)} (95% {cost(low)} to "
            f"{cost(high)}). Accepting everybody costs {cost(base['accept_all'], unit)}, refusing "
            f"everybody {cost(base['reject_all'], unit)}.",
        ]
    )


def _variables(data: ReportData) -> str:
    shown = tables.importance_table(data.curves["importance"], data.schema)
    return (
        "The AUC that is lost if a variable is shuffled among training rows that the model has not "
        "seen, with two standard errors to each side.\n\n"
        + _table(shown, dict.fromkeys(shown.columns[1:], ".4f"))
        + "\n\n`python -m commands.score` returns reasons for each applicant. They explain, "
        "variable by variable (Shapley values), how the log-odds differ from those of the baseline "
        "applicant, a typical applicant who paid back. They show the applicant's own value in "
        "words. A refusal names up to four variables that raise the risk, or says that there are "
        "none. Regulation B asks for specific principal reasons (adverse action reasons), and "
        f"[Circular 2023-03]({CIRCULAR}) of the CFPB says that a checklist is not enough if it "
        "does not contain them."
    )


def _groups(data: ReportData) -> str:
    found = data.curves.get("fairness")
    if found is None or not len(found):
        return "The data has none of the columns to group by (`fairness` in params.yaml)."
    return (
        "Test rows; 95% Wilson intervals in brackets.\n\n"
        + _table(fairness_table(found), {})
        + "\n\n"
        + _bullets(fairness_notes(data, MARKDOWN))
    )


def _scorecard(data: ReportData) -> str:
    if data.points.empty:
        return "No model is a scorecard."
    return f"{points_words(data, markdown)} The table is in `plots/scorecard.csv`."


def _reproduce(data: ReportData) -> str:
    champion = data.champion
    versions = markdown(", ".join(f"{name} {v}" for name, v in champion.created_by.items()))
    return "`make repro` rebuilds everything. The same inputs give the same files.\n\n" + _bullets(
        [
            "SHA-256 of the model, `models/champion.joblib`: "
            f"{markdown_code(champion.model_sha256)}.",
            f"SHA-256 of the data: {markdown_code(champion.data_sha256)}.",
            "Hashes of all code, parameters and files that the model was made from: `dvc.lock` of "
            "the same commit.",
            "Commit: `git log -1 --format=%H -- plots/model_card.md` prints it, since a file can't "
            "contain the hash of its own commit.",
            f"Versions: {versions}; all others in `requirements.lock`.",
        ]
    )


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(frame: pd.DataFrame, forms: dict[str, str]) -> str:
    return markdown_table(
        [
            {str(name): _cell(value, forms.get(name, "")) for name, value in line.items()}
            for line in frame.to_dict("records")
        ]
    )


def _cell(value: Any, form: str) -> str:
    """Format a number, or write a text of the data."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "-"
    if isinstance(value, str):
        return markdown(value)
    return format(value, form or ("," if isinstance(value, int) else ""))

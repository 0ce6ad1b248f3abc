"""The model card: a Markdown document in the order in which a model is reviewed.

First use and limits, then data, method, results, groups of applicants, and how to reproduce it.
Every number comes from a file in metrics/, from models/champion.json or from a file in plots/.
"""

from creditrisk.core.escape import markdown, markdown_code
from creditrisk.evaluate.fairness import OUT_OF_FOLD, TEST
from creditrisk.report import made, tables
from creditrisk.report.data import ReportData
from creditrisk.report.grids import card_grid, markdown_grid
from creditrisk.report.groups import decisions_table, group_notes, protected_lines, risk_table
from creditrisk.report.groups_words import group_findings
from creditrisk.report.language import MARKDOWN, Language
from creditrisk.report.referral import refers, rules_words
from creditrisk.report.scorecard import points_words
from creditrisk.report.selection import sample_words
from creditrisk.report.stability import moved_words, split_words
from creditrisk.report.verdict import decided

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
    words = data.words
    sections = {
        words("card.purpose"): purpose(data, MARKDOWN),
        words("card.limits"): _bullets(limits(data, MARKDOWN)),
        words("card.data"): _data(data),
        words("card.choice"): _choice(data),
        words("card.performance"): _performance(data),
        words("card.calibration"): _calibration(data),
        words("card.decisions"): _decisions(data),
        words("card.variables"): _variables(data),
        words("card.protected"): _protected(data),
        words("card.groups"): _groups(data),
        words("card.scorecard"): _scorecard(data),
        words("card.reproduce"): _reproduce(data),
    }
    name = markdown(data.schema.name.replace("_", " "))
    title = words("card.title", name=name, model=markdown(data.champion.label))
    parts = [f"# {title}", *(f"## {heading}\n\n{body}" for heading, body in sections.items())]
    return "\n\n".join(parts) + "\n"


def purpose(data: ReportData, language: Language) -> str:
    """Say what the model is for, and what it is not for: two paragraphs."""
    words = data.words
    cutoff = words.number(data.metrics["threshold"], ".2%")
    use = words("use.purpose" if refers(data) else "use.purpose_two", cutoff=cutoff)
    law = words("use.law", annex=language.link(words("use.annex"), ANNEX))
    return f"{use}\n\n{law}"


def limits(data: ReportData, language: Language) -> list[str]:
    """List the limits of the model."""
    words, test, parts = data.words, data.metrics["test"], data.prepared["split"]
    lines = [
        words(
            "use.measured",
            train=f"{data.champion.training_rows:,}",
            test=f"{parts['test']['rows']:,}",
            bad=f"{parts['test']['bad']:,}",
            span=words.span(test["ci"]["roc_auc"]),
        ),
        words("use.refused"),
        split_words(data),
        words("use.causes"),
        words("use.range"),
    ]
    if data.warning:
        lines.insert(0, language.data(made.warning(data.warning, words)))
    return lines


def _data(data: ReportData) -> str:
    words, prepared, schema = data.words, data.prepared, data.schema
    reasons = ", ".join(
        f"{words(f'data.reasons.{reason}')} {count:,}"
        for reason, count in prepared["rejected"].items()
    )
    lines = [
        words(
            "card.data_set",
            name=markdown_code(schema.name),
            count=f"{len(schema.features):,}",
            target=markdown_code(schema.target.column),
            bad=markdown(", ".join(schema.target.bad)),
        )
    ]
    if schema.source:
        lines.append(words("card.source", source=markdown(schema.source)))
    if schema.licence:
        lines.append(words("card.licence", licence=markdown(schema.licence)))
    lines += [
        words(
            "card.rows",
            read=f"{prepared['rows_read']:,}",
            rejected=f"{prepared['rows_rejected']:,}",
            reasons=reasons,
            used=f"{prepared['rows_clean']:,}",
        ),
        words("card.bad_rate", rate=words.number(prepared["bad_rate"], ".2%")),
        words("card.missing", count=f"{sum(prepared['missing'].values()):,}"),
        words("card.file_hash", hash=markdown_code(data.champion.data_sha256)),
    ]
    split = card_grid(words, tables.split_table(prepared, words), "data.split", {"bad_rate": ".1%"})
    return f"{_bullets(lines)}\n\n{split}"


def _choice(data: ReportData) -> str:
    words, selected, board = data.words, data.selected, data.board
    lines = [
        words(
            "card.compared",
            count=str(len(board)),
            algorithm=markdown(selected["algorithm"]),
            **{name: markdown_code(selected[name]) for name in ("model", "rule", "scoring")},
        ),
        words(
            "card.params",
            params=markdown_code(tables.as_text(data.champion.params)),
            calibration=markdown_code(data.champion.calibration),
        ),
        words("card.inside"),
        *filter(None, [sample_words(data)]),
    ]
    shown = tables.board_table(board, selected["scoring"])
    forms, heads = dict.fromkeys(shown.columns[3:], ".3f"), tables.board_headers(words)
    return f"{_bullets(lines)}\n\n{card_grid(words, shown, 'selection.board', forms, heads)}"


def _performance(data: ReportData) -> str:
    words = data.words
    shown = tables.metrics_table(data.metrics, data.selected, words)
    auto = data.selected["model"] == "auto"
    said = words("card.intervals_choice" if auto else "card.intervals_named")
    grid = card_grid(words, shown, "results.table", dict.fromkeys(shown.columns[1:], ".3f"))
    return f"{said}\n\n{grid}\n\n{moved_words(data)}"


def _calibration(data: ReportData) -> str:
    words, found = data.words, data.metrics["calibration"]
    mean, rate = (words.number(found[name], ".2%") for name in ("mean_pd", "bad_rate"))
    shown = tables.calibration_table(found, data.selected.get("nested"), words)
    forms = dict.fromkeys(("value", "low", "high"), ".3f") | {"ideal": ".0f"}
    grid = card_grid(words, shown, "probabilities.table", forms)
    return f"{words('card.means', mean=mean, rate=rate)}\n\n{grid}"


def _decisions(data: ReportData) -> str:
    words, base, unit = data.words, data.metrics["baselines"], markdown(data.unit)
    costs = {name: words.cost(base[name], unit) for name in ("accept_all", "reject_all")}
    cutoff, rule = words.number(data.metrics["threshold"], ".6f"), data.decision.threshold
    said = _bullets(
        [
            decided(data),
            words("card.cutoff", cutoff=cutoff, rule=rule),
            words(
                "card.cost",
                cost=words.cost(base["champion"], unit),
                span=words.cost_span(data.metrics["test"]["ci"]["expected_cost"]),
                **costs,
            ),
        ]
    )
    if not refers(data):
        return f"{said}\n\n{words('referral.nobody')}"
    return f"{said}\n\n{words('referral.who')}\n\n{_bullets(rules_words(data, MARKDOWN))}"


def _variables(data: ReportData) -> str:
    words = data.words
    shown = tables.importance_table(data.curves["importance"], data.schema)
    grid = card_grid(words, shown, "importance.table", dict.fromkeys(shown.columns[1:], ".4f"))
    reasons = words("card.reasons", circular=MARKDOWN.link(words("card.circular"), CIRCULAR))
    return f"{words('card.importance')}\n\n{grid}\n\n{reasons}"


def _protected(data: ReportData) -> str:
    return _bullets(protected_lines(data, MARKDOWN)) or data.words("groups.nothing")


def _groups(data: ReportData) -> str:
    words, found = data.words, data.curves["fairness"]
    if not len(found):
        return words("groups.nothing")
    captions = {
        OUT_OF_FOLD: (words("groups.table.decisions"), words("groups.table.risk")),
        TEST: (words("groups.table.decisions_test"), words("groups.table.risk_test")),
    }
    parts = [
        _bullets(group_findings(found, words, data.schema, MARKDOWN)),
        words("groups.reading"),
    ]
    for sample, (decided_there, risk_there) in captions.items():
        if (found["sample"] == sample).any():
            for caption, shown in (
                (decided_there, decisions_table(found, sample, data)),
                (risk_there, risk_table(found, sample, data)),
            ):
                parts.append(f"{caption}:\n\n{markdown_grid(shown)}")
    parts.append(_bullets(group_notes(data, MARKDOWN)))
    return "\n\n".join(filter(None, parts))


def _scorecard(data: ReportData) -> str:
    if data.points.empty:
        return data.words("card.no_scorecard")
    return f"{points_words(data, MARKDOWN)} {data.words('card.points_file')}"


def _reproduce(data: ReportData) -> str:
    words, champion = data.words, data.champion
    versions = markdown(", ".join(f"{name} {v}" for name, v in champion.created_by.items()))
    lines = [
        words("card.model_hash", hash=markdown_code(champion.model_sha256)),
        words("card.data_hash", hash=markdown_code(champion.data_sha256)),
        words("card.lock"),
        words("card.commit"),
        words("card.versions", versions=versions),
    ]
    return f"{words('card.rebuild')}\n\n{_bullets(lines)}"


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)

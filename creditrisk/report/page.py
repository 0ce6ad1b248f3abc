"""The page of the report: the main results first, then the evidence for them."""

import pandas as pd

from creditrisk.evaluate.measure import BOOTSTRAP_DRAWS
from creditrisk.html.page import Block, Page, bullets, facts, text
from creditrisk.metrics.performance import NAMES
from creditrisk.report import card, made, scorecard, stability, tables
from creditrisk.report.data import ReportData
from creditrisk.report.grids import grid
from creditrisk.report.groups import groups_section
from creditrisk.report.language import PLAIN
from creditrisk.report.left_out import left_out
from creditrisk.report.performance import decisions, importance, probabilities, ranking
from creditrisk.report.refused import refused_section
from creditrisk.report.selection import choice
from creditrisk.report.validation import validation_sections
from creditrisk.report.verdict import bad_out_of_fold, cheapest, verdict

CODES_SHOWN = 10  # of the outcome; a longer list ends with dots


def build_page(data: ReportData) -> Page:
    """Build the page."""
    words, parts, champion = data.words, data.prepared["split"], data.champion
    page = Page(
        words("page.title", name=data.schema.name.replace("_", " ")),
        words(
            "page.subtitle",
            model=champion.label,
            train=f"{champion.training_rows:,}",
            test=f"{parts['test']['rows']:,}",
            bad=f"{parts['test']['bad']:,}",
        ),
        words.language,
    )
    page.section(words("page.verdict"), *_verdict(data))
    page.section(words("page.data"), *_data(data))
    page.section(words("page.choice"), *choice(data))
    page.section(words("page.metrics"), *_metrics(data))
    page.section(words("page.ranking"), *ranking(data))
    page.section(words("page.stability"), *stability.stability(data))
    page.section(words("page.probabilities"), *probabilities(data))
    page.section(words("page.decisions"), *decisions(data), *left_out(data))
    *validation, sign_off = validation_sections(data)  # the sign-off is the end of the page
    for heading, blocks in validation:
        page.section(heading, *blocks)
    page.section(words("page.importance"), *importance(data))
    page.section(words("page.groups"), *groups_section(data))
    page.section(words("page.refused"), *refused_section(data))
    page.section(words("page.scorecard"), *scorecard.points(data))
    page.section(words("page.use"), *_use(data))
    page.section(words("page.making"), *_making(data))
    page.section(sign_off[0], *sign_off[1])
    return page


def headline(data: ReportData) -> dict[str, str]:
    """Return the main results at the top of the page, label to value."""
    words, unit = data.words, data.unit
    test, base, found = data.metrics["test"], data.metrics["baselines"], data.metrics["decisions"]
    ci = test["ci"]
    counts = {name: f"{found[name]:,}" for name in ("accepted", "referred")}
    counts["rows"] = f"{data.prepared['split']['test']['rows']:,}"
    shown = {
        words("headline.champion"): data.champion.label,
        words("headline.accepted", **counts): words.number(found["approval_rate"], ".1%"),
    }
    if found["accepted"]:
        label = words(
            "headline.bad_accepted",
            bad=f"{found['bad_accepted']:,}",
            accepted=counts["accepted"],
            span=words.span(found["bad_rate_accepted_ci"], ".1%"),
        )
        shown[label] = words.number(found["bad_rate_accepted"], ".1%")
    if out_of_fold := bad_out_of_fold(data):
        shown[words("headline.bad_out_of_fold", **out_of_fold)] = out_of_fold["rate"]
    shown |= {
        words("headline.referred", **counts): words.number(found["referral_rate"], ".1%"),
        words("headline.cutoff"): words.number(data.metrics["threshold"], ".1%"),
        words("headline.cost", span=words.cost_span(ci["expected_cost"])): words.cost(
            base["champion"], unit
        ),
    }
    nested = data.selected.get("nested")
    if nested:
        se = words.cost(nested["se"]["expected_cost"], unit)
        cost = words.cost(nested["mean"]["expected_cost"], unit)
        shown[words("headline.nested_cost", se=se)] = cost
    name = cheapest(data)
    shown[words(f"headline.{name}")] = words.cost(base[name], unit)
    shown[words("headline.auc", span=words.span(ci["roc_auc"]))] = words.number(test["roc_auc"])
    if nested:
        se = words.number(nested["se"]["roc_auc"])
        shown[words("headline.nested", se=se)] = words.number(nested["mean"]["roc_auc"])
    return shown


def _verdict(data: ReportData) -> list[Block]:
    warning = [made.warning(data.warning, data.words)] if data.warning else []
    return [facts(headline(data)), bullets(warning + verdict(data))]


def _data(data: ReportData) -> list[Block]:
    words, prepared = data.words, data.prepared
    cells = tables.cells_table(prepared)
    rows = words(
        "data.rows",
        read=f"{prepared['rows_read']:,}",
        rejected=f"{prepared['rows_rejected']:,}",
        used=f"{prepared['rows_clean']:,}",
    )
    target = data.schema.target
    codes = words.listed([*target.bad[:CODES_SHOWN], *(["…"] if target.bad[CODES_SHOWN:] else [])])
    about = [words("data.about", description=data.schema.description.rstrip("."))]
    meaning = [
        *(about if data.schema.description else []),
        words("data.target", column=target.column, codes=codes),
    ]
    missing = words("data.missing", missing=f"{sum(prepared['missing'].values()):,}")
    rejected = tables.rejected_table(prepared, words)
    return [
        text(" ".join(meaning)),
        text(f"{rows} {missing}\n\n{stability.split_words(data)} {words('data.parts')}"),
        grid(words, tables.split_table(prepared, words), "data.split", {"bad_rate": ".1%"}),
        *([grid(words, rejected, "data.rejected")] if prepared["rows_rejected"] else []),
        bullets(_notes(data, cells)),
        grid(words, cells, "data.cells", collapsed=True),
    ]


def _notes(data: ReportData, cells: pd.DataFrame) -> list[str]:
    """List what was found in the data and is worth a look."""
    words, prepared = data.words, data.prepared
    causes = cells.drop(columns=["column", "valid"]).sum()
    counts = {cause: int(count) for cause, count in causes.items()}
    notes = [words(f"data.notes.{cause}", count=f"{n:,}") for cause, n in counts.items() if n]
    notes = notes or [words("data.notes.valid")]
    for name, count in (
        ("blank_lines", data.ingested["blank_lines"]),
        ("merged_cells", prepared["merged_cells"]),
        ("conflicts", prepared["twins"]["conflicting_targets"]),
        ("equal", prepared["equal_rows"]["together"]),
        ("by_chance", prepared["equal_rows"]["by_chance"]),
    ):
        if count:
            notes.append(words(f"data.notes.{name}", count=f"{count:,}"))
    if ignored := prepared["columns_ignored"]:
        notes.append(words("data.notes.ignored", names=", ".join(ignored)))
    return notes


def _use(data: ReportData) -> list[Block]:
    return [text(card.purpose(data, PLAIN)), bullets(card.limits(data, PLAIN))]


def _metrics(data: ReportData) -> list[Block]:
    words = data.words
    shown = tables.metrics_table(data.metrics, data.selected, words)
    meanings = pd.DataFrame(
        [(tables.metric(name, words), words(f"metrics.{name}.meaning")) for name in NAMES],
        columns=["metric", "meaning"],
    )
    said = [words("results.intervals", draws=f"{BOOTSTRAP_DRAWS:,}")]
    if data.unit:
        said.append(words("results.money", unit=data.unit))
    return [
        text(" ".join(said)),
        grid(words, shown, "results.table", dict.fromkeys(shown.columns[1:], ",.3f")),
        grid(words, meanings, "results.meanings", collapsed=True),
    ]


def _making(data: ReportData) -> list[Block]:
    rows = tables.making_table(data.champion, data.selected, data.decision, data.words)
    return [
        text(data.words("making.same")),
        grid(data.words, rows, "making.table", collapsed=False),
    ]

"""The report's section on the choice of the champion."""

from collections import Counter

from creditrisk.html.page import Block, figure, text
from creditrisk.metrics.performance import SCORING
from creditrisk.report import figures, tables
from creditrisk.report.data import ReportData
from creditrisk.report.grids import grid


def choice(data: ReportData) -> list[Block]:
    """Write the section: leaderboard, lead of the best model, plain and nested CV."""
    words, scoring = data.words, data.selected["scoring"]
    score = tables.scored(scoring, words)
    board = tables.board_table(data.board, scoring)
    forms = dict.fromkeys(board, ",.3f") | {"rank": "d"}
    return [
        text(
            " ".join(
                filter(
                    None,
                    [
                        _how(data, score),
                        _lead(data, score),
                        _cheaper(data, score),
                        sample_words(data),
                    ],
                )
            )
        ),
        figure(
            figures.leaderboard(words, data.board, data.champion.algorithm, score),
            words("selection.chart"),
            words("selection.chart_note", score=score),
        ),
        grid(words, board, "selection.board", forms, tables.board_headers(words)),
        text(_nested(data, score)),
    ]


def _how(data: ReportData, score: str) -> str:
    board, words = data.board, data.words
    rank = int(board.loc[board["algorithm"] == data.champion.algorithm, "rank"].iloc[0])
    shown = {"model": data.champion.label, "rank": str(rank), "count": str(len(board))}
    if data.selected["model"] != "auto":
        return words("selection.named", **shown)
    if len(board) == 1:
        return words("selection.only", **shown)
    if data.selected["rule"] != "best":
        return words("selection.simplest", score=score, **shown)
    return words("selection.best" if rank == 1 else "selection.ensemble", score=score, **shown)


def sample_words(data: ReportData) -> str:
    """Say which steps took a sample of the training rows; empty if none did."""
    words, rows = data.words, data.selected["rows"]
    said = []
    if rows["search"] < rows["train"]:
        some, every = (f"{rows[part]:,}" for part in ("search", "train"))
        said.append(words("selection.sample", some=some, all=every))
    if rows["fit"] < rows["train"]:
        ensemble = "members" in data.champion.params
        key = "selection.sample_member" if ensemble else "selection.sample_champion"
        said.append(words(key, rows=f"{rows['fit']:,}"))
    return " ".join(said)


def _lead(data: ReportData, score: str) -> str:
    pair, words, labels = data.selected.get("two_best"), data.words, data.labels
    if not pair:
        return ""
    return words(
        "selection.lead" if pair["more_than_luck"] else "selection.lead_luck",
        first=labels[pair["first"]],
        second=labels[pair["second"]],
        lead=words.number(pair["difference"], ".4f"),
        score=score,
        se=words.number(pair["se"], ".4f"),
    )


def _cheaper(data: ReportData, score: str) -> str:
    """Say which other model has a lower mean cost, if one has."""
    costs, words = data.board.set_index("algorithm")["expected_cost"], data.words
    own, lowest = costs[data.champion.algorithm], costs.idxmin()
    if not costs[lowest] < own:
        return ""
    return words(
        "selection.cheaper",
        other=data.labels[lowest],
        cost=words.cost(costs[lowest], data.unit),
        own=words.cost(own, data.unit),
        model=data.champion.label,
        score=score,
    )


def _nested(data: ReportData, score: str) -> str:
    nested, words = data.selected.get("nested"), data.words
    if not nested:
        return words("selection.no_nested", score=score)
    counts, folds = Counter(nested["chosen"]), str(len(nested["chosen"]))
    if data.selected["model"] == "auto":
        chosen = ", ".join(f"{data.labels[name]} ({n})" for name, n in counts.items())
        said = words("selection.nested_auto", folds=folds, chosen=chosen)
    else:
        model = data.labels[data.selected["algorithm"]]
        said = words("selection.nested_named", folds=folds, model=model)
    name = SCORING[data.selected["scoring"]][0]
    optimism = data.selected["optimism"][name]
    key = "selection.optimism" if (optimism or 0) > 0 else "selection.optimism_none"
    return f"{said} " + words(
        key,
        score=score,
        plain=words.number(data.selected["cv"][name], ".4f"),
        nested=words.number(nested["mean"][name], ".4f"),
        optimism=words.number(optimism, ".4f"),
        section=words("results.table.caption"),
    )

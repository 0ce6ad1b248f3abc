"""The report's section on the choice of the champion."""

from collections import Counter

from creditrisk.html.page import Block, figure, table, text
from creditrisk.report import figures, tables
from creditrisk.report.data import ReportData
from creditrisk.report.tables import number, scored


def choice(data: ReportData) -> list[Block]:
    """Write the section: leaderboard, lead of the best model, plain and nested CV."""
    score = scored(data.selected["scoring"])
    board = tables.board_table(data.board, data.selected["scoring"])
    forms = dict.fromkeys(board, ",.3f") | {"rank": "d"}
    return [
        text(" ".join(filter(None, [_how(data, score), _lead(data, score), sample_words(data)]))),
        figure(
            figures.leaderboard(data.board, data.champion.algorithm, f"mean CV {score}"),
            "Leaderboard",
            f"The mean {score} of each model over the folds, with one standard error to each side, "
            "best on top. The standard errors allow for folds that share training rows (Nadeau and "
            "Bengio 2003). All models have the same folds, so the difference between two models is "
            "more certain than their bars suggest.",
        ),
        table(board, "Means over the folds and their standard errors (SE)", forms),
        *_nested(data, score),
    ]


def _how(data: ReportData, score: str) -> str:
    board, winner = data.board, data.champion.label
    rank = int(board.loc[board["algorithm"] == data.champion.algorithm, "rank"].iloc[0])
    if data.selected["model"] != "auto":
        return (
            f"params.yaml names the model ({winner}), so it was not chosen by its score. By its "
            f"score it ranks {rank} of {len(board)}."
        )
    if len(board) == 1:
        return f"There was only one model ({winner}), so there was nothing to choose."
    if data.selected["rule"] == "best" and rank == 1:
        return f"The {winner} has the best mean {score} of {len(board)} models."
    if data.selected["rule"] == "best":
        return (
            f"By its mean {score} the {winner} ranks {rank} of {len(board)} models, less than one "
            "standard error behind the first. It was chosen because it is an ensemble, while the "
            "best of many single models looks better than it is."
        )
    return (
        f"Of {len(board)} models, the {winner} is the simplest whose mean {score} is within one "
        f"standard error of the best; it ranks {rank}."
    )


def sample_words(data: ReportData) -> str:
    """Say which steps took a sample of the training rows; empty if none did."""
    rows = data.selected["rows"]
    words = []
    if rows["search"] < rows["train"]:
        words.append(
            f"Hyperparameters were searched, and the nested estimate was made, on a stratified "
            f"sample of {rows['search']:,} of the {rows['train']:,} training rows; the "
            "other CV and test figures are of all rows."
        )
    if rows["fit"] < rows["train"]:
        ensemble = "members" in data.champion.params
        who = "A member of the champion" if ensemble else "The champion"
        words.append(f"{who} is fitted on a sample of {rows['fit']:,} rows.")
    return " ".join(words)


def _lead(data: ReportData, score: str) -> str:
    pair = data.selected.get("two_best")
    if not pair:
        return ""
    luck = (
        "more than two standard errors, so it is more than luck"
        if pair["more_than_luck"]
        else "less than two standard errors, so it could be luck"
    )
    labels = data.labels
    return (
        f"On the same folds the lead of {labels[pair['first']]} over {labels[pair['second']]} is "
        f"{number(pair['difference'], '.4f')} in {score}, with a standard error of "
        f"{number(pair['se'], '.4f')}: {luck}."
    )


def _nested(data: ReportData, score: str) -> list[Block]:
    nested = data.selected.get("nested")
    if not nested:
        return [
            text(
                "No nested estimate was made (train.nested is false), so it is unknown by how "
                f"much the mean CV {score} of the champion is too optimistic."
            )
        ]
    counts, folds = Counter(nested["chosen"]), len(nested["chosen"])
    chosen = ", ".join(f"{data.labels[name]} ({n})" for name, n in counts.items())
    model = data.labels[data.selected["algorithm"]]
    auto = data.selected["model"] == "auto"
    steps = f"search, calibration, {'choice, ' if auto else ''}cut-off"
    frame = tables.nested_table(data.selected)
    return [
        text(
            "The score by which a model was chosen is too optimistic. Nested cross-validation "
            f"repeats the whole procedure ({steps}) and measures it on rows that it has not used. "
            + (
                f"In its {folds} outer folds it chose {chosen}."
                if auto
                else f"In all {folds} outer folds the model is the {model}, as params.yaml asks."
            )
        ),
        table(
            frame,
            "Plain against nested cross-validation, and by how much the plain one is optimistic",
            dict.fromkeys(frame.columns[1:], ",.3f"),
        ),
    ]

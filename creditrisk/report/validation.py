"""The report's sections for the validator: grades, separation, strategy, stability, sensitivity.

Every number comes from a frame that is also written as CSV, or from metrics/evaluate.json: the
tables select columns and lines, and compute nothing.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from creditrisk.champion.grades import MIN_OUTCOMES, MIN_SHARE
from creditrisk.evaluate.grades import RED_P, YELLOW_P
from creditrisk.evaluate.sensitivity import COST_RATIO, ODDS
from creditrisk.evaluate.strategy import in_use
from creditrisk.evaluate.swap import COMPARED
from creditrisk.evaluate.validation import OUT_OF_FOLD, SAMPLES, TEST
from creditrisk.html.page import Block, figure, table, text
from creditrisk.report import validation_figures as figures
from creditrisk.report.answers import swap_words
from creditrisk.report.data import ReportData

# How the columns of the frames are shown.
FORMATS = {
    **dict.fromkeys(
        ("low", "high", "expected", "observed", "observed_low", "observed_high"), ".1%"
    ),
    **dict.fromkeys(("threshold", "approval_rate", "approval_kept", "bad_rate", "mean_pd"), ".1%"),
    **dict.fromkeys(
        ("bad_rate_approved", "bad_rate_approved_low", "bad_rate_approved_high"), ".1%"
    ),
    **dict.fromkeys(("bad_rate_low", "bad_rate_high", "bad_rate_kept", "bad_rate_moved"), ".1%"),
    **dict.fromkeys(("expected_loss", "observed_loss", "profit", "loss_kept", "statistic"), ",.1f"),
    **dict.fromkeys(("p_binomial", "p", "roc_auc", "ks", "brier"), ".3f"),
    **dict.fromkeys(("expected_cost", "cost_kept", "cost_moved"), ",.3f"),
    "cumulative_bad": ".1%",
    "lift": ".2f",
}
_GRADES = ("grade", "light", "low", "high", "rows", "bad", "expected", "observed", "observed_low",
           "observed_high", "p_binomial")  # fmt: skip
_LOSSES = ("expected_loss", "observed_loss")
_GAINS = ("decile", "rows", "bad", "bad_rate", "mean_pd", "cumulative_bad", "lift")
_STRATEGY = ("threshold", "approved", "approval_rate", "bad_approved", "bad_rate_approved",
             "bad_rate_approved_low", "bad_rate_approved_high", "expected_loss", "profit",
             "expected_cost")  # fmt: skip
_FOLDS = ("repeat", "fold", "rows", "bad", "roc_auc", "ks", "brier", "expected_cost",
          "approval_rate", "bad_rate_approved")  # fmt: skip
_SWAP = ("old", "new", "rows", "bad", "bad_rate", "bad_rate_low", "bad_rate_high")
_COST_RATIO = ("sample", "value", "threshold", "approval_rate", "bad_rate_moved", "changed",
               "cost_kept", "cost_moved")  # fmt: skip
_ODDS = ("sample", "value", "approval_kept", "bad_rate_kept", "loss_kept", "cost_kept", "changed",
         "approval_rate", "cost_moved")  # fmt: skip
_TEXTS = ("sample", "light", "old", "new")  # columns whose values have words in the catalogue

Section = tuple[str, list[Block]]


def validation_sections(data: ReportData) -> list[Section]:
    """Write the sections, each with its heading; the block to sign is the last."""
    parts = {
        "strategy": strategy(data),
        "grades": grades(data),
        "separation": separation(data),
        "folds": folds(data),
        "swap": swap(data),
        "sensitivity": sensitivity(data),
        "sign_off": sign_off(data),
    }
    return [(data.words(f"validation.{name}.heading"), blocks) for name, blocks in parts.items()]


def strategy(data: ReportData) -> list[Block]:
    """Write how many of the accepted go bad, at the cut-off in use and at others."""
    words, frame = data.words, data.curves["strategy"]
    sentences = [approved_words(data, name) for name in (TEST, OUT_OF_FOLD)]
    amounts = "amounts" if data.decision.amount_column else "matrix"
    unit = words("validation.strategy.unit", unit=data.unit) if data.unit else ""
    now = pd.concat([_of(frame[frame["in_use"]], name) for name in (TEST, OUT_OF_FOLD)])
    return [
        text(" ".join(sentences)),
        table(*_shown(data, now, ("sample", *_STRATEGY, "referred"), "strategy.table")),
        figure(
            figures.approvals(frame, words),
            words("validation.strategy.chart"),
            words("validation.strategy.note"),
        ),
        text(f"{words(f'validation.strategy.{amounts}')} {unit}"),
        *(
            table(
                *_shown(data, _of(frame, name), _STRATEGY, f"strategy.all_{name}"), collapsed=True
            )
            for name in SAMPLES
        ),
    ]


def approved_words(data: ReportData, sample: str) -> str:
    """Say in a sentence or two how many are accepted, and how many of these went bad."""
    line, words = in_use(data.curves["strategy"], sample), data.words
    counts = {name: f"{line[name]:,}" for name in ("rows", "approved", "bad_approved", "referred")}
    found = words(
        f"validation.strategy.{'approved' if line['approved'] else 'nobody'}_{sample}",
        rate=f"{line['bad_rate_approved']:.1%}",
        span=words(
            "common.span",
            low=f"{line['bad_rate_approved_low']:.1%}",
            high=f"{line['bad_rate_approved_high']:.1%}",
        ),
        **counts,
    )
    if line["referred"]:
        found += " " + words("validation.strategy.referred", **counts)
    return found


def grades(data: ReportData) -> list[Block]:
    """Write the grades against their outcomes, with the tests of their PDs."""
    words, frame = data.words, data.curves["grades"]
    columns = (*_GRADES, *_LOSSES) if data.decision.amount_column else _GRADES
    tests = pd.DataFrame(
        {"sample": name} | data.metrics["hosmer_lemeshow"][name] for name in SAMPLES
    )
    # Without a degree of freedom there is no p; as a number it is shown as a dash.
    tests["p"] = tests["p"].astype("float64")
    return [
        text(
            words("validation.grades.reading", share=f"{MIN_SHARE:.0%}", least=f"{MIN_OUTCOMES:,}")
        ),
        figure(
            figures.grades(frame, words),
            words("validation.grades.chart"),
            words("validation.grades.note"),
        ),
        *(
            table(*_shown(data, _of(frame, name), columns, f"grades.{name}"))
            for name in (TEST, OUT_OF_FOLD)
        ),
        *([text(" ".join(said))] if (said := [*_divided(data), *_falls(data)]) else []),
        text(words("validation.grades.tests", yellow=f"{YELLOW_P:.2f}", red=f"{RED_P:.2f}")),
        text(words("validation.grades.tests_together")),
        table(
            *_shown(data, tests, ("sample", "grades", "statistic", "df", "p"), "grades.together")
        ),
    ]


def _divided(data: ReportData) -> list[str]:
    """Say which grade the cut-off divides."""
    words, cutoff = data.words, data.metrics["threshold"]
    test = _of(data.curves["grades"], TEST)
    inside = test[(test["low"] < cutoff) & (cutoff < test["high"])]
    shown = words.number(cutoff, ".1%")
    return [words("validation.grades.divided", cutoff=shown, grade=g) for g in inside["grade"]]


def _falls(data: ReportData) -> list[str]:
    """Say where a riskier grade has a lower bad rate, in each sample."""
    words, said = data.words, []
    for name in (TEST, OUT_OF_FOLD):
        lines = _of(data.curves["grades"], name).dropna(subset="observed").to_dict("records")
        pairs = [(a, b) for a, b in pairwise(lines) if b["observed"] < a["observed"]]
        if pairs:
            apart = any(b["observed_high"] < a["observed_low"] for a, b in pairs)
            named = [
                words("validation.grades.pair", first=a["grade"], second=b["grade"])
                for a, b in pairs
            ]
            chance = words(f"validation.grades.{'no_chance' if apart else 'chance'}")
            found = {"pairs": words.listed(named), "chance": chance}
            said.append(words(f"validation.grades.falls_{name}", **found))
    return said


def separation(data: ReportData) -> list[Block]:
    """Write the KS and CAP curves, and the gains by decile."""
    words, test, frame = data.words, data.metrics["test"], data.curves["gains"]
    at = data.curves["ks"].query("ks").iloc[0]
    return [
        figure(
            figures.ks(data.curves["ks"], words),
            words("validation.ks.chart", **_estimate(data, "ks"), pd=f"{at['pd']:.1%}"),
            words("validation.ks.note", good=f"{at['good']:.1%}", bad=f"{at['bad']:.1%}"),
        ),
        figure(
            figures.cap(data.curves["cap"], words),
            words("validation.cap.chart", **_estimate(data, "gini")),
            words("validation.cap.note", auc=f"{test['roc_auc']:.3f}"),
        ),
        table(*_shown(data, _of(frame, TEST), _GAINS, "gains.test")),
        table(*_shown(data, _of(frame, OUT_OF_FOLD), _GAINS, "gains.out_of_fold"), collapsed=True),
    ]


def folds(data: ReportData) -> list[Block]:
    """Write how much the results differ from fold to fold."""
    words, frame = data.words, data.curves["folds"]
    mean = data.metrics["cv"]["roc_auc"]
    return [
        figure(
            figures.folds(frame, mean, words),
            words("validation.folds.chart", mean=f"{mean:.3f}"),
            words("validation.folds.note"),
        ),
        table(*_shown(data, frame, _FOLDS, "folds.table"), collapsed=True),
    ]


def swap(data: ReportData) -> list[Block]:
    """Write who gets another decision than from the former champion and from the scorecard."""
    words, frame = data.words, data.curves["swap"]
    blocks: list[Block] = [text(words("validation.swap.reading"))]
    for name, found in data.metrics["swap"].items():
        blocks.append(text(swap_words(data, name)))
        if found == COMPARED:
            part = frame[frame["against"] == name]
            blocks.append(table(*_shown(data, part, _SWAP, f"swap.title.{name}")))
    return blocks


def sensitivity(data: ReportData) -> list[Block]:
    """Write what another cost ratio, or a worse economy, would mean."""
    words, frame = data.words, data.curves["sensitivity"]
    ratios, odds = (frame[frame["scenario"] == name] for name in (COST_RATIO, ODDS))
    worse = odds.loc[~odds["in_use"], "value"].iloc[0]
    theory = "theory" if data.decision.threshold == "theory" else "oof"
    return [
        text(words(f"validation.ratio.reading_{theory}")),
        table(*_shown(data, ratios, _COST_RATIO, "ratio.table")),
        text(words("validation.odds.reading", odds=f"{worse:.3g}")),
        table(*_shown(data, odds, _ODDS, "odds.table")),
    ]


def sign_off(data: ReportData) -> list[Block]:
    """Write the empty lines on which the validation is signed."""
    words = data.words
    steps = [words(f"validation.sign_off.{step}") for step in ("prepared", "validated", "approved")]
    signatures = {words("validation.sign_off.step"): steps} | {
        words(f"validation.sign_off.{name}"): [""] * len(steps)
        for name in ("name", "decision", "date", "signature")
    }
    conditions = {words("validation.sign_off.number"): ["1", "2", "3"]} | {
        words(f"validation.sign_off.{name}"): [""] * 3 for name in ("condition", "who", "until")
    }
    differences = {words("validation.sign_off.groups"): [""]}
    return [
        text(
            words(
                "validation.sign_off.reading",
                hash=data.champion.model_sha256,
                cutoff=words.number(data.metrics["threshold"], ".1%"),
            )
        ),
        table(pd.DataFrame(signatures), words("validation.sign_off.signatures")),
        table(pd.DataFrame(conditions), words("validation.sign_off.conditions")),
        table(pd.DataFrame(differences), words("validation.sign_off.differences")),
    ]


def _shown(
    data: ReportData, frame: pd.DataFrame, columns: tuple[str, ...], name: str
) -> tuple[pd.DataFrame, str, dict[str, str]]:
    """Choose columns of a frame, and put their names and words into the report's language.

    Returns:
        The first arguments of `page.table`: frame, caption, formats.
    """
    words = data.words
    shown, group = frame[list(columns)].copy(), name.split(".")[0]
    for column in set(columns) & set(_TEXTS):
        shown[column] = [_unbroken(words(f"validation.value.{v}")) for v in shown[column]]
    if "value" in columns:
        shown["value"] = _values(data, frame)
    headers = {column: _header(data, column, group) for column in columns}
    formats = {headers[column]: FORMATS[column] for column in columns if column in FORMATS}
    return shown.rename(columns=headers), words(f"validation.{name}"), formats


def _header(data: ReportData, column: str, group: str) -> str:
    """Return the header of a column: that of the section, if it has one of its own."""
    own = f"validation.{group}.column.{column}"
    return data.words(own if own in data.words.texts else f"validation.column.{column}")


def _values(data: ReportData, frame: pd.DataFrame) -> list[str]:
    """Write the values of the scenarios, and mark those of today."""
    lines = zip(frame["scenario"], frame["value"], frame["in_use"], strict=True)
    return [
        _unbroken(
            data.words(f"validation.{name}.{'now' if now else 'other'}", value=f"{value:.3g}")
        )
        for name, value, now in lines
    ]


def _unbroken(words: str) -> str:
    """Keep the words of a cell on one line."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def _of(frame: pd.DataFrame, sample: str) -> pd.DataFrame:
    return frame[frame["sample"] == sample]


def _estimate(data: ReportData, name: str) -> Mapping[str, Any]:
    """A metric on the test rows and its interval, formatted."""
    test = data.metrics["test"]
    low, high = test["ci"][name]
    span = data.words("common.span", low=f"{low:.3f}", high=f"{high:.3f}")
    return {"value": f"{test[name]:.3f}", "span": span}

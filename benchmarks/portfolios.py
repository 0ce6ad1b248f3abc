"""Compare our algorithms with published results, and with CatBoost and LightGBM side by side.

    python -m benchmarks.portfolios                               # the default data
    python -m benchmarks.portfolios --portfolio hmeq hmeq.csv data/schema/hmeq.yaml --repeats 1

The protocol is that of the published table: the whole file in 3 stratified folds. In each fold our
algorithms are searched and calibrated on the training part alone, in folds of its own. The rows are
parsed and cleaned as `prepare` does; caps and merged levels are learned from the training part.
CatBoost and LightGBM have their defaults, the same rows, nominal columns as they are, and missing
numbers as they are. Gains over CatBoost's defaults are paired by fold; standard errors are the
plain ones of the paired differences, and those of Nadeau and Bengio 2003 for repeated folds.

Take care what the rows mean: the authors of the default grids have seen results on the default
data, and CatBoost runs only where it is installed. Time is not measured.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.predecessor import Params, our_parts
from creditrisk.core.cli import run
from creditrisk.core.files import write_csv, write_text
from creditrisk.core.params import Strict, read_params
from creditrisk.eda.adjust import EdaParams, apply, learn
from creditrisk.featurize import FeaturizeParams, derive, manifest
from creditrisk.ingest.params import DataParams
from creditrisk.ingest.table import read_source
from creditrisk.metrics.costs import Sample
from creditrisk.metrics.intervals import fold_error
from creditrisk.metrics.performance import compute_metrics
from creditrisk.modeling.folds import Fold, make_folds
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.clean import prepare
from creditrisk.prepare.params import PrepareParams, SplitParams
from creditrisk.schema import Schema, load_schema

FOLDS, BENCHMARK_SEED = 3, 3000
BASE = "CatBoost, defaults"
# Mean AUC and Brier over 3 folds. Source: Baesens, Lessmann et al. 2026, "Foundation Models for
# Credit Risk Prediction: A Game Changer?", repository andreasgoethals/TabPFNCredit.
PUBLISHED = {
    "german credit": {"CatBoost": (0.8035, 0.158), "TabPFN": (0.795, 0.163),
                      "random forest": (0.796, 0.163)},
    "hmeq": {"TabPFN": (0.991, 0.028), "CatBoost, tuned": (0.969, 0.057),
             "random forest": (0.959, 0.064), "XGBoost": (0.949, np.nan)},
    "taiwan": {"CatBoost, tuned": (0.783, 0.134), "TabPFN": (0.781, np.nan)},
    "give me some credit": {"CatBoost, tuned": (0.859, 0.050), "LightGBM": (0.856, np.nan),
                            "random forest": (0.856, np.nan)},
}  # fmt: skip


class More(Strict):
    """What the benchmark reads of params.yaml beside what `our_parts` needs."""

    data: DataParams
    prepare: PrepareParams
    eda: EdaParams
    featurize: FeaturizeParams


def clean_rows(source: str, schema: Schema, more: More, seed: int) -> pd.DataFrame:
    """Read a portfolio and prepare it; the split is not used."""
    data = more.data.model_copy(update={"source": source})
    raw = read_source(source, data, schema).frame
    notation = Notation.of(data.decimal, data.thousands, more.prepare.null_words)
    return prepare(raw, schema, notation, more.prepare, SplitParams(test_size=0.2), seed).clean


def featurized(
    inside: pd.DataFrame, outside: pd.DataFrame, schema: Schema, more: More
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Do what eda and featurize do, learned from the training part alone."""
    adjustments = learn(inside, schema, more.eda)
    inside, outside = (apply(part, adjustments) for part in (inside, outside))
    features = manifest(schema, more.featurize, inside)
    return derive(inside, features["derived"]), derive(outside, features["derived"]), features


def defaults(
    inside: pd.DataFrame, outside: pd.DataFrame, features: dict[str, Any], seed: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Fit CatBoost, if it is installed, and LightGBM with their defaults; yield names and PDs."""
    texts = [*features["nominal"], *features["ordinal"]]
    columns = [*features["numeric"], *texts]
    bad = inside["bad"].to_numpy()
    if find_spec("catboost"):
        from catboost import CatBoostClassifier

        plain = [
            part[columns].assign(**{n: part[n].astype(object).fillna("missing") for n in texts})
            for part in (inside, outside)
        ]
        model = CatBoostClassifier(
            cat_features=texts, random_seed=seed, verbose=0, allow_writing_files=False
        )
        yield BASE, np.asarray(model.fit(plain[0], bad).predict_proba(plain[1]))[:, 1]
    from lightgbm import LGBMClassifier

    levels = {n: pd.CategoricalDtype(sorted(inside[n].dropna().unique())) for n in texts}
    coded = [part[columns].astype(levels) for part in (inside, outside)]
    model = LGBMClassifier(random_state=seed, verbose=-1, deterministic=True, force_row_wise=True)
    pds: Any = model.fit(coded[0], bad).predict_proba(coded[1])
    yield "LightGBM, defaults", pds[:, 1]


def compete(
    name: str, frame: pd.DataFrame, schema: Schema, params: Params, more: More, folds: list[Fold]
) -> Iterator[dict[str, Any]]:
    """Measure every algorithm in every fold.

    Yields:
        `portfolio`, `side`, `repeat`, `fold`, and the metrics.
    """
    for fold in folds:
        inside = frame.iloc[fold.train].reset_index(drop=True)
        outside = frame.iloc[fold.test].sort_values("row_id", ignore_index=True)
        inside, outside, features = featurized(inside, outside, schema, more)
        parts = our_parts(params, features, inside, outside)
        pds = {side: part["outer"]["pd"].to_numpy() for side, part in parts.items()}
        pds |= dict(defaults(inside, outside, features, params.seed))
        bad = outside["bad"].to_numpy()
        for side, values in pds.items():
            key = {"portfolio": name, "side": side, "repeat": fold.repeat, "fold": fold.fold}
            yield key | compute_metrics(Sample(bad, values))
        print(f"{name}: fold {fold.fold + 1} of repeat {fold.repeat + 1}", file=sys.stderr)


def in_words(results: pd.DataFrame) -> str:
    """Write a table per portfolio as Markdown."""
    lines = []
    for name, part in results.groupby("portfolio", sort=False):
        folds, repeats = part["fold"].nunique(), part["repeat"].nunique()
        lines += [
            f"## {name}", "", f"{folds} folds x {repeats}. Gains over {BASE}: mean, standard error "
            "(plain; Nadeau and Bengio).", "",
            "| | AUC | Brier | gain in AUC | gain in Brier |", "|---|---|---|---|---|",
        ]  # fmt: skip
        by_side = {s: p.set_index(["repeat", "fold"]) for s, p in part.groupby("side", sort=False)}
        ranked = sorted(by_side, key=lambda side: -by_side[side]["roc_auc"].mean())
        for side in ranked:
            own = by_side[side]
            cells = [f"{own['roc_auc'].mean():.4f}", f"{own['brier'].mean():.4f}"]
            cells += ["", ""] if BASE not in by_side or side == BASE else [
                _gain(sign * (own[metric] - by_side[BASE][metric]).to_numpy(), folds)
                for metric, sign in (("roc_auc", 1), ("brier", -1))
            ]  # fmt: skip
            lines.append(f"| {side} | {' | '.join(cells)} |")
        for side, (auc, brier) in PUBLISHED.get(str(name), {}).items():
            shown = "" if np.isnan(brier) else f"{brier:.3f}"
            lines.append(f"| published: {side} | {auc:.4g} | {shown} | | |")
        lines.append("")
    return "\n".join(lines)


def _gain(gains: np.ndarray, folds: int) -> str:
    plain = gains.std(ddof=1) / np.sqrt(len(gains))
    return f"{gains.mean():+.4f} ({plain:.4f}; {fold_error(gains, folds):.4f})"


def main() -> None:
    """Run the benchmark, print the tables, and write them to `--output`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--params", type=Path, default="params.yaml")
    parser.add_argument(
        "--portfolio", nargs=3, action="append", default=[], metavar=("NAME", "FILE", "SCHEMA"),
        help="another file, with the notation of params.yaml; several are possible",
    )  # fmt: skip
    parser.add_argument("--only", action="store_true", help="leave the default data out")
    parser.add_argument("--rows", type=int, help="take a random sample of so many rows")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--output", type=Path, help="NAME.md, and NAME.csv with a row per fold")
    args = parser.parse_args()
    params = read_params(args.params, Params)
    more = read_params(args.params, More)
    files = [("german credit", more.data.source, more.data.schema_)] * (not args.only)
    results = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, source, path in [*files, *args.portfolio]:
            schema = load_schema(path)
            frame = clean_rows(source, schema, more, params.seed)
            if args.rows and args.rows < len(frame):
                frame = frame.sample(args.rows, random_state=params.seed).sort_values("row_id")
                frame = frame.reset_index(drop=True)
            bad, applicant = frame["bad"].to_numpy(), frame["applicant"].to_numpy()
            folds = make_folds(bad, applicant, FOLDS, args.repeats, params.seed + BENCHMARK_SEED)
            results += list(compete(name, frame, schema, params, more, folds))
    table = pd.DataFrame(results)
    text = in_words(table)
    print(text)
    if args.output:
        write_text(text, args.output)
        write_csv(table, args.output.with_suffix(".csv"))


if __name__ == "__main__":
    run(main)

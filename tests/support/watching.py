"""A champion with its reference, windows drawn from the default data, and batches of them."""

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from creditrisk.champion.grades import GradesParams
from creditrisk.champion.groups import Bins, FairnessParams
from creditrisk.champion.reference import Promise, Reference, make_reference
from creditrisk.core.columns import keep_originals
from creditrisk.core.files import write_json
from creditrisk.modeling.folds import make_folds
from creditrisk.modeling.persistence import sha256
from creditrisk.monitor.batches import CELL, Facts
from creditrisk.monitor.counts import Counted, count_batch
from creditrisk.monitor.judge import Verdict, judge
from creditrisk.monitor.params import MonitorParams
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.parse import parse
from creditrisk.score.load_champion import Champion
from creditrisk.score.scorer import Scorer
from creditrisk.train.out_of_fold import out_of_fold
from tests.support.champions import (
    KINDS,
    THRESHOLD,
    columns,
    described,
    model,
    part,
    pipeline,
    project,
    record,
    rows,
)
from tests.support.defects import ROOT
from tests.support.small_data import DEFAULT, DEFAULT_CSV

PARAMS = MonitorParams()
FAIRNESS = FairnessParams(age=Bins(bins=[25, 60]), foreign_worker="levels")
PROMISED = Promise(source="cv", roc_auc=0.78, roc_auc_se=0.02, brier=0.17, brier_se=0.01)


@cache
def oof(kind: str = "lr") -> pd.DataFrame:
    """Out-of-fold PDs of the training rows, as train writes them."""
    train = part("train")
    bad = train["bad"].to_numpy()
    folds = make_folds(bad, train["applicant"].to_numpy(), 5, 2, 42)
    candidate, _ = KINDS[kind]
    blank = pipeline(kind.split()[0], candidate, rows()[1])
    lines, _ = out_of_fold(blank, train[columns()], bad, folds)
    row_id = train["row_id"].to_numpy()[lines["position"]]
    return lines.assign(row_id=row_id, pd=lines["probability"])


@cache
def reference(kind: str = "lr", model_sha256: str = "0" * 64) -> Reference:
    """What select would write beside the champion."""
    return make_reference(
        training_rows(), oof(kind), DEFAULT, {}, FAIRNESS,
        np.zeros(len(oof(kind)), dtype=bool), GradesParams(),
        threshold=THRESHOLD, model_sha256=model_sha256, promised=PROMISED,
    )  # fmt: skip


def training_rows() -> pd.DataFrame:
    """The training rows with the values that eda adjusted, as train.parquet has them."""
    train, (_, _, adjustments) = part("train"), rows()
    cells, _ = parse(raw(), DEFAULT, Notation.of(".", ",", []))
    stated = cells.iloc[train["row_id"].to_numpy() - 1].reset_index(drop=True)
    return keep_originals(train, stated, adjustments["caps"])


@cache
def scorer(kind: str = "lr") -> Scorer:
    return Scorer(Champion(model(kind), described(kind)), Notation.of(".", ",", ["?", "na"]))


def raw() -> pd.DataFrame:
    """The default applicants as text, without their outcomes."""
    return pd.read_csv(DEFAULT_CSV, dtype=str).drop(columns="kredit")


def window(count: int, seed: int) -> pd.DataFrame:
    """Applicants that are drawn from the default data with replacement: no drift."""
    return raw().sample(count, replace=True, random_state=seed).reset_index(drop=True)


def as_rows(applicants: pd.DataFrame, **more: object) -> pd.DataFrame:
    """Applicants as the ledger holds them."""
    cells = applicants.add_prefix(CELL).reset_index(drop=True).astype("str")
    nothing = pd.Series(pd.NA, cells.index, dtype="str")
    own = {"row_id": np.arange(1, len(cells) + 1), "malformed": nothing, "id": nothing,
           "day": nothing} | more  # fmt: skip
    return pd.concat([pd.DataFrame(own, index=cells.index), cells], axis=1)


def facts(number: int = 1, **more: object) -> Facts:
    given = {"number": number, "name": f"{number}.csv", "sha256": f"{number:064}",
             "kind": "applicants", "form": "csv", "day": "2026-01-05", "rows": 1,
             "rejected": 0} | more  # fmt: skip
    return Facts.model_validate(given)


def counted(applicants: pd.DataFrame, **more: object) -> Counted:
    return count_batch(as_rows(applicants), facts(**more), scorer(), reference())[0]


def judged(applicants: pd.DataFrame) -> Verdict:
    return judge(counted(applicants), reference(), PARAMS)


def watched_project(folder: Path, kind: str = "lr") -> Path:
    """A project in which `receive` and `monitor` run: a champion, its reference, the schema."""
    project(folder, kind)
    digest = sha256((folder / "models/champion.joblib").read_bytes())
    found = reference(kind, digest)
    write_json(found.model_dump(), folder / "models/reference.json")
    record(folder)
    (folder / "data").mkdir()
    shutil.copytree(ROOT / "data/schema", folder / "data/schema")
    (folder / "data/incoming").mkdir()
    return folder

"""Columns for audit only: optional wherever applicants are scored, and without effect."""

import json

import numpy as np
import pandas as pd
import pytest

from creditrisk.champion.grades import GradesParams
from creditrisk.champion.groups import FairnessParams
from creditrisk.champion.reference import Promise, make_reference
from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.header import find_columns
from creditrisk.ingest.params import DataParams
from creditrisk.monitor.arrival import read_arrival
from creditrisk.monitor.counts import count_batch
from creditrisk.score.api import ChampionModel
from creditrisk.score.audit import audit_cells
from creditrisk.score.counts import Counts
from creditrisk.score.mlflow_model import ServedChampion
from creditrisk.serve.form import FormPage
from tests.support.audited import CODE, NOTATION, featured, prepared, raw, schema, scorer
from tests.support.champions import THRESHOLD
from tests.support.watching import as_rows, facts

DATA = DataParams(source="x.csv", schema_="x.yaml")
BY = FairnessParams.model_validate({"age": {"bins": [25, 60]}, "foreign_worker": "levels"})


def applicants(count=30):
    return raw().head(count)


def texts(frame):
    return {name: frame[name].to_numpy(dtype=object) for name in frame}


def without(frame):
    return frame.drop(columns=["alter", "gastarb"])


def changed(frame):
    return frame.assign(alter="99", gastarb="no level")


@pytest.mark.parametrize("other", [without, changed], ids=["left out", "other values"])
def test_two_rows_that_differ_only_in_it_are_judged_alike(other):
    frame = applicants()
    one, two = scorer().judge(texts(frame)), scorer().judge(texts(other(frame)))
    assert (one.pd == two.pd).all()
    assert (one.decisions == two.decisions).all()
    assert one.missing.keys() == two.missing.keys()
    assert not {"age", "foreign_worker"} & one.missing.keys()
    assert [r.rows.tolist() for r in one.referrals] == [r.rows.tolist() for r in two.referrals]


def test_a_row_of_which_nothing_else_can_be_read_is_not_scored():
    nothing = applicants(1).map(lambda _: None).assign(alter="30", gastarb="1")
    assert not scorer().judge(texts(nothing)).readable.any()


@pytest.mark.parametrize("other", [without, changed, lambda frame: frame])
def test_a_file_may_have_it_or_not(tmp_path, other):
    path = tmp_path / "new.csv"
    other(applicants()).to_csv(path, index=False)
    batches = list(read_batches(path, DATA, schema(), 1000))
    scored = scorer().score(pd.concat(batches))
    counts = Counts(schema())
    counts.add(scored)
    counts.check("new.csv", 0.01)
    assert counts.warnings(0.01) == []
    assert scored.rows["missing"].isna().all()
    assert (scored.rows["pd"] == scorer().judge(texts(applicants())).pd).all()


def test_the_training_file_must_have_it():
    header = [*without(raw()), "kredit"]
    with pytest.raises(InputError, match="no column alter, gastarb"):
        find_columns("x.csv", header, schema())
    assert set(find_columns("x.csv", header, schema(), with_target=False)) == {*without(raw())}


def test_python_takes_it_and_ignores_it():
    champion = ChampionModel(scorer().champion, DATA, [])
    frame = applicants(3)
    full, short = champion.score(frame), champion.score(without(frame))
    pd.testing.assert_frame_equal(full, short)
    own = {"age": 20, "duration": 12}
    assert champion.score([own])["pd"][0] == champion.score([own | {"age": 60}])["pd"][0]
    assert "age" not in str(champion.score([{"duration": 12}])["missing"][0]).split("; ")


def test_mlflow_takes_it_and_ignores_it():
    served = ServedChampion(scorer(), ".")
    frame = applicants(3)
    pd.testing.assert_frame_equal(served.predict(frame), served.predict(without(frame)))
    assert not {"alter", "gastarb"} & set(served.truths)


def test_the_form_does_not_ask_for_it():
    page = FormPage(scorer().champion, events=False)
    names = [column.name for column in page.columns]
    assert "duration" in names
    assert not {"age", "foreign_worker"} & set(names)


def test_its_cells_are_read_as_prepare_reads_them():
    clean = prepared().clean
    found = audit_cells(texts(raw()), schema(), NOTATION)
    kept = clean["row_id"].to_numpy() - 1
    assert set(found) == {"age", "special.age", "foreign_worker"}
    for name, values in found.items():
        assert pd.Series(values[kept]).equals(clean[name].astype(values.dtype)) or (
            list(values[kept]) == clean[name].tolist()
        ), name
    assert CODE in set(found["special.age"])
    assert audit_cells(texts(without(raw())), schema(), NOTATION) == {}


def reference():
    train = featured()[0].query("split == 'train'").reset_index(drop=True)
    pds = np.linspace(0, 1, len(train))
    oof = pd.DataFrame({"row_id": train["row_id"], "repeat": 0, "fold": np.arange(len(train)) % 5,
                        "bad": train["bad"], "pd": pds})  # fmt: skip
    promised = Promise(source="cv", roc_auc=0.7, roc_auc_se=0.1, brier=0.2, brier_se=0.1)
    return make_reference(
        train, oof, schema(), {}, BY, np.zeros(len(train), dtype=bool), GradesParams(),
        threshold=THRESHOLD, model_sha256="0" * 64, promised=promised,
    )  # fmt: skip


def test_monitoring_groups_by_it_where_the_batch_has_it():
    found = reference()
    assert not {"age", "foreign_worker"} & found.variables.keys()
    assert set(found.groups) == {"age", "foreign_worker"}
    batch = applicants(40).assign(laufzeit="13")  # no training rows
    counted = count_batch(as_rows(batch), facts(), scorer(), found)[0]
    young = (batch["alter"].astype(int) < 25) & (batch["alter"] != CODE)
    assert counted.groups["age"]["under 25"][0] == young.sum()
    assert set(counted.groups["foreign_worker"]) == {"yes", "no"}
    for absent in (without(batch), batch.assign(alter=pd.NA, gastarb=pd.NA)):
        short = count_batch(as_rows(absent), facts(), scorer(), found)[0]
        assert short.groups == {}
        assert short.formats == counted.formats
        assert (short.sum_pd, short.accepted) == (counted.sum_pd, counted.accepted)


def test_events_of_the_service_may_lack_it(tmp_path):
    path = tmp_path / "scored.jsonl"
    lines = [
        {"time": "2026-01-05T10:00:00Z", "request_id": str(n), "model_sha256": "0", "pd": 0.1,
         "score": 1, "decision": "accept", "of": 1, "row": row}
        for n, row in enumerate(without(applicants(3)).to_dict("records"))
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_arrival(path, DATA, schema(), NOTATION)
    assert (found.kind, found.rejected, len(found.rows)) == ("applicants", 0, 3)


@pytest.mark.parametrize("other", [without, lambda frame: frame])
def test_a_batch_that_arrives_may_lack_it(tmp_path, other):
    path = tmp_path / "2026-01-05.csv"
    other(applicants()).to_csv(path, index=False)
    found = read_arrival(path, DATA, schema(), NOTATION)
    assert (found.kind, found.problem) == ("applicants", None)
    assert ("cell.gastarb" in found.rows) == (other is not without)
    without(applicants()).drop(columns="laufzeit").to_csv(path, index=False)
    broken = read_arrival(path, DATA, schema(), NOTATION)
    assert broken.kind == "broken"
    assert "no column laufzeit" in broken.problem
    assert "gastarb" not in broken.problem

"""Fits on all rows on a real Dask scheduler with real workers."""

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from creditrisk.core.cluster import cluster
from creditrisk.core.errors import InputError
from creditrisk.core.workers import SCHEDULER
from creditrisk.modeling.fits import FitFailed, one_candidate
from creditrisk.modeling.folds import Fold
from creditrisk.modeling.persistence import dump_model
from creditrisk.train import cluster_fit
from creditrisk.train.best_fit import fit_whole
from creditrisk.train.cluster_fit import fit_on_cluster
from creditrisk.train.single import train_single
from tests.support.dask_cluster import Cluster, running_cluster
from tests.support.divided import FEATURES, applicants, spec_of

pytestmark = [pytest.mark.server, pytest.mark.slow]

LONG = {"n_estimators": 800, "max_depth": 3}
MANY = FEATURES | {"many": ["town"]}
# (algorithm, features, its block): what gives the same PDs as a fit on one machine.
SAME = {
    "xgb": ("xgb", FEATURES, {}),
    "xgb, weights": ("xgb", FEATURES, {"scale_pos_weight": 3.0}),
    "xgb, directions": ("xgb", FEATURES | {"monotone": {"debt": 1}}, {}),
    "xgb, many levels": ("xgb", MANY, {}),
    "lgbm": ("lgbm", FEATURES, {}),
    "lgbm, weights": ("lgbm", FEATURES, {"class_weight": "balanced"}),
    "lgbm, directions": ("lgbm", FEATURES | {"monotone": {"debt": 1}}, {}),
    "lgbm, many levels": ("lgbm", FEATURES, {"encoder": "woe"}),
}


@pytest.fixture(scope="module")
def two() -> Iterator[Cluster]:
    with running_cluster(2) as found:
        yield found


def candidate(name, features=FEATURES, **block):
    frame = applicants()
    bad, spec = frame["bad"].to_numpy(), spec_of(name, features=features, **block)
    every = np.arange(len(bad))
    pipeline = spec.candidate_pipeline(spec.candidates[0], bad, [Fold(0, 0, every, every)])
    return pipeline, (frame[spec.columns], bad)


@pytest.mark.parametrize("case", SAME)
def test_pds_are_those_of_a_fit_on_one_machine(two, case):
    name, features, block = SAME[case]
    pipeline, rows = candidate(name, features, **block)
    local = fit_whole(pipeline, *rows)
    said: list[str] = []
    with cluster(two.address, None) as found:
        divided = fit_on_cluster(found, pipeline, rows, said.append)
    assert said == ["the fit on all rows, on 2 workers"]
    pds = divided.predict_proba(rows[0])[:, 1]
    assert np.abs(pds - local.predict_proba(rows[0])[:, 1]).max() < 1e-6
    assert pds.std() > 0.05  # it has learned something


@pytest.mark.parametrize("name", ["xgb", "lgbm"])
def test_the_model_is_the_ordinary_one_and_names_no_machine(two, name):
    pipeline, rows = candidate(name)
    local = fit_whole(pipeline, *rows)
    with cluster(two.address, None) as found:
        divided = fit_on_cluster(found, pipeline, rows, lambda line: None)
    assert [step for step, _ in divided.steps] == [step for step, _ in local.steps]
    assert type(divided) is type(local)
    model, wanted = divided[-1], local[-1]
    assert type(model) is type(wanted)
    assert model.get_params() == wanted.get_params()
    assert list(vars(model)) == list(vars(wanted))
    content = dump_model(divided)
    assert b"127.0.0.1:" not in content
    assert b"tcp:" not in content
    settings = [
        one.get_booster().save_config()
        if name == "xgb"
        else one.booster_.model_to_string().partition("parameters:")[2]
        for one in (model, wanted)
    ]
    assert settings[0] == settings[1]
    again = pickle.loads(pickle.dumps(divided))
    assert np.array_equal(again.predict_proba(rows[0]), divided.predict_proba(rows[0]))


@pytest.mark.parametrize("name", ["xgb", "lgbm"])
def test_training_takes_the_workers_for_the_fit_and_the_folds(two, name, monkeypatch):
    frame = applicants()
    local = train_single(spec_of(name), frame, log=lambda line: None)
    monkeypatch.setenv(SCHEDULER, two.address)
    said: list[str] = []
    divided = train_single(spec_of(name, final_fit="cluster"), frame, log=said.append)
    assert f"train@{name}: the fit on all rows, on 2 workers" in said
    assert local.oof.equals(divided.oof)
    assert local.nested.equals(divided.nested)
    rows = frame[spec_of(name).columns]
    pds = [one.model.predict_proba(rows)[:, 1] for one in (local, divided)]
    assert np.abs(pds[0] - pds[1]).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "block", "why"),
    [
        ("lr", {"C": 1.0}, "its library cannot divide a fit"),
        ("xgb", {"resample": "random_over"}, "its resampler needs all rows"),
        ("xgb", {"fit_rows": 500}, "fit_rows takes a sample"),
    ],
)
def test_what_can_not_be_divided_is_fitted_here_and_said(two, name, block, why, monkeypatch):
    monkeypatch.setenv(SCHEDULER, two.address)
    said: list[str] = []
    train_single(spec_of(name, final_fit="cluster", **block), applicants(), log=said.append)
    assert f"train@{name}: the fit on all rows on this machine: {why}" in said


def test_what_a_library_refuses_is_said_as_of_any_fit(two):
    pipeline, rows = candidate("xgb")
    pipeline.set_params(model__max_depth=-5)
    with (
        cluster(two.address, None) as found,
        pytest.raises(FitFailed, match="max_depth"),
        one_candidate(),
    ):
        fit_on_cluster(found, pipeline, rows, lambda line: None)


def when_training(two, found, strike) -> None:
    """Strike as soon as the workers talk to each other, other than by Dask's own ports."""
    known = {int(address.rpartition(":")[2]) for address in found.client.nthreads()}

    def links(pid: int) -> set[tuple[int, int]]:
        return {
            (one.laddr.port, one.raddr.port)
            for one in psutil.Process(pid).net_connections("tcp")
            if one.status == psutil.CONN_ESTABLISHED
        }

    def wait() -> None:
        while True:
            mine, others = map(links, two.pids)
            if any((b, a) in others and not {a, b} & known for a, b in mine):
                return strike()
            time.sleep(0.01)

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.parametrize("name", ["xgb", "lgbm"])
def test_a_worker_that_is_killed_in_a_fit_does_not_end_it(name):
    pipeline, rows = candidate(name, **LONG)
    said: list[str] = []
    with running_cluster(2) as two, cluster(two.address, None) as found:
        when_training(two, found, lambda: os.kill(two.pids[0], signal.SIGKILL))
        divided = fit_on_cluster(found, pipeline, rows, said.append)
    assert said == [
        "the fit on all rows, on 2 workers",
        "a worker was lost: the fit begins again",
        "the fit on all rows, on 1 workers",
    ]
    assert divided.predict_proba(rows[0]).shape == (len(rows[0]), 2)


def test_a_cluster_that_dies_in_a_fit_ends_it_with_one_line(monkeypatch):
    monkeypatch.setattr(cluster_fit, "PATIENCE_SECONDS", 1.0)
    pipeline, rows = candidate("xgb", **LONG)
    with running_cluster(2) as two, cluster(two.address, None) as found:

        def strike() -> None:
            for pid in two.pids:
                os.kill(pid, signal.SIGKILL)

        when_training(two, found, strike)
        with pytest.raises(InputError, match="cluster was lost"):
            fit_on_cluster(found, pipeline, rows, lambda line: None)

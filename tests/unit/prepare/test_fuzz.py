"""Mutated files: each ends well with every row accounted for, or in the one line."""

import json
import time
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.defects import Style, pick
from tests.support.dirt import Rates, make_dirty
from tests.support.mutations import MUTATIONS
from tests.support.small_data import DEFAULT, DEFAULT_CLEAN
from tests.support.stage_runs import assert_refused, make_project, run_apart, run_here

pytestmark = pytest.mark.slow

FILES = 520
BATCH = 20


@cache
def dirty_file(seed: int) -> bytes:
    """A dirty file of 65 rows, sound but for what prepare is made for."""
    rates = Rates(twins=3, duplicates=2, invalid_target=0.02, ragged=0.02)
    table = DEFAULT_CLEAN.sample(60, random_state=seed).reset_index(drop=True)
    return make_dirty(table, DEFAULT, seed, rates, Style(extra_columns=seed % 4)).data


def fuzz(seed: int) -> tuple[bytes, dict]:
    """Make a mutated file and the parameters to read it with."""
    rng = np.random.default_rng([seed, 4])
    data = dirty_file(seed % 12)
    names = list(MUTATIONS)
    data = MUTATIONS[names[seed % len(names)]](rng, data)
    for name in rng.choice(names, size=pick(rng, (0, 0, 0, 1, 2))):
        if b"," in data and data.count(b"\n") > 3 and name != "other_encoding":
            data = MUTATIONS[name](rng, data)
    often = rng.random() < 0.92
    blocks = {
        "data": {
            "encoding": pick(rng, ("utf-8", "latin-1"))
            if often
            else pick(rng, ("utf-16", "utf-8-sig", "cp500")),
            "delimiter": "," if often else pick(rng, (";", " ", "\t")),
            "thousands": pick(rng, (",", "", " ")),
        },
        "prepare": pick(rng, ({}, {"max_rejected_share": 1.0, "max_missing_share": 1.0})),
    }
    return data, blocks


def assert_law_1(folder: Path):
    """Every record that was read is clean or rejected, once; every cell has its count."""
    raw = pd.read_parquet(folder / "data/interim/raw.parquet")
    ingested = json.loads((folder / "metrics/ingest.json").read_text(encoding="utf-8"))
    assert ingested["rows_read"] == len(raw) > 0
    assert ingested["malformed"] == raw["malformed"].notna().sum()
    assert raw["row_id"].tolist() == list(range(1, len(raw) + 1))
    assert raw["line"].is_monotonic_increasing
    assert raw["line"].is_unique
    if not (folder / "data/interim/clean.parquet").exists():
        return
    clean = pd.read_parquet(folder / "data/interim/clean.parquet")
    rejected = pd.read_parquet(folder / "data/interim/rejected.parquet")
    account = json.loads((folder / "metrics/prepare.json").read_text(encoding="utf-8"))
    assert sorted([*clean["row_id"], *rejected["row_id"]]) == raw["row_id"].tolist()
    assert account["rows_read"] == len(raw) == account["rows_clean"] + account["rows_rejected"]
    assert account["rejected"]["malformed"] == ingested["malformed"]
    for counts in account["cells"].values():
        assert sum(counts.values()) == len(raw) - ingested["malformed"]
    assert len(clean[["applicant", "split"]].drop_duplicates()) == account["applicants"]


ENDS: dict[str, int] = {}


@pytest.mark.parametrize("start", range(0, FILES, BATCH))
def test_a_mutated_file_ends_well_or_in_one_line(tmp_path, start):
    for seed in range(start, start + BATCH):
        data, blocks = fuzz(seed)
        folder = make_project(tmp_path, data, **blocks)
        (folder / "data/interim/clean.parquet").unlink(missing_ok=True)
        for stage in ("ingest", "prepare"):
            # Not the clock on the wall, which also counts what else runs on the machine.
            began = time.process_time()
            code, err = run_here(folder, stage)
            assert time.process_time() - began < 10, f"seed {seed}"
            ENDS[f"{stage} {code}"] = ENDS.get(f"{stage} {code}", 0) + 1
            if code:
                assert_refused(folder, stage, code, err)
                break
            assert err == ""
            assert_law_1(folder)


def test_the_mutations_reach_every_end():
    if sum(n for end, n in ENDS.items() if end.startswith("ingest")) < FILES:
        pytest.skip("needs the whole run")
    assert all(ENDS[f"{stage} {code}"] >= 25 for stage in ("ingest", "prepare") for code in (0, 2))


@pytest.mark.parametrize("seed", [0, 2, 9, 12])
def test_the_same_holds_in_a_process_of_its_own(tmp_path, seed):
    data, blocks = fuzz(seed)
    folder = make_project(tmp_path, data, **blocks)
    for stage in ("ingest", "prepare"):
        code, err = run_apart(folder, stage)
        assert (code, err) == run_here(folder, stage)
        if code:
            assert_refused(folder, stage, code, err)
            break

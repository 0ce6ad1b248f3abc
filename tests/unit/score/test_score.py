"""score: no skew to evaluate, the same PD in any company, nothing lost, nothing unchecked run."""

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from creditrisk.champion import predict, tables
from creditrisk.champion.baseline import baseline_applicant
from creditrisk.champion.contributions import Explainer
from creditrisk.champion.parts import split_pipeline
from creditrisk.champion.points import ScorecardParams
from creditrisk.champion.predict import Predictor, transform_rows
from creditrisk.champion.tables import NotTabled
from creditrisk.core.errors import InputError
from creditrisk.ingest.batches import read_batches
from creditrisk.ingest.params import DataParams
from creditrisk.modeling.folds import make_folds
from creditrisk.prepare.cells import Notation
from creditrisk.prepare.parse import parse
from creditrisk.schema import parse_schema
from creditrisk.score.load_champion import load_champion
from creditrisk.train.out_of_fold import out_of_fold
from tests.support.calibrated import fit_calibrated
from tests.support.champions import (
    KINDS,
    baseline_row,
    columns,
    default_pd,
    model,
    part,
    pipeline,
    project,
    raw_lines,
    record,
    resampled,
    rows,
)
from tests.support.small_data import DEFAULT, SMALL
from tests.support.stage_runs import call

FILES = (Path("models/champion.joblib"), Path("models/champion.json"), Path("dvc.lock"))
ALL = [*KINDS, "vote", "stack"]
# `make test-fast` takes one of each way to compute; the others also have to be fitted.
FAST = ("lr", "scorecard", "dt", "xgb", "vote")
EACH = [pytest.param(kind, marks=() if kind in FAST else pytest.mark.slow) for kind in ALL]
SCALE = ScorecardParams(base_points=600, base_odds=50, pdo=20)


@pytest.fixture(scope="module")
def scoring(tmp_path_factory):
    return project(tmp_path_factory.mktemp("score") / "p")


def run(folder, *args):
    return call(folder, "commands.score", *args)


def score(folder, text, *args, name="new.csv"):
    """Score a file's text or bytes; gives the scored rows."""
    content = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(content)
    done = run(folder, "--input", name, "--output", "out.parquet", *args)
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(folder / "out.parquet")


@pytest.mark.parametrize("kind", EACH)
def test_pd_is_the_same_alone_in_any_batch_and_in_any_order(kind):
    rows, predictor = resampled(1000, 1), Predictor(model(kind))
    together = predictor.pd(rows)
    # As arrays, which the service has; the others as frames.
    arrays = {name: rows[name].to_numpy() for name in rows}
    alone = [
        predictor.pd({n: v[i : i + 1] for n, v in arrays.items()})[0] for i in range(len(rows))
    ]
    assert (np.array(alone) == together).all()
    for size in (7, 64, 333):
        parts = [predictor.pd(rows.iloc[i : i + size]) for i in range(0, len(rows), size)]
        assert (np.concatenate(parts) == together).all()
    order = np.random.default_rng(2).permutation(len(rows))
    assert (predictor.pd(rows.iloc[order]) == together[order]).all()
    # Across the limits of what is encoded, or computed, at once.
    copies = predict.ENCODED // len(rows) + 2
    long = pd.concat([rows.iloc[order]] * copies, ignore_index=True)
    assert (predictor.pd(long) == np.tile(together[order], copies)).all()


@pytest.mark.parametrize("kind", EACH)
def test_every_preprocessing_is_a_table(kind):
    members = Predictor(model(kind))._members
    assert all(member.tables is not None for member in members)
    heads = [getattr(member.head, "head", member.head) for member in members]
    assert all(head.tabled for head in heads if hasattr(head, "tabled"))


def test_members_with_equal_steps_share_their_tables(monkeypatch):
    made = []
    own = predict.Tables
    monkeypatch.setattr(predict, "Tables", lambda *args: made.append(own(*args)) or made[-1])
    members = Predictor(model("vote"))._members  # xgb has another encoder
    lr, xgb, mlp = (member.tables for member in members)
    assert lr is mlp is not xgb
    assert made == [lr, xgb]


@pytest.mark.parametrize("kind", ["lr", "scorecard", "rf"])
def test_what_is_no_table_is_encoded_by_the_transformers_and_gives_the_same(kind, monkeypatch):
    rows, tabled = resampled(300, 6), Predictor(model(kind)).pd(resampled(300, 6))

    def refuse(*_):
        raise NotTabled

    monkeypatch.setattr(predict, "Tables", refuse)
    predictor = Predictor(model(kind))
    assert predictor._members[0].tables is None
    together = predictor.pd(rows)
    assert together == pytest.approx(tabled, abs=1e-12)
    alone = [predictor.pd(rows.iloc[[i]])[0] for i in range(0, 300, 30)]
    assert (np.array(alone) == together[::30]).all()


def test_a_table_that_differs_from_the_transformers_is_not_used(monkeypatch):
    monkeypatch.setattr(tables.Scaling, "apply", lambda self, numbers: numbers)
    assert Predictor(model("lr"))._members[0].tables is None


@pytest.mark.parametrize("kind", EACH)
def test_pd_is_that_of_the_model_itself(kind):
    rows = resampled(400, 3)
    rows.loc[0] = np.nan  # nothing known
    rows.loc[1, "purpose"] = "a level that nobody has"
    own = model(kind).predict_proba(rows)[:, 1]
    assert default_pd(model(kind), rows) == pytest.approx(own, abs=1e-12)
    assert ((default_pd(model(kind), rows) >= 0) & (default_pd(model(kind), rows) <= 1)).all()


@pytest.mark.parametrize("calibration", ["platt", "isotonic"])
def test_a_calibrator_gets_the_pds_that_it_has_learned_from(calibration):
    """XGBoost's are of single precision; a step of isotonic regression may be steep."""
    train, candidate = part("train"), {"encoder": "ordinal", "resample": "none", "max_depth": 3}
    blank, bad = pipeline("xgb", candidate, rows()[1]), train["bad"].to_numpy()
    folds = make_folds(bad, np.arange(len(bad)), 3, 1, 42)
    oof, _ = out_of_fold(blank, train[columns()], bad, folds)
    fitted = fit_calibrated(blank, calibration, train[columns()], bad, oof)
    some = resampled(2000, 6)
    own = fitted.predict_proba(some)[:, 1]  # after isotonic regression of single precision, too
    assert default_pd(fitted, some) == pytest.approx(own, abs=1e-7)


@pytest.mark.parametrize("kind", EACH[: len(KINDS)])
def test_encoding_by_distinct_texts_equals_the_steps_one_after_the_other(kind):
    pipeline, _ = split_pipeline(model(kind))
    rows = resampled(300, 4)
    imputed = pipeline.named_steps["impute"].transform(rows)
    plain = pipeline.named_steps["encode"].transform(imputed)
    found = transform_rows(pipeline, rows)
    assert np.array_equal(found, np.asarray(plain, dtype=float), equal_nan=True)


def test_raw_lines_get_exactly_the_pds_of_evaluate(scoring):
    header, lines = raw_lines()
    test = part("test")
    ours = default_pd(model("lr"), test[columns()])
    chosen = [lines[i - 1] for i in test["row_id"]]
    found = score(scoring, "\n".join([header, *chosen]) + "\n")
    assert (found["pd"].to_numpy() == ours).all()
    assert (found["decision"] == np.where(ours >= 1 / 6, "reject", "accept")).all()
    # Backwards, in batches of 7, and alone.
    back = score(scoring, "\n".join([header, *chosen[::-1]]), "--batch", "7", "--reasons", "0")
    assert (back["pd"].to_numpy()[::-1] == ours).all()
    alone = score(scoring, "\n".join([header, chosen[5]]))
    assert alone["pd"].tolist() == [ours[5]]
    assert alone["reasons"].tolist() == [found["reasons"][5]]


def test_default_file_as_csv_parquet_and_without_target_is_one(scoring):
    header, lines = raw_lines()
    text = "\n".join([header, *lines]) + "\n"
    found = score(scoring, text, "--reasons", "0")
    assert len(found) == 1000
    assert found["pd"].notna().all()
    frame = pd.read_csv(io.StringIO(text))
    for variant in (frame, frame.astype("float64"), frame.astype(str), frame.astype("category")):
        file = io.BytesIO()
        variant.drop(columns="kredit").to_parquet(file)
        pd.testing.assert_frame_equal(score(scoring, file.getvalue(), "--reasons", "0"), found)
    bare = frame.drop(columns="kredit").to_csv(index=False)
    pd.testing.assert_frame_equal(score(scoring, bare, "--reasons", "0"), found)


def test_every_row_comes_back_and_bad_ones_say_why(scoring):
    header, lines = raw_lines()
    cells = lines[3].split(",")
    cells[3] = "99"  # no such purpose
    cells[4] = ""
    text = "\n".join([header, lines[0], "1,2,3", "", ",".join(cells), lines[1]])
    found = score(scoring, text)
    assert found["row_id"].tolist() == [1, 2, 3, 4]
    assert found["problem"].isna().tolist() == [True, False, True, True]
    assert found["problem"][1] == "line 3: 3 cells, the header has 21"
    unread = found.loc[1, ["pd", "score", "decision", "reasons"]]
    assert unread.isna().all()
    assert found["missing"][2] == "purpose: out of domain; amount: empty"
    assert found["pd"][2] > 0
    assert found["missing"].isna().tolist() == [True, True, False, True]


def described_anew(folder, **changed):
    path = folder / "models/champion.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    record(folder)


def test_every_scored_row_has_reasons_whatever_the_cut_off(tmp_path):
    folder = project(tmp_path / "p")
    header, lines = raw_lines()
    own = part("train")[columns()]
    typical = baseline_row(baseline_applicant(part("train"), rows()[1]), own)
    shares = Explainer(Predictor(model("lr")), typical).contributions(own).shares
    # Of each variable the value that lowers the risk most; of the three that hang together, those
    # of an applicant of whom none raises it.
    at = shares.idxmin()
    burden = ["amount", "duration", "monthly_burden"]
    at[burden] = shares[burden].max(axis=1).idxmin()
    best = [str(own.loc[at[c.name], c.name]) for c in DEFAULT.columns.values()]
    text = "\n".join([header, *lines[:300], ",".join([*best, "1"])])
    typical_pd = default_pd(model("lr"), typical)[0]
    low = score(folder, text)["pd"].iloc[-1]
    assert low < typical_pd / 2
    for threshold in (low, 1 / 6, 0.9):
        described_anew(folder, threshold=threshold)
        found = score(folder, text)
        assert (found["reasons"].str.len() > 0).all()
        refused = found["decision"] == "reject"
        assert refused.all() == (threshold == low)
        assert not found["reasons"][refused].str.contains("lowers the risk").any()
        lowest = found["reasons"].iloc[-1]
        assert lowest.startswith("nothing raises the risk above") == (threshold == low)
        assert ("is not under the cut-off" in lowest) == (threshold == low)


def test_reasons_tell_the_value_that_the_applicant_gave(tmp_path):
    folder = project(tmp_path / "p")
    kept = [level for level in DEFAULT.features["purpose"].levels if level != "8"]
    merges = {"purpose": {"into": "rare levels", "kept": kept}}
    described_anew(folder, adjustments={"caps": rows()[2]["caps"], "merges": merges})
    header, lines = raw_lines()
    cells = dict(zip(header.split(","), lines[0].split(","), strict=True))
    cells |= {"hoehe": "15945", "laufzeit": "10", "verw": "8", "laufkont": "77", "alter": "old"}
    cells["moral"] = "?"
    found = score(folder, f"{header}\n{','.join(cells.values())}", "--reasons", "21")
    reasons = found["reasons"][0]
    for words in (
        "amount: 15945 DM (counted as 11696 DM) ",
        "monthly burden (ratio of amount and duration): 1594.5 (counted as 1169.6) ",
        "purpose: vacation (counted as rare levels) ",
        "status: no valid value ",
        "age: no valid value ",
        "credit history: not given ",
    ):
        assert words in reasons + " "


def test_empty_and_missing_column_end_in_one_line_and_header_alone_in_no_row(scoring):
    header, lines = raw_lines()
    (scoring / "out.parquet").unlink(missing_ok=True)
    for text, words in (
        ("", "empty"),
        ("\n\n", "empty"),
        (header.replace("laufzeit", "x") + "\n" + lines[0], "no column laufzeit"),
        (header + "\n" + lines[0] + '\n"open\nx', "never closed"),
    ):
        (scoring / "bad.csv").write_text(text)
        done = run(scoring, "--input", "bad.csv", "--output", "out.parquet")
        assert done.returncode == 2, text
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (scoring / "out.parquet").exists()
    assert len(score(scoring, header + "\n")) == 0
    done = run(scoring, "--input", "nowhere.csv", "--output", "out.parquet")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_target_is_not_proposed_for_a_missing_column(scoring):
    header, lines = raw_lines()
    without = [",".join(line.split(",")[1:]) for line in (header, lines[0])]
    (scoring / "short.csv").write_text("\n".join(without))
    done = run(scoring, "--input", "short.csv", "--output", "out.parquet")
    assert done.returncode == 2
    assert "no column laufkont" in done.stderr
    assert "kredit" not in done.stderr
    (scoring / "short.csv").write_text("\n".join([without[0].replace("kredit", "lauf_kont"), "x"]))
    done = run(scoring, "--input", "short.csv", "--output", "out.parquet")
    assert "Did you mean lauf_kont?" in done.stderr


@pytest.mark.parametrize("spelled", ["new.csv", "./new.csv", "../p/new.csv", "link.parquet"])
def test_input_is_not_overwritten(scoring, spelled):
    header, lines = raw_lines()
    text = "\n".join([header, lines[0]])
    (scoring / "new.csv").write_text(text)
    (scoring / "link.parquet").unlink(missing_ok=True)
    (scoring / "link.parquet").symlink_to("new.csv")
    for paths in (("new.csv", spelled), (spelled, "new.csv")):
        done = run(scoring, "--input", paths[0], "--output", paths[1])
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith(f"error: {Path(paths[1])}: file: ")
        assert (scoring / "new.csv").read_text() == text


@pytest.mark.parametrize("name", ["params.yaml", "dvc.lock", *map(str, FILES[:2])])
def test_champion_and_parameters_are_not_overwritten(scoring, name):
    before = (scoring / name).read_bytes()
    (scoring / "new.csv").write_text("\n".join(raw_lines()[0:1]))
    done = run(scoring, "--input", "new.csv", "--output", name)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert (scoring / name).read_bytes() == before


def test_truths_of_parquet_are_read_as_those_of_csv(tmp_path):
    kinds = {
        "words": {"kind": "nominal", "levels": {"True": "signed", "False": "open"}},
        "small": {"kind": "nominal", "levels": {"true": "signed", "false": "open"}},
        "ranks": {"kind": "ordinal", "levels": ["FALSE", "TRUE"]},
        "free": {"kind": "nominal"},
        "codes": {"kind": "nominal", "levels": {"1": "signed", "0": "open"}},
        "number": {"kind": "numeric"},
    }
    columns_ = {name: {"name": name} | column for name, column in kinds.items()}
    target = {"column": "t", "good": "0", "bad": "1"}
    schema = parse_schema({"name": "x", "target": target, "columns": columns_}, "x")
    frame = pd.DataFrame({name: [True, False, None] for name in kinds}, dtype="boolean")
    text = frame.astype({"codes": "Int8", "number": "Int8"})  # as nobody can guess
    frame.to_parquet(tmp_path / "f.parquet")
    text.to_csv(tmp_path / "f.csv", index=False)
    data, notation = DataParams(source="x", schema_="y"), Notation.of(".", ",", ["none", "nan"])
    one, other = (
        parse(next(read_batches(tmp_path / name, data, schema, 10)), schema, notation)
        for name in ("f.parquet", "f.csv")
    )
    for mine, theirs in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(mine, theirs)
    assert one[0]["small"].tolist()[:2] == ["true", "false"]
    assert (one[1].iloc[2] == "empty").all()
    assert one[1].iloc[:2].isna().all(axis=None)


def test_failure_on_the_way_leaves_no_output(scoring):
    header, lines = raw_lines()
    (scoring / "late.csv").write_text("\n".join([header, *lines[:50], '"open', "x"]))
    done = run(scoring, "--input", "late.csv", "--output", "late.parquet", "--batch", "10")
    assert done.returncode == 2
    assert not list(scoring.glob("*late.parquet*"))


class Planted:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_tampered_champion_is_refused_before_it_is_unpickled(tmp_path, monkeypatch):
    folder, planted = project(tmp_path / "p"), tmp_path / "planted"
    pickle.loads(pickle.dumps(Planted(planted))).close()
    assert planted.exists()  # the plant works
    planted.unlink()
    champion = folder / "models/champion.joblib"
    champion.write_bytes(pickle.dumps(Planted(planted)))
    header, lines = raw_lines()
    (folder / "new.csv").write_text("\n".join([header, lines[0]]))
    done = run(folder, "--input", "new.csv", "--output", "out.parquet")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "champion.joblib" in done.stderr
    assert not planted.exists()
    monkeypatch.chdir(folder)
    # A description that was changed with it helps nothing, nor does a dvc.lock alone.
    described = json.loads((folder / "models/champion.json").read_text())
    (folder / "models/champion.json").write_text(json.dumps(described | {"model_sha256": "x"}))
    with pytest.raises(InputError, match="not the file that"):
        load_champion(*FILES)
    record(folder)
    with pytest.raises(InputError, match="not the model that"):
        load_champion(*FILES)
    assert not planted.exists()


@pytest.mark.parametrize("lock", [None, "stages: {}\n", "a: [\n", "stages: [1]\n"])
def test_without_a_record_nothing_is_loaded(tmp_path, lock, monkeypatch):
    folder = project(tmp_path / "p")
    (folder / "dvc.lock").unlink()
    if lock is not None:
        (folder / "dvc.lock").write_text(lock)
    monkeypatch.chdir(folder)
    with pytest.raises(InputError):
        load_champion(*FILES)


def test_model_of_other_versions_is_refused(tmp_path, monkeypatch):
    folder = project(tmp_path / "p")
    path = folder / "models/champion.json"
    described = json.loads(path.read_text())
    described["created_by"]["scikit-learn"] = "0.1"
    path.write_text(json.dumps(described))
    record(folder)
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match=r"made with scikit-learn 0\.1"):
        load_champion(*FILES)


def test_points_are_on_the_scale_of_the_champion_whatever_params_say_by_now(tmp_path):
    folder = project(tmp_path / "p")
    header, lines = raw_lines()
    text = "\n".join([header, *lines[:20]])
    before = score(folder, text)
    assert before["score"].tolist() == np.rint(SCALE.points(before["pd"].to_numpy())).tolist()
    params = yaml.safe_load((folder / "params.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump(params | {"scorecard": {"pdo": 50}}))
    pd.testing.assert_frame_equal(score(folder, text), before)
    path = folder / "models/champion.json"
    described = json.loads(path.read_text())
    del described["scorecard"]
    path.write_text(json.dumps(described))
    record(folder)
    done = run(folder, "--input", "new.csv", "--output", "out.parquet")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "models/champion.json: scorecard: missing, because an older version" in done.stderr


def test_schema_survives_its_way_through_json():
    for schema in (DEFAULT, SMALL):
        written = json.loads(json.dumps(schema.model_dump(exclude_defaults=True)))
        assert parse_schema(written, "x") == schema
        assert list(parse_schema(written, "x").columns) == list(schema.columns)


def test_points_by_hand():
    assert SCALE.points(np.array([1 / 51])) == pytest.approx(600)
    assert SCALE.points(np.array([1 / 101])) == pytest.approx(620)  # odds doubled
    assert np.isfinite(SCALE.points(np.array([0.0, 1.0]))).all()

"""From a raw loan book to scored applicants, by the commands of docs/your-own-applicants.md."""

import json
import re

import pandas as pd
import pytest

from tests.support.project import ROOT, SMALL, new_project

pytestmark = pytest.mark.pipeline

EDIT = "{name: late_payments, kind: numeric, special: {96: not asked, 98: refused to say}}"
BY_TIME = {
    "train": SMALL["train"] | {"folds_by": "time"},
    "algorithms": SMALL["algorithms"]
    | {
        # Ties and chance in small folds: what matters is that every kind of model runs.
        "lr": {"encoder": "onehot", "resample": "smotenc", "C": 0.1, "many_levels": "merge"},
    },
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    project = new_project(tmp_path_factory.mktemp("own") / "project", BY_TIME)
    target = ["--good", "Fully Paid", "--bad", "Charged Off", "--exclude", "Current"]
    done = project.command(
        "schema", "--data", "docs/example/loans.csv", "--target", "status", *target, "--use"
    )
    assert done.code == 0, done.err
    schema = project.folder / "data/schema/loans.yaml"
    text = schema.read_text(encoding="utf-8")
    schema.write_text(
        re.sub(r"^  late_payments: .*$", f"  late_payments: {EDIT}", text, flags=re.MULTILINE),
        encoding="utf-8",
    )
    checked = project.command("check")
    assert checked.code == 0, checked.err
    project.dvc("repro")
    return project


def read(project, name):
    return json.loads((project.folder / name).read_text(encoding="utf-8"))


def test_every_row_is_accounted_for(built):
    source = pd.read_csv(ROOT / "docs/example/loans.csv", dtype=str, keep_default_na=False)
    summary = read(built, "metrics/prepare.json")
    assert summary["rejected"]["indeterminate"] == (source["status"] == "Current").sum()
    assert summary["rows_read"] == len(source) == summary["rows_clean"] + summary["rows_rejected"]
    counts = source["late_payments"].value_counts()
    assert summary["special"] == {"late_payments": {"96": counts["96"], "98": counts["98"]}}


def test_cells_are_what_an_independent_reading_says(built):
    source = pd.read_csv(ROOT / "docs/example/loans.csv", dtype=str, keep_default_na=False)
    clean = pd.read_parquet(built.folder / "data/interim/clean.parquet").set_index("row_id")
    rows = source.iloc[clean.index - 1].set_index(clean.index)
    assert (
        clean["amount"] == rows["amount"].str.replace("[$,]", "", regex=True).astype(float)
    ).all()
    assert (clean["interest"] == rows["interest"].str.rstrip("%").astype(float)).all()
    issued, opened = (
        pd.to_datetime(rows[name], format="%b-%Y") for name in ("issue_date", "earliest_credit")
    )
    months = 12 * (issued.dt.year - opened.dt.year) + issued.dt.month - opened.dt.month
    assert (clean["earliest_credit"] == months).all()
    assert (clean["application_date"] == issued).all()
    assert (clean["employed"].fillna("n/a") == rows["employed"]).all()
    assert (clean["income"].isna() == (rows["income"] == "")).all()


def test_the_test_rows_are_the_latest_and_no_member_straddles(built):
    clean = pd.read_parquet(built.folder / "data/interim/clean.parquet")
    facts = read(built, "metrics/prepare.json")["split_by"]
    train = clean[clean["split"] == "train"]
    assert facts["by"] == "time"
    assert train["application_date"].max() < pd.Timestamp(facts["from"])
    assert clean.groupby("member_id")["split"].nunique().max() == 1
    for algorithm in ("lr", "svc", "vote"):
        oof = pd.read_parquet(built.folder / f"data/oof/{algorithm}.parquet")
        dated = oof.merge(train[["row_id", "application_date"]], on="row_id")
        assert 0 < len(oof) < len(train)  # the first period is never tested
        assert dated.groupby("fold")["application_date"].max().is_monotonic_increasing


def test_the_report_compares_the_two_periods(built):
    page = (built.folder / "plots/report.html").read_text(encoding="utf-8")
    assert "Train against test" in page
    assert "split by time (out of time)" in page
    table = pd.read_csv(built.folder / "plots/stability.csv")
    assert table["variable"].iloc[0] == "score (PD)"
    assert set(table["variable"]) >= {"late_payments", "interest", "home"}
    found = read(built, "metrics/evaluate.json")["stability"]
    clean = pd.read_parquet(built.folder / "data/interim/clean.parquet")
    facts = read(built, "metrics/prepare.json")["split_by"]
    late = (clean["split"] == "test") & (clean["application_date"] >= pd.Timestamp(facts["from"]))
    assert found["rows_test"] == late.sum() == (clean["split"] == "test").sum() - facts["early"]
    assert found["bad_rate_test"] == pytest.approx(clean.loc[late, "bad"].mean())
    cv = read(built, "metrics/evaluate.json")["cv"]["roc_auc"]
    assert found["auc_drop"] == pytest.approx(cv - found["auc_test"])
    assert "out of time" in (built.folder / "plots/model_card.md").read_text(encoding="utf-8")


def test_the_review_is_made(built):
    done = built.command("review")
    assert done.code == 0, done.err
    assert (built.folder / "review.md").stat().st_size > 1000


def test_special_codes_have_lines_of_their_own(built):
    card = pd.read_csv(built.folder / "plots/scorecard.csv", dtype={"code": str})
    own = card[card["variable"] == "late_payments"].set_index("bin")
    assert own.loc["refused to say", "code"] == "98"
    assert own.loc["not asked", "rows"] > 0
    assert own.loc["missing", "rows"] == 0
    assert not card["variable"].str.startswith("special.").any()


def test_applicants_without_an_outcome_are_scored_alike_in_every_form(built):
    source = pd.read_csv(ROOT / "docs/example/loans.csv", dtype=str, keep_default_na=False)
    new = source.drop(columns="status").head(60)
    new.to_csv(built.folder / "new.csv", index=False)
    new.to_csv(built.folder / "new.csv.gz", index=False)
    new.to_parquet(built.folder / "new.parquet")
    scored = []
    for name in ("new.csv", "new.csv.gz", "new.parquet"):
        done = built.command("score", "--input", name, "--output", "scored.csv")
        assert done.code == 0, done.err
        scored.append(pd.read_csv(built.folder / "scored.csv"))
    assert scored[0].equals(scored[1])
    assert scored[0].equals(scored[2])
    assert scored[0]["loan_id"].tolist() == new["loan_id"].astype(int).tolist()
    refused = new["late_payments"] == "98"
    assert not scored[0]["missing"].fillna("").str.contains("late payments").any()
    reasons = scored[0].loc[refused.to_numpy(), "reasons"].str.cat(sep=" ")
    assert "late payments: refused to say" in reasons

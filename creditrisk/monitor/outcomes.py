"""Outcomes that have become known: AUC, Brier score and calibration, against those promised."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from creditrisk.champion.reference import Grade, Reference
from creditrisk.metrics.intervals import wilson
from creditrisk.monitor.drift import compare_shares, holm
from creditrisk.monitor.judge import Occurrence
from creditrisk.monitor.params import MonitorParams

LIMIT = (
    "this comes from the PDs alone, as if they were calibrated; it shows that applicants differ "
    "less or more in risk than before, never that the risk of equal applicants has changed"
)
ALL, AUC = "all", "auc"  # tests beside those of the grades, A to G
BOTH = 5  # of each class, at least, for an AUC


def join_outcomes(scored: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Give each scored applicant the outcome that is known of him.

    Args:
        scored: of all batches in the order of receipt: `batch`, `id`, `bad`, `pd`, shape (n, 4);
            rows without a PD are left out. Of several rows with one id, the last one counts.
        later: outcomes that came by themselves: `batch`, `id`, `bad`, shape (m, 3). Of several
            outcomes of one id, the last one counts, wherever it stands.

    Returns:
        `id`, `bad` (int8), `pd` and `known_by`, the number of the batch by which an outcome became
        known, in this order; shape (k, 4).
    """
    own = scored[scored["pd"].notna()]
    named = own["id"].notna()
    nameless = own[~named].assign(known_by=own["batch"])
    stated = pd.concat([scored[["batch", "id", "bad"]], later]).dropna()
    stated = stated.sort_values("batch", kind="stable").groupby("id", sort=False)
    # A correction, or the same outcome stated again, leaves an applicant in his group.
    stated = stated.agg(bad=("bad", "last"), first=("batch", "first")).reset_index()
    last = own[named].drop_duplicates("id", keep="last").drop(columns="bad")
    joined = last.merge(stated, on="id", how="inner")
    joined = joined.assign(known_by=np.maximum(joined["batch"], joined["first"]))
    found = pd.concat([nameless, joined])
    found = found[found["bad"].notna()].sort_values("known_by", kind="stable")
    return found[["id", "bad", "pd", "known_by"]].astype({"bad": "int8"}).reset_index(drop=True)


def joined(scored: pd.DataFrame, later: pd.DataFrame) -> dict[str, int]:
    """Count what became of the outcomes that came by themselves.

    Args:
        scored: as for `join_outcomes`.
        later: likewise.

    Returns:
        `delivered`, the rows; `not_known`, those whose outcome is none or not known yet;
        `unknown_ids`, those of nobody who has applied; `trained_on`, those of applicants whom the
        champion was trained on, which are not judged; `repeated_ids`, the ids that several rows of
        applicants have.
    """
    known = later["bad"].notna() & later["id"].notna()
    ids = later.loc[known, "id"]
    fresh = set(scored.loc[scored["pd"].notna(), "id"].dropna())
    here = ids.isin(set(scored["id"].dropna()))
    return {
        "delivered": len(later),
        "not_known": int((~known).sum()),
        "unknown_ids": int((~here).sum()),
        "trained_on": int((here & ~ids.isin(fresh)).sum()),
        "repeated_ids": int((scored["id"].dropna().value_counts() > 1).sum()),
    }


def strangers_in(scored: pd.DataFrame, later: pd.DataFrame) -> set[int]:
    """Return the numbers of the batches of outcomes of which none belongs to an applicant."""
    known = later["id"].isin(set(scored["id"].dropna()))
    by_batch = known.groupby(later["batch"]).agg(["sum", "size"])
    return set(by_batch.index[(by_batch["sum"] == 0) & (by_batch["size"] >= BOTH)].tolist())


def expected_auc(pds: np.ndarray) -> float | None:
    """The AUC that is expected if each PD is the probability of default; None without a pair.

    Of each pair of applicants, one defaults and the other does not with the probability that
    follows from both PDs; the pair is in order if the one with the higher PD defaults. The
    expectation of the two sums is taken, not that of their ratio, which hardly differs.
    """
    ranked = np.sort(pds)
    distinct, first, count = np.unique(ranked, return_index=True, return_counts=True)
    good = np.concatenate([[0.0], np.cumsum(1 - ranked)])
    below = good[first]
    tied = (1 - distinct) * (count - 1)
    ordered = float((distinct * count * (below + tied / 2)).sum())
    pairs = float(ranked.sum() * (1 - ranked).sum() - (ranked * (1 - ranked)).sum())
    return ordered / pairs if pairs > 0 else None


def auc_with_error(bad: np.ndarray, pds: np.ndarray) -> tuple[float, float]:
    """The AUC and its standard error (DeLong, DeLong and Clarke-Pearson 1988)."""
    ranks = stats.rankdata(pds)
    of_bad, of_good = ranks[bad == 1], ranks[bad == 0]
    m, n = len(of_bad), len(of_good)
    auc = (of_bad.sum() - m * (m + 1) / 2) / (m * n)
    by_bad = (of_bad - stats.rankdata(pds[bad == 1])) / n
    by_good = 1 - (of_good - stats.rankdata(pds[bad == 0])) / m
    return float(auc), float(np.sqrt(by_bad.var(ddof=1) / m + by_good.var(ddof=1) / n))


def groups_of_outcomes(known: pd.DataFrame, least: int) -> list[pd.DataFrame]:
    """Cut the outcomes into groups of at least `least` rows, in the order in which they came.

    The last group is the rest, which is judged once it has grown.
    """
    groups, start = [], 0
    ends = known.groupby("known_by", sort=True).size().cumsum()
    for end in ends:
        if end - start >= least:
            groups.append(known.iloc[start:end])
            start = end
    return [*groups, known.iloc[start:]]


def judge_outcomes(
    known: pd.DataFrame, reference: Reference, params: MonitorParams
) -> tuple[dict[str, Any], list[Occurrence]]:
    """Compare outcomes with what was promised.

    Args:
        known: `bad` and `pd`, shape (n, 2).
        reference: the performance and the grades that were promised.
        params: the block `monitor`; fewer than `min_outcomes` rows raise no alarm.

    Returns:
        `rows`, `bad_rate`, `mean_pd`, `brier`, `brier_promised`, `auc` with `auc_low`, `auc_high`
        (95%) and `auc_promised`, `calibration` by grade; and what is an alarm.
    """
    bad, pds = known["bad"].to_numpy(), known["pd"].to_numpy()
    promised = reference.promised
    summary: dict[str, Any] = {
        "rows": len(known),
        "bad_rate": float(bad.mean()) if len(bad) else None,
        "mean_pd": float(pds.mean()) if len(bad) else None,
        "brier": float(((pds - bad) ** 2).mean()) if len(bad) else None,
        "brier_promised": promised.brier,
        "auc": None, "auc_low": None, "auc_high": None, "auc_promised": promised.roc_auc,
        "calibration": [_calibration(known, grade) for grade in reference.grades],
    }  # fmt: skip
    tests = _grade_tests(summary["calibration"], reference)
    if len(bad):
        tests[ALL] = calibration_p(bad, pds, reference)
    if min(bad.sum(), (1 - bad).sum()) >= BOTH:
        auc, error = auc_with_error(bad, pds)
        z = stats.norm.ppf(0.975)
        summary |= {
            "auc": auc, "auc_low": max(0.0, auc - z * error), "auc_high": min(1.0, auc + z * error),
        }  # fmt: skip
        both = float(np.hypot(error, promised.roc_auc_se or 0.0))
        tests[AUC] = float(stats.norm.cdf((auc - promised.roc_auc) / both)) if both else 1.0
    if len(known) < params.min_outcomes:
        return summary, []
    certain = {n for n, (p, _) in holm(tests).items() if p <= params.family_alpha}
    return summary, list(_found(summary, certain, params))


def _grade_tests(lines: list[dict[str, Any]], reference: Reference) -> dict[str, float]:
    """Compare the defaults of each grade with those that were promised (Fisher's exact test)."""
    return {
        grade.name: compare_shares(
            line["bad_rate"] * line["rows"], line["rows"], grade.bad_rate * grade.rows, grade.rows
        ).p
        for line, grade in zip(lines, reference.grades, strict=True)
        if line["rows"]
    }


def _found(
    summary: dict[str, Any], certain: set[str], params: MonitorParams
) -> Iterator[Occurrence]:
    rows, auc, promised = summary["rows"], summary["auc"], summary["auc_promised"]
    if AUC in certain and promised - auc >= params.auc_drop:
        message = f"the AUC of {rows:,} outcomes is {auc:.3f}, promised was {promised:.3f}"
        if summary["auc_high"] < 0.5:
            message += "; that is worse than chance: are good and bad exchanged in the outcomes?"
        yield Occurrence("auc", "outcomes", message)
    gap = abs(summary["bad_rate"] - summary["mean_pd"])
    if ALL in certain and gap >= params.share:
        yield Occurrence(
            "calibration", "outcomes",
            f"{summary['bad_rate']:.1%} of {rows:,} applicants defaulted, the PDs said "
            f"{summary['mean_pd']:.1%}",
        )  # fmt: skip
    for line in summary["calibration"]:
        bad_rate, then = line["bad_rate"], line["promised"]
        if line["grade"] in certain and abs(bad_rate - then) >= params.share:
            yield Occurrence(
                "calibration", f"grade {line['grade']}",
                f"{bad_rate:.1%} of {line['rows']:,} of grade {line['grade']} defaulted; promised: "
                f"{then:.1%}",
            )  # fmt: skip


def calibration_p(bad: np.ndarray, pds: np.ndarray, reference: Reference) -> float:
    """How often so many or so few default by chance, if the PDs are right; two-sided.

    The number of defaults is a sum of independent outcomes. The PDs were learned from a sample that
    has an error of its own, so two samples are compared.
    """
    variance = float((pds * (1 - pds)).sum()) / len(bad) ** 2
    learned = reference.bad_rate * (1 - reference.bad_rate) / reference.rows
    gap = abs(float(bad.mean() - pds.mean()))
    return float(2 * stats.norm.sf(gap / np.sqrt(variance + learned)))


def _calibration(known: pd.DataFrame, grade: Grade) -> dict[str, Any]:
    last = grade.high >= 1
    here = known[(known["pd"] >= grade.low) & ((known["pd"] < grade.high) | last)]
    rows, bads = len(here), int(here["bad"].sum())
    low, high = wilson(np.array(bads), np.array(rows))
    return {
        "grade": grade.name, "rows": rows, "bad_rate": bads / rows if rows else None,
        "low": float(low), "high": float(high),
        "mean_pd": float(here["pd"].mean()) if rows else None,
        "promised": grade.bad_rate,
    }  # fmt: skip

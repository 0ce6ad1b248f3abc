"""Make docs/example/loans.csv, an invented loan book: `python -m tools.example_loans`.

No row is a person. The file has what real ones have: an id, members with several loans, dates as
months, money with signs, loans that still run, special codes, gaps that mean something.
"""

from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 2400
SEED = 11
PURPOSES = ["car", "debt consolidation", "home improvement", "medical"]
PATH = Path("docs/example/loans.csv")


def loans(seed: int = SEED, rows: int = ROWS) -> pd.DataFrame:
    """Draw the loan book; shape (rows, 13)."""
    rng = np.random.default_rng(seed)
    issued = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 365 * 4, rows), unit="D")
    opened = issued - pd.to_timedelta(rng.gamma(3, 1300, rows) + 200, unit="D")
    income = np.exp(rng.normal(10.9, 0.5, rows)).round(-2)
    amount = (income * rng.uniform(0.05, 0.6, rows)).round(-2).clip(1000, 40000)
    late = rng.choice([0, 0, 0, 0, 1, 2, 3, 5], rows)
    years = rng.choice(["< 1 year", "1 year", "3 years", "5 years", "10+ years"], rows)
    rate = 6 + 3 * late + 12 * amount / income + rng.normal(0, 2, rows)
    risk = -3.2 + 0.35 * late + 2.2 * amount / income + 0.5 * (years == "< 1 year")
    # Some did not say how often they paid late, and some were not asked.
    said = rng.random(rows)
    risk += 0.9 * (said < 0.08)
    late = np.where(said < 0.08, 98, np.where(said < 0.12, 96, late))
    bad = rng.random(rows) < 1 / (1 + np.exp(-risk))
    runs = rng.random(rows) < np.where(issued > "2022-01-01", 0.6, 0.1)
    return pd.DataFrame(
        {
            "loan_id": np.arange(rows) + 5_200_001,
            "member_id": rng.integers(80_000, 80_000 + rows, rows),
            "issue_date": issued.strftime("%b-%Y"),
            "earliest_credit": opened.strftime("%b-%Y"),
            "amount": [f"${value:,.0f}" for value in amount],
            "term": rng.choice([" 36 months", " 60 months"], rows),
            "interest": [f"{value:.2f}%" for value in rate.clip(5)],
            "income": np.where(rng.random(rows) < 0.05, "", income.astype(int).astype(str)),
            "employed": np.where(rng.random(rows) < 0.06, "n/a", years),
            "home": rng.choice(["RENT", "OWN", "MORTGAGE"], rows, p=[0.4, 0.1, 0.5]),
            "purpose": rng.choice(
                ["car", "debt consolidation", "home improvement", "medical"], rows
            ),
            "late_payments": late,
            "status": np.where(runs, "Current", np.where(bad, "Charged Off", "Fully Paid")),
        }
    )


def main() -> None:
    """Write the file."""
    PATH.parent.mkdir(parents=True, exist_ok=True)
    loans().to_csv(PATH, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

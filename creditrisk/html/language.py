"""The few words that pages have of their own, in each language; all others come from the caller."""

PAGE_WORDS = {
    "en": {
        "table": "Table",
        "rows": "{} rows",
        "first": "The first {} of {} rows.",
        "yes": "yes",
        "no": "no",
    },
    "es": {
        "table": "Tabla",
        "rows": "{} renglones",
        "first": "Los primeros {} de {} renglones.",
        "yes": "sí",
        "no": "no",
    },
}

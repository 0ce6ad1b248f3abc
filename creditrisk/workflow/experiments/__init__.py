"""Experiments: parameter overrides, DVC's queue, and the table of results."""

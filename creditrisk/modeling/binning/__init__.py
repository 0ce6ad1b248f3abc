"""Bins of numeric variables and groups of levels, for models that a table of points can hold."""

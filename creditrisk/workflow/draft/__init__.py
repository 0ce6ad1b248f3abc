"""Drafts a schema file from an applicants' file: how it is written, what its columns are."""

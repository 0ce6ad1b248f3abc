"""Scores a folder of files, the parts, on all cores or on a cluster: each part once."""

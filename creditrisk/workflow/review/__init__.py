"""The review of a change: the work tree against a base revision, in Markdown and pictures.

What differs is asked of Git and of `dvc metrics diff`, `params diff`, `plots diff` and `status`;
here it is judged and worded.
"""

"""The review of a change: compare the work tree with a base revision, in Markdown and pictures.

Git and `dvc metrics diff`, `params diff`, `plots diff` and `status` find the differences. This
package judges them and writes the review.
"""

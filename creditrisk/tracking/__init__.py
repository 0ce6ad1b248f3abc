"""MLflow as a mirror: runs are recorded on this machine first, and uploaded to a server later.

Nothing here changes the outputs of a stage, raises an exception into it, or delays it beyond the
time limit (docs/architecture.md, Law 5).
"""

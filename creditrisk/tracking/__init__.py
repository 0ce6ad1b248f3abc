"""MLflow as a mirror: runs are recorded on this machine first and sent to a server when it can be.

Nothing here changes an output of a stage, raises into one, or makes one wait longer than the bound.
"""

"""Plumbing that knows nothing of credit: errors, parameters, the command line, files, logs."""

"""One small CLI script a DVC stage, run as `python -m stages.NAME`."""

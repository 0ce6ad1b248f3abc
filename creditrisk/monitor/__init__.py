"""Watching the champion in use: arriving data, drift, outcomes, alarms."""

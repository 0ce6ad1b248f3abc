"""Metrics: performance, costs and cut-off, confidence intervals, the target leakage warning."""

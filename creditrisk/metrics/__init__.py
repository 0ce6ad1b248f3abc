"""The yardsticks: performance, costs, intervals, and the warning of target leakage."""

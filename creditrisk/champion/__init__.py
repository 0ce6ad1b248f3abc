"""The chosen model: its PDs, points, calibration and description."""

"""The chosen model, for whoever uses it: PDs, points, calibration, description."""

"""train: search one algorithm's grid, calibrate the best, and predict what it has not seen."""

"""train: search one algorithm's grid, calibrate the best candidate, predict rows out of fold."""

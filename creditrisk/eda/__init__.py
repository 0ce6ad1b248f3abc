"""eda: describe the training rows, learn adjustments from them, apply these to all rows."""

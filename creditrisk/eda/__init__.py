"""eda: describe the train rows, learn adjustments from them, apply these to all rows."""

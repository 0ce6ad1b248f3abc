"""Around the pipeline: checks, experiments, tuning, reviews, remotes. No stage imports it."""

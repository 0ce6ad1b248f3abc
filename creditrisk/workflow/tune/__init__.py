"""tune: a search with Optuna over the folds of train. Its result is a change of params.yaml."""

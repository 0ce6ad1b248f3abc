"""tune: a search that proposes, over the folds of train; its result is a change of params.yaml."""

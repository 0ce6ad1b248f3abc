"""How a model is put together and kept: registry, pipeline, folds, model files."""

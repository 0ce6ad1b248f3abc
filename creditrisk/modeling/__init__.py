"""How a model is built and stored: registry, preprocessing pipeline, folds, model files."""

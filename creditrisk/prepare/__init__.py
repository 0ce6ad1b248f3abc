"""prepare: parse and validate cells, reject and de-duplicate rows, split into train and test."""

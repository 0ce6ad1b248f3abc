"""prepare: parse, validate, reject, de-duplicate and split the rows of an extract."""

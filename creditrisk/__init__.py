"""The library behind the stages: pure functions on frames and arrays."""

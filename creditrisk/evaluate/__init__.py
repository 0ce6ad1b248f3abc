"""evaluate: measure the champion on the test rows."""

"""The report for the person who approves the model: the champion, its results, its choice."""

"""The report for the person who signs: the champion, what it is worth, and how it was chosen."""

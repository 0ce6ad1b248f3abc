"""The scorecard as a card: points that can be added up by hand, in SQL and in a spreadsheet."""

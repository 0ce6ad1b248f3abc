"""Bounds of what is read at once, so that no file takes more memory than is planned for it.

docs/scoring.md gives them to users; `benchmarks/limits.py` measures what they cost.
"""

# A cell with more characters is no value of any column: its row is malformed.
MAX_CELL = 10_000
# A record with more characters is not cut into cells: it is malformed.
MAX_RECORD = 1_000_000
# A batch ends with the row that reaches this number of characters, even if it may have more rows.
BATCH_CHARACTERS = 2**24
# A row group of Parquet may hold this many bytes, or this many times the bytes that it takes in
# the file, whichever is more. Columns that compress better than that are made to fill a memory.
ROW_GROUP_BYTES = 2**26
MAX_EXPANSION = 20
# Training stops reading at this number of malformed rows, if they are most of the rows so far.
MAX_MALFORMED_ROWS = 100_000

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
# What the text of a training file may take, since `prepare` works on it: this many bytes, or
# MAX_EXPANSION times the size of the file.
TABLE_BYTES = 2**30
# What the files in a workbook may take when they are unpacked, or MAX_EXPANSION times its size.
WORKBOOK_BYTES = 2**28
# What the process that reads a workbook may take, or this many times the size of the workbook: a
# cell takes about 90 bytes, and 4 in the file. A sheet is held as a rectangle, so two cells far
# apart would otherwise fill any memory.
WORKBOOK_MEMORY = 2**30
WORKBOOK_MEMORY_RATIO = 60
# Names of columns that later JSON objects have and the first one has not, to name as ignored.
MAX_NAMES = 1_000

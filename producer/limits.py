"""The limits of a catalog: a row above any of them is rejected, so that no file can fill the memory."""

from __future__ import annotations

MAX_ROW_CHARS = 4 * 1024 * 1024
"""Characters of one row: one line of JSON Lines, or all lines of a CSV row with quoted newlines."""

MAX_CELL_CHARS = 1024 * 1024
"""Characters of one CSV cell; an unclosed quote is detected after this many."""

MAX_REREAD_CHARS = 64 * 1024 * 1024
"""Characters of a file that are parsed a second time after unclosed quotes, so that a hostile file takes
linear time; above this, the lines that an unclosed quote has swallowed are lost."""

MAX_ID_BYTES = 512
MAX_IMAGES_PER_ITEM = 64
MAX_URL_CHARS = 4096
MAX_PAYLOAD_BYTES = 16 * 1024
"""Bytes of a row's payload as JSON: it is stored with each of the item's pictures."""

MAX_NESTING = 8
"""Levels of nested objects that are flattened into dotted names."""

SAMPLE_ROWS = 1000
SAMPLE_CHARS = 1024 * 1024
"""The first rows, up to both limits, decide each CSV column's type and the field names of JSON Lines."""

KEPT_PROBLEMS = 1000
"""Rejected rows kept for display, as many as the ledger keeps; all of them are counted."""

MAX_TEXT_CHARS = 2000
"""Characters of a text field in a row whose payload is larger than `MAX_PAYLOAD_BYTES`: longer texts are cut, so that
one long description does not cost the row."""

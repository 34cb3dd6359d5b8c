"""Parts of the reader for workbooks."""

"""Parts of the reader for JSON documents."""

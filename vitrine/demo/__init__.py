"""The demo: a drawn catalog, a shop that serves it, and a report on the quality and speed of search.

    drawing -> catalog (CSV) -> shop (loopback HTTP) -> a job -> report

The drawing modules need Pillow and numpy; only the `demo` command imports them, and only when it runs.
"""

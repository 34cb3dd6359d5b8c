"""The demonstration: a drawn catalog, a shop that serves it, and a report on what search makes of it.

    drawing -> catalog (CSV) -> shop (loopback HTTP) -> a job -> report

The modules that draw need Pillow and numpy; they are imported by the `demo` command when it runs, and by
nothing else in `vitrine`.
"""

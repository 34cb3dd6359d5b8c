"""Checks of an installation, with fixes: one module per part, each yielding findings."""

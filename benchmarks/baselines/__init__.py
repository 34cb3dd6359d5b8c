"""Baselines for the `pipeline` benchmark: the usual ways to do the same work with Celery, small but fair."""

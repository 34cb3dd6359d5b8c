"""The usual ways to do the same work with Celery, small and honest, for the `pipeline` benchmark."""

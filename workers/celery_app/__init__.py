"""Celery in a worker process: configuration, boot steps, consumer, node name, health check and shutdown."""

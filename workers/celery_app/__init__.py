"""Celery in a worker process: its configuration, boot steps, consumer, node name, health check and the way it ends."""

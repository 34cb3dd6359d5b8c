"""Workers under measurement: vitrine's own with counters, and the usual ways with Celery."""

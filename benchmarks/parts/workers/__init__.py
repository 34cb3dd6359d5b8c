"""Workers under measurement: vitrine's with counters, and the usual Celery baselines."""

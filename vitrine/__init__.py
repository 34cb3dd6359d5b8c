"""Code that all processes share: values and settings, the ledger, the stores, queries to workers, and the console command.

Nothing here imports torch, FastAPI or Pillow at import time, so that the producer and the command
line stay light; only the packages that need those (`workers`, `api`) import them.
"""

__version__ = "0.1.0"

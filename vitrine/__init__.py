"""The shared core: contracts, settings, ledger, vector store gateway and the console command.

Nothing here imports torch, FastAPI or Pillow at import time, so that the producer and the command
line stay light; rooms that need those (`workers`, `api`) bring them along.
"""

__version__ = "0.1.0"

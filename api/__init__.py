"""The HTTP front: jobs in, searches answered, and what stands behind them told apart."""

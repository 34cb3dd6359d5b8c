"""Questions in a worker: the inbox, and the server that answers them through the same stages as chunks."""

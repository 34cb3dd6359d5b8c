"""The periodic duties of a worker: sweeping, the heartbeat, deferring and building indexes, and watching the device."""

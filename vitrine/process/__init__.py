"""Child processes: start, supervise, restart when they die, and stop in order."""

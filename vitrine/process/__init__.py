"""Processes of one's own: started, watched, started again when they die, stopped in good order."""

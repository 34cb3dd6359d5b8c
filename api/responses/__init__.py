"""What routes write besides JSON bodies: event streams, vectors as bytes, remaining time."""

"""A store that runs Qdrant's engine inside this process."""

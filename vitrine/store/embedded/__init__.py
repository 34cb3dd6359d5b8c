"""Qdrant's engine inside this process."""

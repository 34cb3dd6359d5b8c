"""What a checkout needs before vitrine itself can run: the environment, the pins."""

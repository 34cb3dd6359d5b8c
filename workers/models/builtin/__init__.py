"""Learning-free picture features, in numpy alone: what the built-in model concatenates."""

"""The features that the built-in model concatenates: no learning, numpy only."""

"""What neighbours in an embedding space mean: examples blended into one question, a cut of relevance, near-duplicates.

Plain functions over arrays: vectors of the store go in, and nothing here asks anybody for anything.
"""

"""The ways from bytes to a model's input that `benchmarks.preprocess` compares, and the pictures it does so on."""

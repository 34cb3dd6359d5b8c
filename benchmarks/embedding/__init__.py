"""The ways to embed pictures that lie in memory, each in a process of its own, for the `embedders` benchmark."""

"""What is wrong with an installation, and how to mend it: one module a part, each a stream of findings."""

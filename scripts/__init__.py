"""Scripts that prepare a checkout before vitrine itself can run, and that generate files of the repository."""

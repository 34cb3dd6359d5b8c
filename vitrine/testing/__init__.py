"""Fakes that ship with vitrine, for unit tests beside the contract suites on the real parts."""

"""Catalogs at URLs of other hosts, streamed through without a copy on disk."""

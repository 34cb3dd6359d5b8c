"""Bytes of a picture from a URL that nobody vouches for: a `FetchPolicy` makes a `Fetcher`, which makes futures."""

from workers.fetch.fetcher import Fetcher
from workers.fetch.policy import FetchPolicy
from workers.fetch.result import FetchedPicture

__all__ = ["FetchPolicy", "FetchedPicture", "Fetcher"]

"""Download pictures from untrusted URLs: a `Fetcher` works under a `FetchPolicy` and returns futures."""

from workers.fetch.fetcher import Fetcher
from workers.fetch.policy import FetchPolicy
from workers.fetch.result import FetchedPicture

__all__ = ["FetchPolicy", "FetchedPicture", "Fetcher"]

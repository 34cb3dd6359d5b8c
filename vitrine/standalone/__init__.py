"""The embedded default: Redis, store, worker and API as one service, started by one command."""

from vitrine.standalone.service import Standalone

__all__ = ["Standalone"]

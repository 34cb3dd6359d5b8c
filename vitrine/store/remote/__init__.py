"""The embedded engine in a process of its own, asked over HTTP: vitrine's store server and its client."""

"""The embedded engine in a separate process: vitrine's store server and its HTTP client."""

"""What routes read: bodies, uploads, query parameters, model names."""

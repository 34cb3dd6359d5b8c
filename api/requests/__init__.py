"""Reading of requests: bodies, uploads, query parameters, model names."""

"""Middleware before the routes: keys and scopes, audit, limits on rate, body and connections."""

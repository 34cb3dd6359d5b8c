"""What every request passes before a route sees it: keys and scopes, audit, limits on rate, body and connections."""

"""The HTTP API: submits jobs, runs searches, embeds and scores, and reports on the service."""

"""The shapes of bodies and answers: what `/docs` shows, and what is refused with 422 before any work."""
